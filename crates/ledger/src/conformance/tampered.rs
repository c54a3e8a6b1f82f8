//! A backend that fails on demand, and counts.

use crate::{
    Access, Backend, Change, Changes, Cursor, Durability, Flush, StorageError, StorageFault,
    Stored, Swept, Transaction, Wanted, Write,
};
use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use std::sync::{Arc, Mutex, MutexGuard};

/// A backend around which one can make things fail.
pub(super) struct Tampered<B> {
    inner: B,
    plan: Plan,
}

/// What is to fail, and what has happened.
#[derive(Clone, Default)]
pub(super) struct Plan(Arc<Mutex<State>>);

/// What happens while a transaction is flushed.
pub(super) type Flushing = Box<dyn FnOnce() -> Result<(), StorageFault> + Send>;

#[derive(Default)]
pub(super) struct State {
    /// What happens while the next transaction waits for its lock.
    pub(super) while_waiting: Option<Box<dyn FnOnce() + Send>>,
    /// The next transaction cannot begin.
    pub(super) fail_begin: Option<StorageFault>,
    /// What happens while the next transaction waits for the rows that it locks.
    pub(super) while_locking: Option<Box<dyn FnOnce() + Send>>,
    /// The next transaction that may write is committed, and nobody hears of it.
    pub(super) lose_commit: bool,
    /// The next transaction that may write cannot be committed.
    pub(super) fail_commit: Option<StorageFault>,
    /// What happens while the next transaction that wrote is flushed, and what comes of it.
    pub(super) while_flushing: Option<Flushing>,
    /// This session cannot be read.
    pub(super) damaged: Option<SessionId>,
    /// This session cannot be written.
    pub(super) unwritable: Option<SessionId>,
    /// How many rows were written.
    pub(super) rows_written: usize,
}

pub(super) struct TamperedTransaction<T> {
    inner: T,
    access: Access,
    plan: Plan,
}

impl Plan {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn around<B>(&self, inner: B) -> Tampered<B> {
        let plan = self.clone();
        Tampered { inner, plan }
    }
}

fn failure(fault: Option<StorageFault>) -> Result<(), StorageError> {
    match fault {
        Some(fault) => Err(StorageError::new(fault, "as the test wants it")),
        None => Ok(()),
    }
}

impl<B: Backend> Backend for Tampered<B> {
    type Transaction<'a> = TamperedTransaction<B::Transaction<'a>>;

    fn begin(&mut self, access: Access) -> Result<Self::Transaction<'_>, StorageError> {
        if let Some(happens) = self.plan.state().while_waiting.take() {
            happens();
        }
        failure(self.plan.state().fail_begin.take())?;
        Ok(TamperedTransaction {
            inner: self.inner.begin(access)?,
            access,
            plan: self.plan.clone(),
        })
    }
}

impl<T: Transaction> Transaction for TamperedTransaction<T> {
    fn load(&mut self, wanted: &Wanted<'_>, found: &mut Vec<Stored>) -> Result<(), StorageError> {
        let damaged = self.plan.state().damaged;
        let meets = damaged.is_some_and(|damaged| wanted.sessions.contains(&damaged));
        failure(meets.then_some(StorageFault::Damaged))?;
        self.inner.load(wanted, found)?;
        if let Some(happens) = self.plan.state().while_locking.take() {
            happens();
        }
        Ok(())
    }

    fn store(
        &mut self,
        writes: &[Write<'_>],
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let mut state = self.plan.state();
        let meets = writes
            .iter()
            .any(|write| Some(write.session) == state.unwritable);
        failure(meets.then_some(StorageFault::Other))?;
        state.rows_written += writes.len();
        self.inner.store(writes, changes, now)
    }

    fn sessions(&mut self, wanted: &[SessionId]) -> Result<Vec<Option<Session>>, StorageError> {
        self.inner.sessions(wanted)
    }

    fn list(
        &mut self,
        subjects: &[&str],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<Session>>, StorageError> {
        self.inner.list(subjects, now, limit)
    }

    fn changes_since(&mut self, cursor: Cursor, limit: usize) -> Result<Changes, StorageError> {
        self.inner.changes_since(cursor, limit)
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<Swept, StorageError> {
        self.inner.sweep(before, limit)
    }

    fn touch(&mut self) -> Result<(), StorageError> {
        self.inner.touch()
    }

    fn commit(self) -> Result<Durability, StorageError> {
        if self.access == Access::Write {
            failure(self.plan.state().fail_commit.take())?;
        }
        let inner = self.inner.commit()?;
        if std::mem::take(&mut self.plan.state().lose_commit) {
            failure(Some(StorageFault::InDoubt))?;
        }
        Ok(Durability::After(Arc::new(TamperedFlush {
            inner,
            plan: self.plan,
        })))
    }
}

struct TamperedFlush {
    inner: Durability,
    plan: Plan,
}

impl Flush for TamperedFlush {
    fn flush(&self) -> Result<(), StorageError> {
        let happens = self.plan.state().while_flushing.take();
        let outcome = happens.map_or(Ok(()), |happens| happens());
        failure(outcome.err())?;
        match &self.inner {
            Durability::Reached => Ok(()),
            Durability::After(flush) => flush.flush(),
        }
    }
}
