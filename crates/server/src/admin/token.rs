//! The token that operators show.

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Digest, SHA256, digest},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// A new token, in bytes: more than anyone can guess.
const TOKEN_BYTES: usize = 32;
/// The shortest token that somebody else made, in characters.
const CHARACTERS_MIN: usize = 22;
/// The longest, in bytes.
const FILE_BYTES: u64 = 1024;

/// The operator's bearer token. Only its hash is kept, and compared in constant time.
#[derive(Clone)]
pub(crate) struct AdminToken(Digest);

/// Why the operator's token cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the operator's token {} {fault}", path.display())]
pub(crate) struct TokenError {
    pub(crate) path: PathBuf,
    #[source]
    pub(crate) fault: TokenFault,
}

/// What is wrong with the file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFault {
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("cannot be made")]
    Unmakable(#[source] io::Error),
    #[error("may be read by others (mode {mode:04o}); chmod 600 {}", path.display())]
    OpenToOthers { mode: u32, path: PathBuf },
    #[error("is none: one line of {CHARACTERS_MIN} or more letters, digits and -._~+/=")]
    Malformed,
}

impl AdminToken {
    /// The token in the file `path`.
    ///
    /// # Errors
    /// [`TokenError`] if it is not there, is open to others, or is no token.
    pub(crate) fn load(path: &Path) -> Result<Self, TokenError> {
        read(path).map(|text| Self::of(&text))
    }

    /// The token in the file `path`, which is made if it is not there.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(crate) fn load_or_create(path: &Path) -> Result<Self, TokenError> {
        create(path).map_err(|error| TokenError {
            path: path.to_owned(),
            fault: TokenFault::Unmakable(error),
        })?;
        Self::load(path)
    }

    fn of(text: &str) -> Self {
        Self(digest(&SHA256, text.as_bytes()))
    }

    /// Whether this is the token. What was shown takes the same time however much of it is right.
    pub(super) fn is(&self, shown: &str) -> bool {
        let shown = digest(&SHA256, shown.as_bytes());
        verify_slices_are_equal(self.0.as_ref(), shown.as_ref()).is_ok()
    }
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdminToken(…)")
    }
}

/// The text of the token in `path`, for who shows it.
pub(crate) fn read(path: &Path) -> Result<String, TokenError> {
    read_file(path).map_err(|fault| TokenError {
        path: path.to_owned(),
        fault,
    })
}

fn read_file(path: &Path) -> Result<String, TokenFault> {
    let file = File::open(path).map_err(TokenFault::Unreadable)?;
    let metadata = file.metadata().map_err(TokenFault::Unreadable)?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let path = path.to_owned();
        return Err(TokenFault::OpenToOthers { mode, path });
    }
    let mut text = String::new();
    file.take(FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(TokenFault::Unreadable)?;
    let token = text.trim_end();
    // What a header can carry (RFC 6750 section 2.1).
    let is_one = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let too_long = u64::try_from(text.len()).is_ok_and(|bytes| bytes > FILE_BYTES);
    if token.len() < CHARACTERS_MIN || too_long || !token.bytes().all(is_one) {
        return Err(TokenFault::Malformed);
    }
    Ok(token.to_owned())
}

/// Makes a file with a new token, where there is none: whole, and for its owner only, before it has its name. Others that
/// start on this folder wait, so that all show and take the same token.
fn create(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let folder = File::open(folder)?;
    folder.lock()?;
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    let token = URL_SAFE_NO_PAD.encode(handfast::random::bytes::<TOKEN_BYTES>());
    let new = path.with_extension("new");
    // What a start left that was stopped in the middle.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    folder.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs::Permissions, sync::Barrier, thread};

    fn fault(text: &str, mode: u32) -> TokenFault {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        AdminToken::load(&path).unwrap_err().fault
    }

    #[test]
    fn a_token_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        let token = AdminToken::load_or_create(&path).unwrap();
        let text = read(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(text.len(), 43);
        assert!(token.is(&text));
        assert!(AdminToken::load_or_create(&path).unwrap().is(&text));
        for other in ["", "x", &text[1..], &format!("{text}x")] {
            assert!(!token.is(other));
        }
        assert_eq!(format!("{token:?}"), "AdminToken(…)");
    }

    #[test]
    fn starts_at_the_same_time_make_one_token() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("admin-token");
            let barrier = Barrier::new(4);
            let start = || {
                barrier.wait();
                AdminToken::load_or_create(&path).unwrap()
            };
            let made: Vec<_> = thread::scope(|scope| {
                let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
                let made = starts.into_iter().map(|start| start.join().unwrap());
                made.collect()
            });
            let text = read(&path).unwrap();
            assert!(made.iter().all(|token| token.is(&text)));
        }
    }

    #[test]
    fn a_link_to_a_token_that_is_gone_is_no_place_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("admin-token");
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        let fault = AdminToken::load_or_create(&path).unwrap_err().fault;
        assert!(matches!(fault, TokenFault::Unreadable(_)));
    }

    #[test]
    fn a_token_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o660] {
            let fault = fault("0123456789012345678901\n", mode);
            assert!(matches!(fault, TokenFault::OpenToOthers { .. }));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in [
            "",
            "\n",
            "short",
            "with spaces in between, and long",
            "ä".repeat(22).as_str(),
        ] {
            assert!(
                matches!(fault(text, 0o600), TokenFault::Malformed),
                "{text}"
            );
        }
        assert!(matches!(
            fault(&"x".repeat(2000), 0o600),
            TokenFault::Malformed
        ));
    }
}
