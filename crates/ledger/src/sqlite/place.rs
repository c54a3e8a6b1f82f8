//! Which file a connection writes to.
//!
//! A file that is removed or replaced under a running server goes on taking writes, which nobody will ever find again.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// What a file is known by, whatever its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    /// The file that is at `path` now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
        })
    }

    /// That the file is still at `path`, where the next start will look for it.
    pub(super) fn expect_at(self, path: &Path) -> io::Result<()> {
        if Self::of(path)? == self {
            Ok(())
        } else {
            Err(io::Error::other(Replaced))
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the file was replaced while it was open")]
struct Replaced;
