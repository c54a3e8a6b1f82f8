//! What a ledger stores through.

use crate::{
    error::StorageError,
    intent::{Change, Changes, Cursor, Origin, Swept},
};
use handfast_core::{
    session::{Session, SessionId, SessionRecord},
    time::Timestamp,
};
use std::{fmt, sync::Arc};

/// A store of sessions. It reads and writes rows in transactions and decides nothing: what happens to a session is
/// decided between [`Transaction::load`] and [`Transaction::store`], by the same code for every backend.
///
/// Every method of a transaction takes all that a batch needs of its kind and is called once, so that a backend behind
/// a network answers a batch of any size in a constant number of round trips.
///
/// An error fails the whole batch, of which then nothing has happened. Where its fault is [`StorageFault::Damaged`] or
/// [`StorageFault::Other`], the ledger tries again with the halves of the batch, down to single intents, so that one bad
/// row fails nobody but those who need it.
///
/// [`StorageFault::Damaged`]: crate::StorageFault::Damaged
/// [`StorageFault::Other`]: crate::StorageFault::Other
pub trait Backend: Send + 'static {
    /// A transaction under way. Dropped without a commit, it leaves nothing behind.
    type Transaction<'a>: Transaction
    where
        Self: 'a;

    /// Begins a transaction.
    ///
    /// # Errors
    /// Where the storage cannot be reached, or its write lock not be had in time. The next call tries afresh.
    fn begin(&mut self, access: Access) -> Result<Self::Transaction<'_>, StorageError>;
}

/// What a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It only reads, and waits for no writer.
    Read,
    /// It may write: no other writer's changes can come between what it reads and what it writes.
    Write,
}

/// What a batch decides about.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// These sessions, in ascending order and each only once.
    pub sessions: Vec<SessionId>,
    /// All sessions of these subjects that were not revoked, in ascending order and each only once.
    pub subjects: Vec<&'a str>,
    /// These subjects get a session, in ascending order and each only once: whoever decides about all sessions of one
    /// of them decides before or after this batch.
    pub joined: Vec<&'a str>,
}

impl Wanted<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty() && self.subjects.is_empty()
    }
}

/// A session as it is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its name.
    pub session: SessionId,
    /// Whose it is.
    pub subject: Box<str>,
    /// Its record.
    pub record: SessionRecord,
}

/// A row that a batch writes.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The session.
    pub session: SessionId,
    /// Its record from now on.
    pub record: &'a SessionRecord,
    /// What beside the record's generations, times and owner is written.
    pub row: Row<'a>,
}

/// Which part of a session's row is written.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// A new row.
    Insert {
        /// Whose the session is.
        subject: &'a str,
        /// Where it was made from.
        origin: &'a Origin,
    },
    /// An existing row: its generations, times and owner, and the parts below.
    Update {
        /// Where it was presented from, if another connection owns it now.
        origin: Option<&'a Origin>,
        /// Whether its record was revoked by this batch.
        revoked: bool,
    },
}

/// One transaction: load, store, reads, commit, in this order.
pub trait Transaction {
    /// Reads what the batch decides about, and keeps other writers from it until the commit, unless the transaction only
    /// reads. A session that is wanted in two ways may be given twice; one that does not exist is not given.
    ///
    /// # Errors
    /// Where nothing could be read; the batch fails.
    fn load(&mut self, wanted: &Wanted<'_>, found: &mut Vec<Stored>) -> Result<(), StorageError>;

    /// Writes rows, in ascending order of their sessions, and appends `changes` to the log.
    ///
    /// # Errors
    /// The batch fails.
    fn store(
        &mut self,
        writes: &[Write<'_>],
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StorageError>;

    /// The sessions of these names.
    ///
    /// # Errors
    /// The batch fails.
    fn sessions(&mut self, wanted: &[SessionId]) -> Result<Vec<Option<Session>>, StorageError>;

    /// For each subject its live sessions, newest seen first, at most `limit` of them.
    ///
    /// # Errors
    /// The batch fails.
    fn list(
        &mut self,
        subjects: &[&str],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<Session>>, StorageError>;

    /// What the log holds behind `cursor`, about `limit` changes of it.
    ///
    /// # Errors
    /// The batch fails.
    fn changes_since(&mut self, cursor: Cursor, limit: usize) -> Result<Changes, StorageError>;

    /// Looks at the next `limit` sessions, wherever the last sweep stopped, and removes those that ended before
    /// `before`; and up to `limit` rows of the log that are older.
    ///
    /// # Errors
    /// The batch fails.
    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<Swept, StorageError>;

    /// Writes something that means nothing, so that the commit proves that the storage takes writes.
    ///
    /// # Errors
    /// The batch fails.
    fn touch(&mut self) -> Result<(), StorageError>;

    /// Makes everything written visible to others, and durable, unless that is said to be left to do.
    ///
    /// # Errors
    /// Nothing was written; where the fault is [`StorageFault::InDoubt`], nothing or all of it.
    ///
    /// [`StorageFault::InDoubt`]: crate::StorageFault::InDoubt
    fn commit(self) -> Result<Durability, StorageError>;
}

/// What a commit has left to do before what it wrote is durable.
#[derive(Clone)]
#[must_use = "no answer may leave before what it says is durable"]
pub enum Durability {
    /// Nothing.
    Reached,
    /// This flush. It may be done on another thread, while the next transaction is under way; it covers every commit
    /// that gave the same one before it began.
    After(Arc<dyn Flush>),
}

/// Makes what was committed durable.
pub trait Flush: Send + Sync {
    /// Waits until the storage has everything that was committed before this was called.
    ///
    /// # Errors
    /// It cannot be told any more what of it the storage has, now or ever.
    fn flush(&self) -> Result<(), StorageError>;
}

impl fmt::Debug for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reached => "Reached",
            Self::After(_) => "After(…)",
        })
    }
}

/// Whether a session was over before `before`: what a sweep removes.
#[must_use]
pub fn ended_before(record: &SessionRecord, before: Timestamp) -> bool {
    let expired_at = record.expires_at.min(record.token_expires_at);
    let ended_at = record
        .revoked
        .map_or(expired_at, |end| end.at.min(expired_at));
    ended_at < before
}
