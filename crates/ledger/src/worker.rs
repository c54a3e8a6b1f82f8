//! The thread that turns what waits into transactions.

use crate::{
    backend::{Access, Backend, Transaction},
    counts::Tally,
    decide::{self, WorkingSet},
    entry::Entry,
    error::{LedgerError, StorageError, StorageFault},
    intent::Change,
    ledger::{BATCH_ENTRIES, Observer},
    queue::Queue,
    reads,
};
use handfast_core::{
    session::{Presented, TokenPolicy},
    time::{Clock, Timestamp},
};
use std::sync::Arc;

/// All that the thread owns.
pub(crate) struct Worker<B> {
    pub(crate) backend: B,
    pub(crate) policy: TokenPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) tally: Arc<Tally>,
    /// Whether the last transaction failed, so that an outage is logged once.
    pub(crate) failing: bool,
}

/// Sees to it that nobody waits for a worker that has ended, however it did.
struct Ending(Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<B: Backend> Worker<B> {
    /// Applies batch after batch until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.queue));
        let mut batch = Vec::new();
        while self.queue.take(&mut batch, BATCH_ENTRIES) {
            self.process(&mut batch);
        }
    }

    /// Applies `batch` and answers it, which empties it.
    fn process(&mut self, batch: &mut Vec<Entry>) {
        match self.apply(batch) {
            Ok(changes) => self.conclude(batch, &changes),
            Err(Failure::OfSomeEntry(_)) if batch.len() > 1 => {
                let mut rest = batch.split_off(batch.len() / 2);
                self.process(batch);
                self.process(&mut rest);
            }
            Err(Failure::OfSomeEntry(cause)) => {
                log_failure(
                    &cause,
                    "what is stored of a session cannot be read or written",
                );
                self.fail(batch, cause);
            }
            Err(Failure::OfStorage(cause)) => {
                if !self.failing {
                    self.failing = true;
                    log_failure(&cause, "the ledger cannot store");
                }
                self.fail(batch, cause);
            }
        }
    }

    /// One transaction. Its answers stay in the batch until it is committed.
    fn apply(&mut self, batch: &mut [Entry]) -> Result<Vec<Change>, Failure> {
        let writes = batch.iter().any(Entry::writes);
        let access = if writes { Access::Write } else { Access::Read };
        let mut transaction = self.backend.begin(access).map_err(Failure::OfStorage)?;
        // Only now, with the lock held, is it certain when this batch is applied.
        let now = self.clock.now();
        for entry in &mut *batch {
            entry.reset();
            entry.withdraw(now.moment);
        }
        let changes = perform(&mut transaction, batch, now.unix, self.policy)?;
        transaction.commit().map_err(Failure::OfStorage)?;
        Ok(changes)
    }

    /// The batch is committed: tells the observer, then lets the answers go.
    fn conclude(&mut self, batch: &mut Vec<Entry>, changes: &[Change]) {
        if self.failing {
            self.failing = false;
            tracing::info!("the ledger stores again");
        }
        if !changes.is_empty() {
            self.observer.committed(changes);
        }
        self.tally.batches.add(1);
        self.tally.answered.add(batch.len());
        let withdrawn = batch.iter().filter(|entry| entry.is_withdrawn());
        self.tally.too_late.add(withdrawn.count());
        for entry in batch.drain(..) {
            self.alarm(&entry);
            entry.reply(None);
        }
    }

    /// The batch is not committed: none of it happened.
    fn fail(&self, batch: &mut Vec<Entry>, cause: StorageError) {
        self.tally.failed.add(batch.len());
        let failure = LedgerError::Unavailable(cause);
        for entry in batch.drain(..) {
            entry.reply(Some(&failure));
        }
    }

    /// A verified token of a generation that the ledger does not know means that it lost what it had committed.
    fn alarm(&self, entry: &Entry) {
        let Entry::Present(ask) = entry else {
            return;
        };
        let Some(Ok(answer)) = &ask.answer else {
            return;
        };
        let (Presented::FromTheFuture | Presented::RolledForward, Some(record)) =
            (answer.presented, &answer.record)
        else {
            return;
        };
        self.tally.from_the_future.add(1);
        tracing::error!(
            session = %ask.intent.session,
            presented = %ask.intent.presentation.generation,
            issued = %record.issued,
            rolled_forward = answer.presented == Presented::RolledForward,
            "a token from the future: the ledger lost writes; was it restored from a backup?",
        );
    }
}

fn log_failure(cause: &StorageError, what: &'static str) {
    let error: &dyn std::error::Error = cause;
    tracing::error!(error, "{what}");
}

/// Why a transaction failed.
enum Failure {
    /// The storage takes nothing now.
    OfStorage(StorageError),
    /// It may be one entry's row that cannot be read or written, so that the others are worth a try without it.
    OfSomeEntry(StorageError),
}

impl From<StorageError> for Failure {
    fn from(cause: StorageError) -> Self {
        match cause.fault() {
            StorageFault::Damaged | StorageFault::Other => Self::OfSomeEntry(cause),
            StorageFault::Full | StorageFault::Busy | StorageFault::ReadOnly | StorageFault::Io => {
                Self::OfStorage(cause)
            }
        }
    }
}

/// All of a transaction between its beginning and its commit.
fn perform(
    transaction: &mut impl Transaction,
    batch: &mut [Entry],
    now: Timestamp,
    policy: TokenPolicy,
) -> Result<Vec<Change>, StorageError> {
    let wanted = decide::wanted(batch);
    let mut found = Vec::with_capacity(wanted.sessions.len());
    if !wanted.is_empty() {
        transaction.load(&wanted, &mut found)?;
    }
    let mut set = WorkingSet::new(&wanted, found, now, policy);
    set.decide(batch);
    let changes = set.store(transaction)?;
    reads::answer(batch, transaction, now)?;
    Ok(changes)
}
