//! The embedded ledger: one SQLite file, its log in WAL mode flushed before any answer.

pub(crate) mod column;
pub(crate) mod database;
pub(crate) mod fault;
mod lock;
mod log;
mod place;
mod row;
mod sessions;
#[cfg(test)]
mod tests;
mod transaction;
mod wal;

pub use transaction::SqliteTransaction;

use crate::{
    backend::{Access, Backend, Flush},
    error::{OpenError, StorageError, StorageFault},
};
use database::{SERVER_PATIENCE, Schema, TOOL_PATIENCE};
use fault::Failure;
#[cfg(feature = "postgres")]
use handfast_core::session::Session;
use handfast_core::session::SessionId;
use lock::ServerLock;
use place::Place;
use rusqlite::Connection;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};
use wal::WriteAheadLog;

const SCHEMA: Schema = Schema {
    application_id: i32::from_be_bytes(*b"HFld"),
    migrations: &[include_str!("migrations/ledger-0001.sql")],
    cache_kib: 2 * 1024,
    checkpoint_pages: 4_096,
};

/// More than there are, so that each is prepared once.
const STATEMENTS: usize = 32;

/// A ledger in an SQLite file.
///
/// Any number of processes may have it open, but only one of them as a server ([`Sqlite::open`]); the others
/// ([`Sqlite::open_beside`]) are tools that look and revoke. What they commit is in the log of changes, where the
/// server finds it. While another process holds the write lock, a server waits for two seconds and a tool for thirty; then
/// the batch fails.
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
    /// The file that `connection` is to.
    place: Place,
    /// The log that `connection` writes to, once it wrote.
    log: Option<Arc<WriteAheadLog>>,
    /// Set by a failure that the connection may not have come out of whole; the next transaction connects again.
    broken: bool,
    /// The session that the last sweep stopped at, in the middle of a round.
    swept_to: Option<SessionId>,
    /// Held by a server.
    lock: Option<ServerLock>,
}

impl Sqlite {
    /// Opens the ledger of a server: makes the file, readable by its owner only, where there is none; brings an older
    /// one up to date; and takes the lock that keeps a second server out until this one is dropped or its process ends.
    ///
    /// Every page of the file is read, at about a gigabyte a second.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::Missing`] and [`OpenError::Older`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let lock = ServerLock::take(path)?;
        let connection = database::open_or_make(path, &SCHEMA)?;
        wal::begin_anew(&connection).map_err(|Failure(source)| OpenError::Storage {
            path: path.into(),
            source,
        })?;
        Self::connected(path, connection, Some(lock))
    }

    /// Opens an existing ledger for a tool, whether or not a server runs on it.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::InUse`].
    pub fn open_beside(path: &Path) -> Result<Self, OpenError> {
        let connection = database::open_existing(path, &SCHEMA, TOOL_PATIENCE)?;
        Self::connected(path, connection, None)
    }

    /// Up to `limit` sessions in the order of their names, those after `after` only.
    #[cfg(feature = "postgres")]
    pub(crate) fn page(
        &self,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StorageError> {
        Ok(sessions::page(&self.connection, after, limit)?)
    }

    fn connected(
        path: &Path,
        connection: Connection,
        lock: Option<ServerLock>,
    ) -> Result<Self, OpenError> {
        let prepared = prepare(&connection, path);
        let place = prepared.map_err(|Failure(source)| OpenError::Storage {
            path: path.into(),
            source,
        })?;
        Ok(Self {
            path: path.into(),
            connection,
            place,
            log: None,
            broken: false,
            swept_to: None,
            lock,
        })
    }

    fn connect_again(&mut self) -> Result<(), StorageError> {
        let patience = match self.lock {
            Some(_) => SERVER_PATIENCE,
            None => TOOL_PATIENCE,
        };
        let opened = database::open_existing(&self.path, &SCHEMA, patience);
        let connection = opened.map_err(|refusal| match refusal {
            OpenError::Storage { source, .. } | OpenError::Damaged { source, .. } => source,
            refusal @ (OpenError::Missing { .. }
            | OpenError::InUse { .. }
            | OpenError::Foreign { .. }
            | OpenError::Newer { .. }
            | OpenError::Older { .. }
            | OpenError::Server(_)) => StorageError::new(StorageFault::Other, refusal),
        })?;
        self.place = prepare(&connection, &self.path)?;
        self.connection = connection;
        self.log = None;
        self.broken = false;
        Ok(())
    }

    /// The log that commits are flushed through. It exists once a transaction has written.
    fn log(&mut self) -> Result<Arc<dyn Flush>, Failure> {
        let log = match self.log.take() {
            Some(log) => log,
            None => Arc::new(WriteAheadLog::of(&self.path)?),
        };
        self.log = Some(Arc::clone(&log));
        Ok(log)
    }

    /// That what is written goes where the next start will look for it.
    fn expect_in_place(&self) -> io::Result<()> {
        self.place.expect_at(&self.path)?;
        self.log
            .as_ref()
            .map_or(Ok(()), |log| log.expect_at(&self.path))
    }
}

/// Makes a connection ready for transactions whose log is flushed apart from their commit; gives where its file is.
fn prepare(connection: &Connection, path: &Path) -> Result<Place, Failure> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    wal::leave_flushing_to_us(connection)?;
    Ok(Place::of(path)?)
}

impl Backend for Sqlite {
    type Transaction<'a> = SqliteTransaction<'a>;

    fn begin(&mut self, access: Access) -> Result<SqliteTransaction<'_>, StorageError> {
        if self.broken {
            self.connect_again()?;
        }
        SqliteTransaction::begin(self, access)
    }
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
