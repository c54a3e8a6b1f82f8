//! What a node counts, for who watches it.
//!
//! Counting must not slow what is counted: each thread adds to numbers that few others touch, and only who reads adds
//! them up. Nothing here grows with the number of users, addresses or connections.

use handfast_core::{close::CloseCode, session::Refusal};
use handfast_ledger::{Distribution, Spread};
use std::{
    array,
    sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
};

/// How many sets of numbers there are. Two threads rarely meet at one.
const SHARDS: usize = 8;
/// The bounds by which the lateness of heartbeats is counted, in milliseconds. Beats of many connections are gathered
/// into steps of up to 250 ms, so that much is meant.
const LATENESS_BOUNDS: &[u64] = &[50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// What a login came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginResult {
    /// A session was made.
    Success,
    /// An account and a session were made.
    Registered,
    /// No such account, not its password, or it may not log in.
    InvalidPassword,
    /// A name, password or key that cannot be, or a name that is taken.
    Invalid,
    /// A rate was exceeded, or too many passwords waited to be hashed.
    TooMany,
    /// The accounts or the ledger could not answer.
    Unavailable,
}

impl LoginResult {
    /// Every result, in the order of [`Counts::logins`].
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::Registered,
        Self::InvalidPassword,
        Self::Invalid,
        Self::TooMany,
        Self::Unavailable,
    ];

    /// The result as a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Registered => "registered",
            Self::InvalidPassword => "invalid_password",
            Self::Invalid => "invalid",
            Self::TooMany => "too_many",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What a node did since its start, beside what its [ledger](crate::Handfast::ledger) counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Connections that there are now.
    pub connections: usize,
    /// Those of them that are authenticated.
    pub authenticated: usize,
    /// Logins by what they came to, in the order of [`LoginResult::ALL`].
    pub logins: [u64; LoginResult::ALL.len()],
    /// Presentations that were refused before the ledger was asked, in the order of [`Refusal::ALL`].
    pub refused: [u64; Refusal::ALL.len()],
    /// Presentations that came too often, before the ledger was asked.
    pub presented_too_often: u64,
    /// Connections that were closed from here, in the order of [`CloseCode::ALL`].
    pub closes: [u64; CloseCode::ALL.len()],
    /// Heartbeats, and whatever else a connection does when its time has come, by the milliseconds that they came late.
    pub beats_late_ms: Distribution,
    /// Passwords that wait to be hashed.
    pub hash_queue: usize,
}

/// [`Counts`] under way.
#[derive(Debug)]
pub(crate) struct Tally {
    shards: [Shard; SHARDS],
}

/// On cache lines of its own: processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    authenticated: AtomicI64,
    logins: [AtomicU64; LoginResult::ALL.len()],
    refused: [AtomicU64; Refusal::ALL.len()],
    presented_too_often: AtomicU64,
    closes: [AtomicU64; CloseCode::ALL.len()],
    beats_late_ms: Spread,
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            authenticated: AtomicI64::new(0),
            logins: Default::default(),
            refused: Default::default(),
            presented_too_often: AtomicU64::new(0),
            closes: Default::default(),
            beats_late_ms: Spread::new(LATENESS_BOUNDS),
        }
    }
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            shards: array::from_fn(|_| Shard::default()),
        }
    }

    pub(crate) fn login(&self, result: LoginResult) {
        add(&self.shard().logins, &LoginResult::ALL, result);
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        add(&self.shard().refused, &Refusal::ALL, refusal);
    }

    pub(crate) fn presented_too_often(&self) {
        let counter = &self.shard().presented_too_often;
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        add(&self.shard().closes, &CloseCode::ALL, code);
    }

    pub(crate) fn beat(&self, late_ms: u64) {
        self.shard().beats_late_ms.count(late_ms);
    }

    /// Notes that a connection became authenticated, or is not any more.
    pub(crate) fn authenticated(&self, was: bool, is: bool) {
        let change = i64::from(is) - i64::from(was);
        if change != 0 {
            let counter = &self.shard().authenticated;
            counter.fetch_add(change, Ordering::Relaxed);
        }
    }

    pub(crate) fn counts(&self, connections: usize, hash_queue: usize) -> Counts {
        let authenticated: i64 = self
            .shards
            .iter()
            .map(|shard| shard.authenticated.load(Ordering::Relaxed))
            .sum();
        Counts {
            connections,
            authenticated: usize::try_from(authenticated).unwrap_or(0),
            logins: self.sums(|shard| &shard.logins),
            refused: self.sums(|shard| &shard.refused),
            presented_too_often: self
                .shards
                .iter()
                .map(|shard| shard.presented_too_often.load(Ordering::Relaxed))
                .sum(),
            closes: self.sums(|shard| &shard.closes),
            beats_late_ms: self
                .shards
                .iter()
                .map(|shard| shard.beats_late_ms.distribution())
                .fold(
                    Spread::new(LATENESS_BOUNDS).distribution(),
                    Distribution::and,
                ),
            hash_queue,
        }
    }

    fn sums<const N: usize>(&self, of: impl Fn(&Shard) -> &[AtomicU64; N]) -> [u64; N] {
        array::from_fn(|place| {
            let shards = self.shards.iter();
            shards
                .map(|shard| of(shard)[place].load(Ordering::Relaxed))
                .sum()
        })
    }

    fn shard(&self) -> &Shard {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static MINE: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        &self.shards[MINE.with(|mine| *mine)]
    }
}

/// Adds one to the counter that belongs to `what`.
fn add<T: PartialEq, const N: usize>(counters: &[AtomicU64; N], all: &[T; N], what: T) {
    let place = all.iter().position(|other| *other == what);
    if let Some(counter) = place.and_then(|place| counters.get(place)) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::Arc, thread};

    #[test]
    fn what_many_threads_count_adds_up() {
        let tally = Arc::new(Tally::new());
        let threads: Vec<_> = (0..SHARDS * 2)
            .map(|_| {
                let tally = Arc::clone(&tally);
                thread::spawn(move || {
                    for _ in 0..1_000 {
                        tally.closed(CloseCode::Superseded);
                        tally.authenticated(false, true);
                    }
                    tally.authenticated(true, false);
                    tally.beat(60);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let counts = tally.counts(0, 0);
        let threads = SHARDS * 2;
        let superseded = CloseCode::ALL
            .iter()
            .position(|code| *code == CloseCode::Superseded);
        assert_eq!(counts.closes[superseded.unwrap()], 1_000 * threads as u64);
        assert_eq!(counts.closes.iter().sum::<u64>(), 1_000 * threads as u64);
        assert_eq!(counts.authenticated, 999 * threads);
        assert_eq!(counts.beats_late_ms.counts[1], threads as u64);
    }
}
