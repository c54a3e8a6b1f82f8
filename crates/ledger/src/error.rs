//! What can go wrong, by kind.

use handfast_core::session::SessionId;
use std::{error::Error, fmt, io::ErrorKind, path::PathBuf, sync::Arc};

/// Why an intent was not applied. Nothing of it happened, with one exception: where the storage or a thread of the ledger
/// failed in the middle of a commit ([`StorageFault::InDoubt`]), nobody can tell. To whoever asked, that is an answer that
/// was lost; what it changed, if it did, is in the log of changes.
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
    /// The storage was lost before it said whether it committed.
    InDoubt,
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
            StorageFault::InDoubt => "the storage was lost before it said whether it committed",
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

/// Why a database was not opened. It was not changed.
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
    /// It is on a server.
    #[error(transparent)]
    Server(#[from] DatabaseError),
}

/// Why a database on a server was not opened. It was not changed. Its name is the server's and its own; no user's, no
/// password's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Nobody answers there, or not now.
    #[error(
        "the database at {database} cannot be reached; is it running, and may this host connect to it?"
    )]
    Unreachable {
        /// The database.
        database: Box<str>,
        /// What failed.
        #[source]
        source: StorageError,
    },
    /// The server does not take the user's word for it.
    #[error("the database at {database} refuses this user or password; look at `ledger.url`")]
    Denied {
        /// The database.
        database: Box<str>,
        /// What the server said.
        #[source]
        source: StorageError,
    },
    /// The server has no database of that name.
    #[error("there is no database at {database}; make it with `createdb`")]
    Missing {
        /// The database.
        database: Box<str>,
        /// What the server said.
        #[source]
        source: StorageError,
    },
    /// The user may not do there what has to be done.
    #[error(
        "this user may not use or make the schema `handfast` in the database at {database}; make the user its owner"
    )]
    Forbidden {
        /// The database.
        database: Box<str>,
        /// What the server said.
        #[source]
        source: StorageError,
    },
    /// TLS was asked for, and there is none that is good enough.
    #[error(
        "there is no TLS to the database at {database} that can be trusted; look at `sslmode` and `sslrootcert`"
    )]
    Tls {
        /// The database.
        database: Box<str>,
        /// What failed.
        #[source]
        source: StorageError,
    },
    /// There is something else under our name.
    #[error("the schema `handfast` in the database at {database} belongs to another program")]
    Foreign {
        /// The database.
        database: Box<str>,
    },
    /// It was written by a newer handfast.
    #[error(
        "the database at {database} has schema {found}, which a newer handfast wrote; this one knows schemas up to {known}"
    )]
    Newer {
        /// The database.
        database: Box<str>,
        /// Its schema version.
        found: u32,
        /// The newest schema version that this program knows.
        known: u32,
    },
    /// It was written by an older handfast or by none, and only a server or `handfast ledger migrate` brings it up to
    /// date.
    #[error(
        "the database at {database} has schema {found}, this handfast needs {known}; `handfast ledger migrate` brings it up to date"
    )]
    Older {
        /// The database.
        database: Box<str>,
        /// Its schema version; 0 where there is none.
        found: u32,
        /// The schema version that is needed.
        known: u32,
    },
    /// Anything else.
    #[error("the database at {database} cannot be used")]
    Storage {
        /// The database.
        database: Box<str>,
        /// What failed.
        #[source]
        source: StorageError,
    },
}

impl DatabaseError {
    /// Whether it may pass by itself, so that it is worth waiting.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
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
