//! The thread that makes what was committed durable, and then tells of it.
//!
//! It is apart from the worker, so that the next batch is decided and written while the disk is busy with this one.

use crate::{
    backend::Durability,
    counts::Tally,
    decide::News,
    entry::{self, Entry},
    error::{LedgerError, StorageError},
    ledger::Observer,
    queue::{Ending, Queue},
    trace,
};
use handfast_core::{session::Presented, time::Clock};
use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
};

/// The most batches that wait for their flush. More would not make it faster, for one flush serves all that wait.
const BATCHES: usize = 2;

/// A batch that is committed and not yet answered.
pub(crate) struct Applied {
    pub(crate) batch: Vec<Entry>,
    pub(crate) news: News,
    pub(crate) durability: Durability,
    /// When its transaction began, by the clock's microseconds.
    pub(crate) begun_us: u64,
}

/// All that the thread owns.
pub(crate) struct Concluder {
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) tally: Arc<Tally>,
}

/// The way from the worker to the concluder.
pub(crate) fn channel() -> (SyncSender<Applied>, Receiver<Applied>) {
    sync_channel(BATCHES)
}

impl Concluder {
    /// Concludes batch after batch, in the order of their commits, until the worker has ended.
    pub(crate) fn run(self, applied: Receiver<Applied>) {
        let _ending = Ending(Arc::clone(&self.queue));
        let mut waiting = Vec::with_capacity(1 + BATCHES);
        while let Ok(first) = applied.recv() {
            waiting.push(first);
            waiting.extend(applied.try_iter().take(BATCHES));
            if self.conclude_all(&mut waiting).is_break() {
                return;
            }
        }
    }

    /// Makes `waiting` durable and tells of it, which empties it; or ends the ledger.
    pub(crate) fn conclude_all(&self, waiting: &mut Vec<Applied>) -> ControlFlow<()> {
        if let Err(cause) = flush(waiting) {
            self.stop(std::mem::take(waiting), cause);
            return ControlFlow::Break(());
        }
        for applied in waiting.drain(..) {
            self.conclude(applied);
        }
        ControlFlow::Continue(())
    }

    /// The batch is durable: tells the observer, then lets the answers go.
    fn conclude(&self, applied: Applied) {
        let Applied {
            mut batch,
            news,
            begun_us,
            ..
        } = applied;
        let taken_us = self.clock.micros().saturating_sub(begun_us);
        self.tally.transactions_us.count(taken_us);
        if !news.changes.is_empty() {
            entry::go_on(&mut batch, trace::publish(news.changes.len()));
            self.observer.committed(&news.changes);
        }
        for ended in &news.ended {
            self.tally.revoked(ended.reason);
            self.observer.ended(ended);
        }
        self.tally.batches.add(1);
        self.tally.answered.add(batch.len());
        self.tally
            .batch_sizes
            .count(u64::try_from(batch.len()).unwrap_or(u64::MAX));
        let withdrawn = batch.iter().filter(|entry| entry.is_withdrawn());
        self.tally.too_late.add(withdrawn.count());
        for entry in batch {
            self.count(&entry);
            entry.reply(None);
        }
    }

    /// Ends the ledger. What was committed can be read back, but nobody can tell what of it the disk has, and trying
    /// again would find nothing left to flush.
    fn stop(&self, waiting: Vec<Applied>, cause: StorageError) {
        let error: &dyn std::error::Error = &cause;
        tracing::error!(
            error,
            "the storage did not keep what was committed; the ledger stops, for it cannot tell any more what is \
             stored. Look after the disk, then start again"
        );
        // Before the answers, so that who hears of the failure finds the ledger stopped.
        self.queue.abort();
        let failure = LedgerError::Unavailable(cause);
        for entry in waiting.into_iter().flat_map(|applied| applied.batch) {
            self.tally.failed.add(1);
            entry.reply(Some(&failure));
        }
    }

    /// Counts what a presentation came to. A verified token of a generation that the ledger does not know is an alarm:
    /// the ledger lost what it had committed.
    fn count(&self, entry: &Entry) {
        let Entry::Present(ask) = entry else {
            return;
        };
        let Some(Ok(answer)) = &ask.answer else {
            return;
        };
        self.tally.presented(answer.presented);
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

/// One flush for all that wait for the same.
fn flush(waiting: &[Applied]) -> Result<(), StorageError> {
    let mut done = None;
    for applied in waiting {
        let Durability::After(flush) = &applied.durability else {
            continue;
        };
        if !done.is_some_and(|done| Arc::ptr_eq(done, flush)) {
            flush.flush()?;
            done = Some(flush);
        }
    }
    Ok(())
}
