//! PostgreSQL's errors as faults of a storage.

use crate::error::{StorageError, StorageFault};
use std::io;
use tokio_postgres::{Error, error::SqlState};

/// A failure on its way out of this crate's SQL. It keeps the driver's type from showing in the public one.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) cause: StorageError,
    /// Whether the server itself said so, and nothing of the transaction happened.
    pub(crate) is_an_answer: bool,
}

impl Failure {
    /// What is stored cannot be what was written.
    pub(crate) fn damaged(cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            cause: StorageError::new(StorageFault::Damaged, cause),
            is_an_answer: true,
        }
    }

    /// The server did not answer in time.
    pub(crate) fn timed_out() -> Self {
        Self {
            cause: StorageError::new(StorageFault::Io, io::Error::from(io::ErrorKind::TimedOut)),
            is_an_answer: false,
        }
    }

    /// The same, of a commit: without an answer nobody knows whether it happened.
    pub(super) fn of_commit(self) -> Self {
        if self.is_an_answer {
            return self;
        }
        let cause = StorageError::new(StorageFault::InDoubt, self.cause);
        Self { cause, ..self }
    }
}

impl From<Error> for Failure {
    fn from(cause: Error) -> Self {
        Self {
            is_an_answer: cause.code().is_some_and(|code| !ends_the_connection(code)),
            cause: StorageError::new(fault(&cause), cause),
        }
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        failure.cause
    }
}

/// The class of an error code: its first two characters (PostgreSQL documentation, appendix A).
fn class(code: &SqlState) -> &str {
    code.code().get(..2).unwrap_or_default()
}

/// Whether the server sends this when it hangs up (operator intervention, connection exceptions).
fn ends_the_connection(code: &SqlState) -> bool {
    class(code) == "08" || (class(code) == "57" && *code != SqlState::QUERY_CANCELED)
}

fn fault(cause: &Error) -> StorageFault {
    let Some(code) = cause.code() else {
        let is_io = std::error::Error::source(cause).is_some_and(|cause| cause.is::<io::Error>());
        return if cause.is_closed() || is_io {
            StorageFault::Io
        } else {
            // Not the server's but the reading side's: a value that is not of the type that was written.
            StorageFault::Damaged
        };
    };
    match (class(code), code) {
        (_, &SqlState::DISK_FULL) => StorageFault::Full,
        (_, &SqlState::LOCK_NOT_AVAILABLE | &SqlState::QUERY_CANCELED) | ("40" | "53", _) => {
            StorageFault::Busy
        }
        (_, &SqlState::READ_ONLY_SQL_TRANSACTION) => StorageFault::ReadOnly,
        ("XX", _) if *code != SqlState::INTERNAL_ERROR => StorageFault::Damaged,
        // A value that the server does not take, or a constraint that it breaks: the fault of one entry.
        ("22" | "23", _) => StorageFault::Other,
        _ => StorageFault::Io,
    }
}
