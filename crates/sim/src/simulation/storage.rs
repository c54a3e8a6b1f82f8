//! What all nodes store in: the reference backend behind a disk that can be away, fail, and lose power.

use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use handfast_ledger::{
    Access, Backend, Change, Changes, Cursor, Durability, Flush, Memory, MemoryTransaction,
    StorageError, StorageFault, Stored, Swept, Transaction, Wanted, Write,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// The storage. Clones share it, as the nodes of one database do.
#[derive(Clone)]
pub(super) struct Storage {
    memory: Memory,
    disk: Arc<Disk>,
}

/// What goes wrong with the disk.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// Whether a commit is durable only after a flush, as with the embedded ledger.
    flushes_apart: bool,
    /// Nothing can be read or written.
    pub(super) is_down: AtomicBool,
    /// The next commit happens, and nobody can tell that it did.
    pub(super) is_in_doubt: AtomicBool,
    /// The next flush fails.
    pub(super) flush_fails: AtomicBool,
    /// A mistake: flushes say that they are done and do nothing.
    pub(super) flush_lies: AtomicBool,
    /// Whether it keeps what a power cut would leave.
    pub(super) is_watched: AtomicBool,
    /// What the storage held before each transaction that is not flushed.
    before: Mutex<Vec<Memory>>,
}

impl Storage {
    pub(super) fn new(flushes_apart: bool) -> Self {
        Self {
            memory: Memory::new(),
            disk: Arc::new(Disk {
                flushes_apart,
                ..Disk::default()
            }),
        }
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(super) fn backup(&self) -> Memory {
        self.memory.backup()
    }

    /// Loses what was committed since that backup.
    pub(super) fn restore(&self, backup: &Memory) {
        self.memory.restore(backup);
    }

    /// How many transactions a power cut would take, at the most.
    pub(super) fn at_stake(&self) -> usize {
        self.disk.before().len()
    }

    /// The power is cut. Of what was not flushed, only the first `kept` transactions had reached the disk.
    pub(super) fn lose_power(&self, kept: usize) {
        if let Some(left) = self.disk.before().get(kept) {
            self.memory.restore(left);
        }
        self.recover();
    }

    /// Whoever starts flushes what it finds.
    pub(super) fn recover(&self) {
        self.disk.before().clear();
    }

    /// What is stored of a session.
    pub(super) fn look_at(&self, session: SessionId) -> Option<Session> {
        let mut memory = self.memory.clone();
        let mut reading = memory.begin(Access::Read).ok()?;
        reading.sessions(&[session]).ok()?.pop()?
    }
}

impl Disk {
    fn before(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Storage {
    type Transaction<'a> = Transacting<'a>;

    fn begin(&mut self, access: Access) -> Result<Transacting<'_>, StorageError> {
        if self.disk.is_down.load(Ordering::Relaxed) {
            return Err(failure(StorageFault::Io));
        }
        let is_watched = self.disk.is_watched.load(Ordering::Relaxed);
        if self.disk.flushes_apart && is_watched && access == Access::Write {
            self.disk.before().push(self.memory.backup());
        }
        Ok(Transacting {
            rows: self.memory.begin(access)?,
            disk: &self.disk,
        })
    }
}

fn failure(fault: StorageFault) -> StorageError {
    StorageError::new(fault, "simulated")
}

impl Flush for Disk {
    fn flush(&self) -> Result<(), StorageError> {
        if self.flush_fails.swap(false, Ordering::Relaxed) {
            return Err(failure(StorageFault::Io));
        }
        if !self.flush_lies.load(Ordering::Relaxed) {
            self.before().clear();
        }
        Ok(())
    }
}

/// A transaction, whose end is the disk's matter.
pub(super) struct Transacting<'a> {
    rows: MemoryTransaction<'a>,
    disk: &'a Arc<Disk>,
}

impl Transaction for Transacting<'_> {
    fn load(&mut self, wanted: &Wanted<'_>, found: &mut Vec<Stored>) -> Result<(), StorageError> {
        self.rows.load(wanted, found)
    }

    fn store(
        &mut self,
        writes: &[Write<'_>],
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        self.rows.store(writes, changes, now)
    }

    fn sessions(&mut self, wanted: &[SessionId]) -> Result<Vec<Option<Session>>, StorageError> {
        self.rows.sessions(wanted)
    }

    fn list(
        &mut self,
        subjects: &[&str],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<Session>>, StorageError> {
        self.rows.list(subjects, now, limit)
    }

    fn changes_since(&mut self, cursor: Cursor, limit: usize) -> Result<Changes, StorageError> {
        self.rows.changes_since(cursor, limit)
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<Swept, StorageError> {
        self.rows.sweep(before, limit)
    }

    fn touch(&mut self) -> Result<(), StorageError> {
        self.rows.touch()
    }

    fn commit(self) -> Result<Durability, StorageError> {
        let reached = self.rows.commit()?;
        if self.disk.is_in_doubt.swap(false, Ordering::Relaxed) {
            return Err(failure(StorageFault::InDoubt));
        }
        Ok(if self.disk.flushes_apart {
            let flush: Arc<dyn Flush> = Arc::<Disk>::clone(self.disk);
            Durability::After(flush)
        } else {
            reached
        })
    }
}
