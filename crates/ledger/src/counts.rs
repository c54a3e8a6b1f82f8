//! What a ledger counts.

use crate::distribution::{Distribution, Spread};
use handfast_core::session::{Presented, Refusal, RevocationReason};
use std::sync::atomic::{AtomicU64, Ordering};

/// What a presentation can come to, in the order of [`Counts::presented`].
pub const OUTCOMES: [Presented; 12] = [
    Presented::Advanced,
    Presented::AnsweredAgain,
    Presented::Replaced,
    Presented::RolledForward,
    Presented::FromTheFuture,
    Presented::Refused(Refusal::Malformed),
    Presented::Refused(Refusal::Expired),
    Presented::Refused(Refusal::Stale),
    Presented::Refused(Refusal::Reused),
    Presented::Refused(Refusal::Revoked),
    Presented::Refused(Refusal::Unknown),
    Presented::Refused(Refusal::ProofRequired),
];

/// The bounds by which batches are counted, in intents.
const BATCH_BOUNDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/// The bounds by which transactions are counted, in microseconds.
const TRANSACTION_BOUNDS: &[u64] = &[
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000,
];

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
    /// Presentations by what they came to, in the order of [`OUTCOMES`].
    pub presented: [u64; OUTCOMES.len()],
    /// Sessions that were revoked, in the order of [`RevocationReason::ALL`].
    pub revoked: [u64; RevocationReason::ALL.len()],
    /// Committed batches by their intents.
    pub batch_sizes: Distribution,
    /// Transactions by the microseconds from their beginning until what they wrote was durable.
    pub transactions_us: Distribution,
}

/// [`Counts`] under way.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) answered: Counter,
    pub(crate) batches: Counter,
    pub(crate) failed: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) too_late: Counter,
    pub(crate) from_the_future: Counter,
    presented: [Counter; OUTCOMES.len()],
    revoked: [Counter; RevocationReason::ALL.len()],
    pub(crate) batch_sizes: Spread,
    pub(crate) transactions_us: Spread,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            answered: Counter::default(),
            batches: Counter::default(),
            failed: Counter::default(),
            overloaded: Counter::default(),
            too_late: Counter::default(),
            from_the_future: Counter::default(),
            presented: Default::default(),
            revoked: Default::default(),
            batch_sizes: Spread::new(BATCH_BOUNDS),
            transactions_us: Spread::new(TRANSACTION_BOUNDS),
        }
    }
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
    pub(crate) fn presented(&self, presented: Presented) {
        let place = OUTCOMES.iter().position(|outcome| *outcome == presented);
        if let Some(counter) = place.and_then(|place| self.presented.get(place)) {
            counter.add(1);
        }
    }

    pub(crate) fn revoked(&self, reason: RevocationReason) {
        let mut reasons = RevocationReason::ALL.iter();
        let place = reasons.position(|other| *other == reason);
        if let Some(counter) = place.and_then(|place| self.revoked.get(place)) {
            counter.add(1);
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        Counts {
            answered: self.answered.get(),
            batches: self.batches.get(),
            failed: self.failed.get(),
            overloaded: self.overloaded.get(),
            too_late: self.too_late.get(),
            from_the_future: self.from_the_future.get(),
            presented: std::array::from_fn(|place| self.presented[place].get()),
            revoked: std::array::from_fn(|place| self.revoked[place].get()),
            batch_sizes: self.batch_sizes.distribution(),
            transactions_us: self.transactions_us.distribution(),
        }
    }
}
