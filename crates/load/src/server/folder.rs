//! A folder for the data of one measured server.

use crate::error::{Doing, Error};
use std::{
    fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

/// What `statfs` calls file systems that live in memory.
const IN_MEMORY: [(u64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];

/// The program, and where to make data folders: in `root`, or beside the program.
///
/// # Errors
/// [`Error::System`] where either is not there.
pub(crate) fn places(program: &Path, root: Option<&Path>) -> Result<(PathBuf, PathBuf), Error> {
    let find =
        |path: &Path| fs::canonicalize(path).doing(|| format!("looking for {}", path.display()));
    let program = find(program)?;
    let beside = program.parent().unwrap_or_else(|| Path::new("/"));
    let root = find(root.unwrap_or(beside))?;
    Ok((program, root))
}

/// A new folder, readable by nobody else. Dropping it wipes it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes a folder in `root`. Its name holds this process's number and `number`, which must be new.
    ///
    /// # Errors
    /// [`Error::NotOnDisk`] where `root` is in memory; [`Error::System`].
    pub(crate) fn create(root: &Path, number: u32) -> Result<Self, Error> {
        refuse_memory(root)?;
        Self::make(root, number)
    }

    fn make(root: &Path, number: u32) -> Result<Self, Error> {
        let path = root.join(format!("handfast-load-{}-{number}", std::process::id()));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .doing(|| format!("creating {}", path.display()))?;
        Ok(Self { path })
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the server keeps its data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Where the server's log goes.
    pub(crate) fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// The end of the log, at most `bytes` of it.
    pub(crate) fn log_tail(&self, bytes: usize) -> String {
        let log = fs::read(self.log()).unwrap_or_default();
        let start = log.len().saturating_sub(bytes);
        String::from_utf8_lossy(&log[start..]).into_owned()
    }
}

fn refuse_memory(root: &Path) -> Result<(), Error> {
    let on = rustix::fs::statfs(root).doing(|| format!("looking at {}", root.display()))?;
    let kind = IN_MEMORY
        .iter()
        .find(|(magic, _)| u64::try_from(on.f_type).is_ok_and(|found| found == *magic));
    match kind {
        None => Ok(()),
        Some((_, kind)) => Err(Error::NotOnDisk {
            folder: root.to_owned(),
            kind,
        }),
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            anstream::eprintln!("{} is left behind: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gone_when_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::make(root.path(), 1).unwrap();
        fs::create_dir(folder.data()).unwrap();
        fs::write(folder.log(), "one two").unwrap();
        assert_eq!(folder.log_tail(3), "two");
        drop(folder);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_in_memory_is_refused() {
        let memory = Path::new("/dev/shm");
        if memory.exists() {
            assert!(matches!(
                Folder::create(memory, 1),
                Err(Error::NotOnDisk { .. })
            ));
        }
    }
}
