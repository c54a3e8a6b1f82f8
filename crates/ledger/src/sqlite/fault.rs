//! SQLite's errors as faults of a storage.

use crate::error::{StorageError, StorageFault};
use rusqlite::{Error, ErrorCode, types::FromSqlError};

/// A failure on its way out of this crate's SQL. It keeps SQLite's own type from showing in the public one.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) StorageError);

impl Failure {
    /// What is stored cannot be what was written.
    pub(crate) fn damaged(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(StorageError::new(StorageFault::Damaged, cause))
    }
}

impl From<Error> for Failure {
    fn from(cause: Error) -> Self {
        Self(StorageError::new(fault(&cause), cause))
    }
}

impl From<FromSqlError> for Failure {
    fn from(cause: FromSqlError) -> Self {
        Self::damaged(cause)
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        Self(cause.into())
    }
}

impl From<Failure> for StorageError {
    fn from(Failure(cause): Failure) -> Self {
        cause
    }
}

fn fault(cause: &Error) -> StorageFault {
    match cause.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StorageFault::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageFault::Busy,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StorageFault::Damaged,
        Some(ErrorCode::ReadOnly) => StorageFault::ReadOnly,
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed,
        ) => StorageFault::Io,
        Some(_) => StorageFault::Other,
        // Not SQLite's but the reading side's: a value that is not of the type that was written.
        None => StorageFault::Damaged,
    }
}
