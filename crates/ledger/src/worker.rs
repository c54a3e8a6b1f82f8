//! The thread that turns what waits into transactions.

use crate::{
    backend::{Access, Backend, Durability, Transaction},
    conclude::Applied,
    counts::Tally,
    decide::{self, News, WorkingSet},
    entry::{self, Entry},
    error::{LedgerError, StorageError, StorageFault},
    ledger::BATCH_ENTRIES,
    queue::{Ending, Queue},
    reads, trace,
};
use handfast_core::{
    session::TokenPolicy,
    time::{Clock, Timestamp},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::SyncSender};

/// All that the thread owns.
pub(crate) struct Worker<B> {
    pub(crate) backend: B,
    pub(crate) policy: Arc<Policy>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) applied: SyncSender<Applied>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) tally: Arc<Tally>,
    /// Whether the last transaction failed, so that an outage is logged once.
    pub(crate) failing: bool,
}

/// How long tokens and sessions live, read once for each transaction.
#[derive(Debug)]
pub(crate) struct Policy(Mutex<TokenPolicy>);

impl Policy {
    pub(crate) fn new(policy: TokenPolicy) -> Self {
        Self(Mutex::new(policy))
    }

    pub(crate) fn set(&self, policy: TokenPolicy) {
        *self.lock() = policy;
    }

    fn current(&self) -> TokenPolicy {
        *self.lock()
    }

    /// It is copied whole, so that no panic leaves a half of it.
    fn lock(&self) -> MutexGuard<'_, TokenPolicy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Backend> Worker<B> {
    /// Applies batch after batch until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let _ending = Ending(Arc::clone(&self.queue));
        while let Some(batch) = self.queue.take(BATCH_ENTRIES) {
            self.process(batch);
        }
    }

    /// Applies `batch`, and passes it on to be concluded; a batch that fails is answered here.
    pub(crate) fn process(&mut self, mut batch: Vec<Entry>) {
        let begun_us = self.clock.micros();
        let intents = batch.len();
        entry::go_on(&mut batch, trace::transaction(intents));
        match self.apply(&mut batch) {
            Ok((news, durability)) => self.pass_on(Applied {
                batch,
                news,
                durability,
                begun_us,
            }),
            Err(Failure::OfSomeEntry(_)) if batch.len() > 1 => {
                let rest = batch.split_off(batch.len() / 2);
                self.process(batch);
                self.process(rest);
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
    fn apply(&mut self, batch: &mut [Entry]) -> Result<(News, Durability), Failure> {
        let writes = batch.iter().any(Entry::writes);
        let access = if writes { Access::Write } else { Access::Read };
        let mut transaction = self.backend.begin(access).map_err(Failure::OfStorage)?;
        for entry in &mut *batch {
            entry.reset();
        }
        let mut set = load(&mut transaction, batch, self.policy.current())?;
        // Only now, with every lock held, is it certain when this batch is applied.
        let now = withdraw(batch, &*self.clock);
        set.decide(batch, now);
        let has_changed = set.has_changed();
        let news = set.store(&mut transaction)?;
        reads::answer(batch, &mut transaction, now)?;
        let has_stored = has_changed || batch.iter().any(Entry::is_check);
        let durability = transaction.commit()?;
        if has_stored {
            self.note_success();
        }
        Ok((news, durability))
    }

    /// Something was written. What only reads ends no outage, for a full disk can still be read.
    fn note_success(&mut self) {
        if self.failing {
            self.failing = false;
            tracing::info!("the ledger stores again");
        }
    }

    fn pass_on(&self, mut applied: Applied) {
        entry::go_on(&mut applied.batch, trace::flush);
        // Where nobody concludes any more, the receipts say that the ledger has stopped.
        drop(self.applied.send(applied));
    }

    /// The batch is not committed, as far as anybody knows. Where it is all the same, an answer was lost on its way, which
    /// the rule takes as it takes a lost reply; what changed is in the log.
    fn fail(&self, batch: Vec<Entry>, cause: StorageError) {
        self.tally.failed.add(batch.len());
        let failure = LedgerError::Unavailable(cause);
        for entry in batch {
            entry.reply(Some(&failure));
        }
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
            StorageFault::Full
            | StorageFault::Busy
            | StorageFault::ReadOnly
            | StorageFault::Io
            | StorageFault::InDoubt => Self::OfStorage(cause),
        }
    }
}

/// Withdraws what is too late by now, which it gives.
fn withdraw(batch: &mut [Entry], clock: &dyn Clock) -> Timestamp {
    let now = clock.now();
    for entry in batch {
        entry.withdraw(now.moment);
    }
    now.unix
}

/// Reads and locks what `batch` decides about.
fn load<'b>(
    transaction: &mut impl Transaction,
    batch: &[Entry],
    policy: TokenPolicy,
) -> Result<WorkingSet<'b>, StorageError> {
    let wanted = decide::wanted(batch);
    let mut found = Vec::with_capacity(wanted.sessions.len());
    if !wanted.is_empty() {
        transaction.load(&wanted, &mut found)?;
    }
    Ok(WorkingSet::new(&wanted, found, policy))
}
