//! The key file: made once, replaced whole, and refused when others may read it.

use super::{
    Algorithm, KeyFileError, KeyFileFault, KeyRing,
    jwk::{PrivateJwk, PrivateJwkSet},
};
use handfast_core::time::Timestamp;
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use zeroize::Zeroizing;

/// The largest key file that is read, in bytes.
pub(super) const KEY_FILE_BYTES: u64 = 256 * 1024;
/// How long after a rotation a server may still sign with the key before it, because nobody told it to reload.
const RELOAD_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// A JWK Set on disk (RFC 7517 section 5), readable by its owner alone.
///
/// Every change writes a new file beside it and renames that over it, under a lock on the folder, so that a reader
/// sees the old set or the new one, and two writers one after the other.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

/// What a rotation changed, by `kid`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The new key.
    pub added: String,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// The key that signs before that; `None` if there was none.
    pub replaced: Option<Replaced>,
    /// The keys whose last token has expired, which are gone.
    pub dropped: Vec<String>,
}

/// A key that others follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Its `kid`.
    pub kid: String,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Until when what it signed is taken.
    pub verifies_until: Timestamp,
}

impl KeyFile {
    /// The key file of this name.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`KeyFileError`] if it is not there, is open to others, or holds anything but keys that can be used.
    pub fn load(&self) -> Result<KeyRing, KeyFileError> {
        self.read()
            .and_then(|set| KeyRing::prepare(&set))
            .map_err(|fault| self.error(fault))
    }

    /// Reads the file, or makes it with one new key if it is not there.
    ///
    /// # Errors
    /// As [`Self::load`], and if it cannot be made.
    pub fn load_or_create(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<KeyRing, KeyFileError> {
        self.load_or_create_set(algorithm, now)
            .and_then(|set| KeyRing::prepare(&set))
            .map_err(|fault| self.error(fault))
    }

    /// Puts a new key in front, which signs once it has been there for `wait`: by then every node must know it, or it
    /// would refuse the tokens of those that do. The keys that signed before stay until the last token that they can
    /// have signed has expired; those past that time go.
    ///
    /// # Errors
    /// As [`Self::load`], and if it cannot be replaced. The file is then what it was.
    pub fn rotate(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
        token_lifetime: Duration,
        wait: Duration,
    ) -> Result<Rotation, KeyFileError> {
        let mut new = PrivateJwk::generate(algorithm, now.as_unix());
        let signs_from = now.after(wait);
        if signs_from > now {
            new.sign_from = Some(signs_from.as_unix());
        }
        let end = signs_from.after(token_lifetime).after(RELOAD_GRACE);
        let added = new.kid.clone();
        let (replaced, dropped) = self
            .put_in_front(new, now, end)
            .map_err(|fault| self.error(fault))?;
        Ok(Rotation {
            added,
            signs_from,
            replaced,
            dropped,
        })
    }

    fn load_or_create_set(
        &self,
        algorithm: Algorithm,
        now: Timestamp,
    ) -> Result<PrivateJwkSet, KeyFileFault> {
        let _lock = self.lock_folder()?;
        if self.path.symlink_metadata().is_ok() {
            return self.read();
        }
        let keys = vec![PrivateJwk::generate(algorithm, now.as_unix())];
        let set = PrivateJwkSet { keys };
        self.write(&set)?;
        Ok(set)
    }

    /// Puts `new` in front of the keys that still verify, which do so until `end`. Gives the one that signs, and the names
    /// of the others, which are gone.
    fn put_in_front(
        &self,
        new: PrivateJwk,
        now: Timestamp,
        end: Timestamp,
    ) -> Result<(Option<Replaced>, Vec<String>), KeyFileFault> {
        let _lock = self.lock_folder()?;
        let set = self.read()?;
        // A rotation must not hide what `load` would have refused; only a set without a signing key is healed by it.
        let ring = match KeyRing::prepare(&set) {
            Ok(ring) => Some(ring),
            Err(KeyFileFault::NoSigningKey) => None,
            Err(fault) => return Err(fault),
        };
        let (mut kept, dropped) = set
            .keys
            .into_iter()
            .partition::<Vec<_>, _>(|key| key.verify_until.is_none_or(|end| now.as_unix() < end));
        for key in &mut kept {
            key.verify_until.get_or_insert(end.as_unix());
        }
        let replaced = ring.and_then(|ring| {
            let signing = ring.signing(now);
            let key = kept.iter().find(|key| key.kid == signing.id())?;
            Some(Replaced {
                kid: key.kid.clone(),
                algorithm: signing.algorithm(),
                verifies_until: Timestamp::from_unix(key.verify_until?),
            })
        });
        kept.insert(0, new);
        self.write(&PrivateJwkSet { keys: kept })?;
        let dropped = dropped.into_iter().map(|key| key.kid).collect();
        Ok((replaced, dropped))
    }

    fn read(&self) -> Result<PrivateJwkSet, KeyFileFault> {
        let file = File::open(&self.path).map_err(KeyFileFault::io("open"))?;
        let metadata = file.metadata().map_err(KeyFileFault::io("examine"))?;
        if !metadata.is_file() {
            return Err(KeyFileFault::NotAFile);
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            let file = self.path.display().to_string();
            return Err(KeyFileFault::OpenToOthers { mode, file });
        }
        if metadata.len() > KEY_FILE_BYTES {
            return Err(KeyFileFault::TooLarge);
        }
        let mut text = Zeroizing::new(Vec::new());
        file.take(KEY_FILE_BYTES)
            .read_to_end(&mut text)
            .map_err(KeyFileFault::io("read"))?;
        serde_json::from_slice(&text).map_err(|error| KeyFileFault::NotAJwkSet {
            line: error.line(),
            column: error.column(),
        })
    }

    /// Replaces the file, durably: the new one is on disk before it has the name, and the name before this returns.
    fn write(&self, set: &PrivateJwkSet) -> Result<(), KeyFileFault> {
        let text = serde_json::to_vec_pretty(set).expect("a JWK Set is JSON");
        let text = Zeroizing::new(text);
        let new = self.path.with_extension("new");
        // What a writer left that was stopped in the middle.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(KeyFileFault::Io {
                    action: "remove what an interrupted writer left beside",
                    error,
                });
            }
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .map_err(KeyFileFault::io("create"))?;
        file.write_all(&text)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, &self.path))
            .and_then(|()| File::open(self.folder())?.sync_all())
            .map_err(KeyFileFault::io("write"))
    }

    /// Keeps other writers out until it is dropped.
    fn lock_folder(&self) -> Result<File, KeyFileFault> {
        let folder = File::open(self.folder()).map_err(KeyFileFault::io("open the folder of"))?;
        flock(&folder, FlockOperation::LockExclusive)
            .map_err(|error| KeyFileFault::io("lock the folder of")(error.into()))?;
        Ok(folder)
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            Some(_) | None => Path::new("."),
        }
    }

    fn error(&self, fault: KeyFileFault) -> KeyFileError {
        let file = self.path.clone();
        KeyFileError { file, fault }
    }
}
