//! The embedded ledger: one SQLite file.

use crate::error::OpenError;
use std::path::Path;

/// A ledger in an SQLite file.
#[derive(Debug)]
pub struct Sqlite {}

/// A transaction on [`Sqlite`].
#[derive(Debug)]
pub struct SqliteTransaction {}

impl Sqlite {
    /// Opens the ledger of a server, and makes it if there is none.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::Missing`] and [`OpenError::Older`].
    pub fn open(_path: &Path) -> Result<Self, OpenError> {
        unimplemented!()
    }

    /// Opens an existing ledger for a tool, whether or not a server is running on it.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::InUse`].
    pub fn open_beside(_path: &Path) -> Result<Self, OpenError> {
        unimplemented!()
    }
}

impl crate::Backend for Sqlite {
    type Transaction<'a> = crate::MemoryTransaction<'a>;
    fn begin(
        &mut self,
        _: crate::Access,
    ) -> Result<crate::MemoryTransaction<'_>, crate::StorageError> {
        unimplemented!()
    }
}
