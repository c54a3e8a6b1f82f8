//! Accounts in an SQLite file of their own.

use super::{Account, Accounts, Created, PasswordHash};
use crate::error::{OpenError, StorageError};
use handfast_core::time::Timestamp;
use std::path::Path;

/// Accounts in an SQLite file.
#[derive(Debug)]
pub struct SqliteAccounts {}

impl SqliteAccounts {
    /// Opens the accounts, and makes the file if there is none. Several processes may have it open.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::Missing`] and [`OpenError::InUse`].
    pub fn open(_path: &Path) -> Result<Self, OpenError> {
        unimplemented!()
    }
}

impl Accounts for SqliteAccounts {
    fn find(&self, _: &str) -> Result<Option<Account>, StorageError> {
        unimplemented!()
    }

    fn create(&self, _: &str, _: &PasswordHash, _: Timestamp) -> Result<Created, StorageError> {
        unimplemented!()
    }

    fn set_password(&self, _: &str, _: &PasswordHash) -> Result<bool, StorageError> {
        unimplemented!()
    }

    fn set_disabled(&self, _: &str, _: bool) -> Result<bool, StorageError> {
        unimplemented!()
    }

    fn list(&self, _: Option<&str>, _: usize) -> Result<Vec<Account>, StorageError> {
        unimplemented!()
    }
}
