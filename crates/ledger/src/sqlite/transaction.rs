//! One transaction on the embedded ledger.

use super::{Sqlite, fault::Failure, log, sessions};
use crate::{
    backend::{Access, Durability, Stored, Transaction, Wanted, Write},
    error::{StorageError, StorageFault},
    intent::{Change, Changes, Cursor, Swept},
};
use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use rusqlite::Connection;
use std::fmt;

// It counts, for SQLite does not write what is stored already.
const TOUCH: &str = "INSERT INTO touched (one, times) VALUES (1, 1) \
    ON CONFLICT (one) DO UPDATE SET times = times + 1";

/// A transaction on [`Sqlite`]. Dropped without a commit, it is rolled back.
pub struct SqliteTransaction<'a> {
    sqlite: &'a mut Sqlite,
    swept_to: Option<SessionId>,
    wrote: bool,
    committed: bool,
}

impl<'a> SqliteTransaction<'a> {
    pub(super) fn begin(sqlite: &'a mut Sqlite, access: Access) -> Result<Self, StorageError> {
        let begun = run(
            &sqlite.connection,
            match access {
                Access::Read => "BEGIN",
                Access::Write => "BEGIN IMMEDIATE",
            },
        );
        let mut transaction = Self {
            swept_to: sqlite.swept_to,
            sqlite,
            wrote: false,
            committed: false,
        };
        transaction.note(begun)?;
        Ok(transaction)
    }

    /// Remembers that the connection may not have come out of a failure whole.
    fn note<T>(&mut self, result: Result<T, Failure>) -> Result<T, StorageError> {
        result.map_err(|Failure(cause)| {
            self.sqlite.broken |= match cause.fault() {
                // SQLite promises that after these it goes on as if nothing had been.
                StorageFault::Full | StorageFault::Busy => false,
                StorageFault::Damaged
                | StorageFault::ReadOnly
                | StorageFault::Io
                | StorageFault::InDoubt
                | StorageFault::Other => true,
            };
            cause
        })
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn load(&mut self, wanted: &Wanted<'_>, found: &mut Vec<Stored>) -> Result<(), StorageError> {
        let loaded = sessions::load(&self.sqlite.connection, wanted, found);
        self.note(loaded)
    }

    fn store(
        &mut self,
        writes: &[Write<'_>],
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.wrote = true;
        let connection = &self.sqlite.connection;
        let stored = sessions::store(connection, writes)
            .and_then(|()| log::append(connection, changes, now));
        self.note(stored)
    }

    fn sessions(&mut self, wanted: &[SessionId]) -> Result<Vec<Option<Session>>, StorageError> {
        let read = sessions::read(&self.sqlite.connection, wanted);
        self.note(read)
    }

    fn list(
        &mut self,
        subjects: &[&str],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<Session>>, StorageError> {
        let connection = &self.sqlite.connection;
        let list = |subject: &&str| sessions::list(connection, subject, now, limit);
        let lists = subjects.iter().map(list).collect();
        self.note(lists)
    }

    fn changes_since(&mut self, cursor: Cursor, limit: usize) -> Result<Changes, StorageError> {
        let changes = log::since(&self.sqlite.connection, cursor, limit);
        self.note(changes)
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<Swept, StorageError> {
        self.wrote = true;
        let connection = &self.sqlite.connection;
        let swept = sessions::sweep(connection, self.swept_to, before, limit)
            .and_then(|swept| Ok((swept, log::forget(connection, before, limit)?)));
        let ((removed, stopped_at), log_is_long) = self.note(swept)?;
        self.swept_to = stopped_at;
        Ok(Swept {
            sessions: removed,
            round_complete: stopped_at.is_none(),
            log_is_long,
        })
    }

    fn touch(&mut self) -> Result<(), StorageError> {
        self.wrote = true;
        let sqlite = &self.sqlite;
        let there = sqlite.expect_in_place().map_err(Failure::from);
        let touched = there.and_then(|()| run(&sqlite.connection, TOUCH));
        self.note(touched)
    }

    fn commit(mut self) -> Result<Durability, StorageError> {
        // Had before the commit, so that nothing can fail between the commit and its flush.
        let log = if self.wrote {
            let log = self.sqlite.log();
            Durability::After(self.note(log)?)
        } else {
            Durability::Reached
        };
        let committed = run(&self.sqlite.connection, "COMMIT");
        self.note(committed)?;
        self.committed = true;
        self.sqlite.swept_to = self.swept_to;
        Ok(log)
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        // Some failures end SQLite's transaction by themselves.
        if !self.committed && !self.sqlite.connection.is_autocommit() {
            let undone = run(&self.sqlite.connection, "ROLLBACK");
            self.sqlite.broken |= undone.is_err();
        }
    }
}

fn run(connection: &Connection, statement: &str) -> Result<(), Failure> {
    connection.prepare_cached(statement)?.execute(())?;
    Ok(())
}

impl fmt::Debug for SqliteTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction").finish_non_exhaustive()
    }
}
