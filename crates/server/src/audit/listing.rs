//! The files that the record is in, each once, whoever renames them while they are looked for.

use super::{
    file::{Identity, identity},
    names,
};
use handfast::Timestamp;
use std::{
    fs::{self, File},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

/// How often the files are listed, where they get other names meanwhile.
const LISTINGS: usize = 8;

/// The files as they were at one time.
#[derive(Debug)]
pub(super) struct Listing {
    /// What was written to then. It stays the same file, whatever becomes of its name.
    pub(super) current: Option<File>,
    /// The former ones, the newest first.
    pub(super) former: Vec<Former>,
    /// Whether none can be missing.
    pub(super) is_whole: bool,
}

/// A file by its name.
#[derive(Debug)]
pub(super) struct Former {
    path: PathBuf,
    identity: Identity,
    changed: SystemTime,
}

impl Listing {
    /// Lists the files at `path` and beside it, without those that ended more than `disorder` seconds before `since`.
    ///
    /// # Errors
    /// If they cannot be listed, or the current one cannot be read.
    pub(super) fn of(path: &Path, since: Option<Timestamp>, disorder: u64) -> io::Result<Self> {
        let mut listing = Self::taken(path)?;
        for _ in 1..LISTINGS {
            if listing.is_whole {
                break;
            }
            listing = Self::taken(path)?;
        }
        listing.former.retain(|file| {
            let changed = file.changed.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.is_none_or(|since| changed.as_secs() + disorder >= since.as_unix())
        });
        Ok(listing)
    }

    /// The current file is opened first: if it is renamed meanwhile, it is listed as well, and known by its identity.
    fn taken(path: &Path) -> io::Result<Self> {
        let current = found(File::open(path))?;
        let metadata = current.as_ref().map(File::metadata).transpose()?;
        let current_identity = metadata.as_ref().map(identity);
        let mut former = by_name(path)?;
        let again = by_name(path)?;
        let names_stay = former
            .iter()
            .map(Former::name)
            .eq(again.iter().map(Former::name));
        let in_place = found(fs::metadata(path))?.as_ref().map(identity);
        former.sort_by(|one, other| {
            (other.changed, other.identity).cmp(&(one.changed, one.identity))
        });
        former.dedup_by_key(|file| file.identity);
        former.retain(|file| Some(file.identity) != current_identity);
        Ok(Self {
            current,
            former,
            is_whole: names_stay && in_place == current_identity,
        })
    }
}

impl Former {
    /// Opens it; `None` if something else, or nothing, has its name by now.
    pub(super) fn open(&self) -> io::Result<Option<File>> {
        let Some(file) = found(File::open(&self.path))? else {
            return Ok(None);
        };
        let is_it = identity(&file.metadata()?) == self.identity;
        Ok(is_it.then_some(file))
    }

    fn name(&self) -> (&Path, Identity) {
        (&self.path, self.identity)
    }
}

/// The former files, by name.
fn by_name(path: &Path) -> io::Result<Vec<Former>> {
    let mut files = Vec::new();
    for path in names::former(path)? {
        // It may have another name since it was listed.
        if let Some(metadata) = found(path.metadata())? {
            files.push(Former {
                path,
                identity: identity(&metadata),
                changed: metadata.modified()?,
            });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

/// What there is, if there is anything of that name.
fn found<T>(what: io::Result<T>) -> io::Result<Option<T>> {
    match what {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: File) -> String {
        io::read_to_string(file).unwrap()
    }

    #[test]
    fn a_file_that_got_another_name_since_is_none_that_has_its_name_now() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name);
        for file in ["audit", "audit.1", "audit.2"] {
            fs::write(name(file), file).unwrap();
        }
        let listing = Listing::of(&name("audit"), None, 0).unwrap();
        assert!(listing.is_whole);
        assert_eq!(listing.former.len(), 2);
        fs::rename(name("audit.1"), name("audit.3")).unwrap();
        fs::rename(name("audit"), name("audit.1")).unwrap();
        fs::write(name("audit"), "another").unwrap();
        assert_eq!(text(listing.current.unwrap()), "audit");
        for former in listing.former {
            let opened = former.open().unwrap().map(text);
            let expected = (former.path == name("audit.2")).then(|| "audit.2".to_owned());
            assert_eq!(opened, expected);
        }
    }
}
