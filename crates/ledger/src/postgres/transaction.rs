//! One transaction on PostgreSQL, in as few round trips as there are things to wait for.
//!
//! A batch of any size takes two: the first begins, locks and reads; the second writes and commits. What is sent
//! together is answered together, and the server takes it in the order in which it was sent.

use super::{
    connection::Database,
    fault::Failure,
    line::Line,
    log::{self, Arrivals},
    row,
    sessions::{self, Writes},
};
use crate::{
    backend::{Access, Durability, Stored, Transaction, Wanted, Write},
    error::{StorageError, StorageFault},
    intent::{Change, Changes, Cursor, Swept},
};
use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use std::{fmt, mem};

// It counts, for a row that is written as it was is no proof.
const TOUCH: &str = "INSERT INTO handfast.touched (one, times) VALUES (1, 1) \
    ON CONFLICT (one) DO UPDATE SET times = touched.times + 1";

/// A transaction on [`Postgres`](crate::Postgres). Dropped without a commit, it is rolled back.
pub struct PostgresTransaction<'a> {
    database: &'a Database,
    line: &'a Line,
    access: Access,
    standing: &'a mut Standing,
    sweep: Option<SessionId>,
    stage: Stage,
    writes: Writes,
    arrivals: Arrivals,
}

/// What outlives a transaction.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Set by a failure that the connection may not have come out of whole; the next transaction connects again.
    pub(super) is_broken: bool,
    /// Where the next sweep begins, in the middle of a round.
    sweep: Option<SessionId>,
}

/// How far a transaction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The server has not heard of it. Reads that need nothing of one another stay in this stage.
    Unbegun,
    /// The server holds its locks.
    Begun,
    /// It is over.
    Ended,
}

impl<'a> PostgresTransaction<'a> {
    /// A transaction that the server hears of with the first thing that is asked in it.
    pub(super) fn new(
        database: &'a Database,
        line: &'a Line,
        standing: &'a mut Standing,
        access: Access,
    ) -> Self {
        Self {
            access,
            database,
            line,
            sweep: standing.sweep,
            standing,
            stage: Stage::Unbegun,
            writes: Writes::default(),
            arrivals: Arrivals::default(),
        }
    }

    /// Whether the next pipeline has to begin the transaction.
    fn begins(&mut self) -> bool {
        let begins = self.stage == Stage::Unbegun;
        self.stage = Stage::Begun;
        begins
    }

    /// Remembers that the connection may not have come out of a failure whole.
    fn note<T>(&mut self, result: Result<T, Failure>) -> Result<T, StorageError> {
        result.map_err(|failure| {
            let stays = match failure.cause.fault() {
                StorageFault::Busy
                | StorageFault::Damaged
                | StorageFault::Full
                | StorageFault::Other => failure.is_an_answer,
                StorageFault::InDoubt | StorageFault::Io | StorageFault::ReadOnly => false,
            };
            self.standing.is_broken |= !stays;
            failure.cause
        })
    }

    /// Sends what is to be written, for reads in the same transaction to see.
    fn send_writes(&mut self) -> Result<(), StorageError> {
        let writes = mem::take(&mut self.writes);
        let arrivals = mem::take(&mut self.arrivals);
        if writes.is_empty() {
            return Ok(());
        }
        let (database, line, begins) = (self.database, self.line, self.begins());
        let sent = database.wait(async {
            tokio::try_join!(
                biased;
                line.begin(begins),
                writes.update(line),
                writes.insert(line),
                arrivals.append(line),
            )
        });
        self.note(sent)?;
        Ok(())
    }
}

impl Transaction for PostgresTransaction<'_> {
    fn load(&mut self, wanted: &Wanted<'_>, found: &mut Vec<Stored>) -> Result<(), StorageError> {
        if self.access == Access::Read {
            // Nobody is kept from anything.
            let read = sessions::look_up(self.line, &wanted.sessions);
            let read = self.database.wait(read);
            found.append(&mut self.note(read)?);
            return Ok(());
        }
        let (database, line, begins) = (self.database, self.line, self.begins());
        let loaded = database.wait(async {
            let (_, _, rows) = tokio::try_join!(
                biased;
                line.begin(begins),
                sessions::lock_subjects(line, wanted),
                sessions::load(line, wanted),
            )?;
            rows.iter().map(row::stored).collect::<Result<Vec<_>, _>>()
        });
        found.append(&mut self.note(loaded)?);
        Ok(())
    }

    fn store(
        &mut self,
        writes: &[Write<'_>],
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        for write in writes {
            self.writes.push(write);
        }
        self.arrivals.push(changes, now);
        Ok(())
    }

    fn sessions(&mut self, wanted: &[SessionId]) -> Result<Vec<Option<Session>>, StorageError> {
        self.send_writes()?;
        let read = self.database.wait(sessions::read(self.line, wanted));
        self.note(read)
    }

    fn list(
        &mut self,
        subjects: &[&str],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<Session>>, StorageError> {
        self.send_writes()?;
        let lists = sessions::list(self.line, subjects, now, limit);
        let lists = self.database.wait(lists);
        self.note(lists)
    }

    fn changes_since(&mut self, cursor: Cursor, limit: usize) -> Result<Changes, StorageError> {
        self.send_writes()?;
        let (database, line, begins) = (self.database, self.line, self.begins());
        let changes = database.wait(async {
            let (_, changes) = tokio::try_join!(
                biased;
                line.begin(begins),
                log::since(line, cursor, limit),
            )?;
            Ok(changes)
        });
        self.note(changes)
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<Swept, StorageError> {
        self.send_writes()?;
        let (database, line, begins) = (self.database, self.line, self.begins());
        let first = self.sweep;
        let swept = database.wait(async {
            let (_, _, ended, (last, log_is_long)) = tokio::try_join!(
                biased;
                line.begin(begins),
                log::give_places(line),
                sessions::next(line, first, before, limit),
                log::oldest(line, before, limit),
            )?;
            let (removed, ()) = tokio::try_join!(
                biased;
                sessions::remove(line, &ended),
                log::forget(line, last),
            )?;
            Ok((removed, ended.stopped_before, log_is_long))
        });
        let (removed, stopped_before, log_is_long) = self.note(swept)?;
        self.sweep = stopped_before;
        Ok(Swept {
            sessions: removed,
            round_complete: stopped_before.is_none(),
            log_is_long,
        })
    }

    fn touch(&mut self) -> Result<(), StorageError> {
        self.send_writes()?;
        let (database, line, begins) = (self.database, self.line, self.begins());
        let touched = database.wait(async {
            tokio::try_join!(biased; line.begin(begins), line.run(TOUCH))?;
            Ok(())
        });
        self.note(touched)
    }

    fn commit(mut self) -> Result<Durability, StorageError> {
        let writes = mem::take(&mut self.writes);
        let arrivals = mem::take(&mut self.arrivals);
        if self.stage == Stage::Begun || !writes.is_empty() {
            let (database, line, begins) = (self.database, self.line, self.begins());
            let committed = database.wait(async {
                // After a statement that failed, the server takes the commit for a rollback.
                tokio::try_join!(
                    biased;
                    line.begin(begins),
                    writes.update(line),
                    writes.insert(line),
                    arrivals.append(line),
                    line.run("COMMIT"),
                )
            });
            self.stage = Stage::Ended;
            self.note(committed.map_err(Failure::of_commit))?;
        }
        self.stage = Stage::Ended;
        self.standing.sweep = self.sweep;
        Ok(Durability::Reached)
    }
}

impl Drop for PostgresTransaction<'_> {
    fn drop(&mut self) {
        if self.stage == Stage::Begun && !self.standing.is_broken {
            let undone = self.database.wait(self.line.run("ROLLBACK"));
            self.standing.is_broken |= undone.is_err();
        }
    }
}

impl fmt::Debug for PostgresTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresTransaction")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
