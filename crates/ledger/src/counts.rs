//! What a ledger counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a ledger did since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Intents answered after a commit.
    pub answered: u64,
    /// Transactions committed.
    pub batches: u64,
    /// Intents that failed with [`LedgerError::Unavailable`](crate::LedgerError::Unavailable).
    pub failed: u64,
    /// Intents refused with [`LedgerError::Overloaded`](crate::LedgerError::Overloaded).
    pub overloaded: u64,
    /// Presentations and logins not applied because their deadline had passed or nobody waited for them.
    pub too_late: u64,
    /// Presentations of a generation that was never issued: each is an alarm, for the ledger lost writes.
    pub from_the_future: u64,
}

/// [`Counts`] under way.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) answered: Counter,
    pub(crate) batches: Counter,
    pub(crate) failed: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) too_late: Counter,
    pub(crate) from_the_future: Counter,
}

/// A number that only grows and that nothing else is ordered by.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    pub(crate) fn counts(&self) -> Counts {
        Counts {
            answered: self.answered.get(),
            batches: self.batches.get(),
            failed: self.failed.get(),
            overloaded: self.overloaded.get(),
            too_late: self.too_late.get(),
            from_the_future: self.from_the_future.get(),
        }
    }
}
