//! The write-ahead log, which is flushed apart from the commits that write it.
//!
//! With `synchronous=NORMAL` a commit appends to the log and SQLite flushes only what keeps the database whole: the
//! log before its pages are copied into the database, the database before the log is begun anew, and the log's first
//! page before anything follows it. What is lost by a power cut is then an end of the log, never a part of a
//! transaction. The flush of a commit is ours: it is done before any answer leaves, but while the next transaction is
//! under way.

use super::{database, fault::Failure, place::Place};
use crate::{backend::Flush, error::StorageError};
use rusqlite::Connection;
use std::{fs::File, io, path::Path};

/// Lets commits leave the flush of the log to [`WriteAheadLog`].
pub(super) fn leave_flushing_to_us(connection: &Connection) -> Result<(), Failure> {
    connection.pragma_update(None, "synchronous", "normal")?;
    Ok(())
}

/// Copies what a former process left in the log into the database, flushes that, and empties the log.
///
/// After a flush that failed, nobody can tell which pages of the log the disk has, and reading them back from memory
/// proves nothing. What is appended behind them would be lost with them, so a server begins with an empty log. Where a
/// tool is reading, the log stays until a later checkpoint.
pub(super) fn begin_anew(connection: &Connection) -> Result<(), Failure> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))?;
    Ok(())
}

/// The log of an open database. SQLite keeps the file for as long as anybody has the database open.
pub(super) struct WriteAheadLog {
    file: File,
    place: Place,
}

impl WriteAheadLog {
    /// The log of the database at `path`.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let log = database::log_of(path);
        Ok(Self {
            file: File::open(&log)?,
            place: Place::of(&log)?,
        })
    }

    /// That it is still the log of the database at `path`.
    pub(super) fn expect_at(&self, path: &Path) -> io::Result<()> {
        self.place.expect_at(&database::log_of(path))
    }
}

impl Flush for WriteAheadLog {
    fn flush(&self) -> Result<(), StorageError> {
        Ok(self.file.sync_data()?)
    }
}
