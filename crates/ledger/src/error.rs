//! What can go wrong, by kind.

use handfast_core::session::SessionId;
use std::{error::Error, fmt, io::ErrorKind, path::PathBuf, sync::Arc};

/// Why an intent was not applied. Nothing of it happened, with one exception: where the storage or a thread of the ledger
/// failed while a commit was made durable, nobody can tell. To whoever asked, that is an answer that was lost.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// More waits already than the ledger takes. Try again later.
    #[error("the ledger has too much waiting")]
    Overloaded,
    /// The storage did not take it. Try again later.
    #[error("the ledger cannot answer")]
    Unavailable(#[source] StorageError),
    /// Its deadline had passed, or nobody waited for it any more, when its turn came.
    #[error("the deadline had passed before it could be applied")]
    DeadlinePassed,
    /// A session of this name exists. Names are drawn at random, so this is a repeated login.
    #[error("session {0} exists already")]
    SessionExists(SessionId),
    /// One of the ledger's threads has ended.
    #[error("the ledger has stopped")]
    Stopped,
}

/// A failure of the storage beneath a ledger.
#[derive(Clone)]
pub struct StorageError {
    fault: StorageFault,
    cause: Arc<dyn Error + Send + Sync>,
}

/// Kinds of [`StorageError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageFault {
    /// No room is left.
    Full,
    /// Another process held the write lock for too long.
    Busy,
    /// What is stored cannot be read as what was written.
    Damaged,
    /// The file or its file system may not be written to.
    ReadOnly,
    /// Reading or writing failed.
    Io,
    /// Anything else.
    Other,
}

impl StorageError {
    /// A failure of kind `fault`, caused by `cause`.
    #[must_use]
    pub fn new(fault: StorageFault, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            fault,
            cause: Arc::from(cause.into()),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn fault(&self) -> StorageFault {
        self.fault
    }
}

impl From<std::io::Error> for StorageError {
    fn from(cause: std::io::Error) -> Self {
        let fault = match cause.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                StorageFault::Full
            }
            ErrorKind::ReadOnlyFilesystem => StorageFault::ReadOnly,
            _ => StorageFault::Io,
        };
        Self::new(fault, cause)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.fault {
            StorageFault::Full => "no room is left in the storage",
            StorageFault::Busy => "another process holds the storage",
            StorageFault::Damaged => "the storage is damaged",
            StorageFault::ReadOnly => "the storage is read-only",
            StorageFault::Io => "the storage cannot be read or written",
            StorageFault::Other => "the storage failed",
        })
    }
}

impl fmt::Debug for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({})", self.fault, self.cause)
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

/// Why a database file was not opened. It was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It is not there, and opening it was not to make it.
    #[error("{} does not exist", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another process serves from it.
    #[error("{} is in use by another handfast{}", path.display(), Holder(*process))]
    InUse {
        /// The file.
        path: PathBuf,
        /// That process, where it could be told.
        process: Option<u32>,
    },
    /// It is no database, or parts of it cannot be read.
    #[error("{} is damaged or no database; restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        #[source]
        source: StorageError,
    },
    /// It is a database of something else.
    #[error("{} belongs to another program or purpose", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer handfast.
    #[error(
        "{} has schema {found}, which a newer handfast wrote; this one knows schemas up to {known}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// It was written by an older handfast, and only a server brings it up to date.
    #[error(
        "{} has schema {found}, this handfast needs {known}; start the server once to bring it up to date",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The schema version that is needed.
        known: u32,
    },
    /// It cannot be read or written.
    #[error("{} cannot be opened", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// What failed.
        #[source]
        source: StorageError,
    },
}

struct Holder(Option<u32>);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(process) => write!(f, " (process {process})"),
            None => Ok(()),
        }
    }
}
