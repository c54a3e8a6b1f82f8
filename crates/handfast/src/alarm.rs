//! When connections are woken.
//!
//! A connection needs one wake-up at a time and nearly always moves it before it comes. A timer of the runtime for each
//! would be its largest part but one; here it is an entry in a set, and one task sleeps for all of them.

use crate::node::Node;
use handfast_core::time::Moment;
use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};

/// Locks are per shard, so that two connections rarely meet at one.
const SHARDS: u64 = 64;
/// The longest that the task sleeps before it looks whether the node is still there.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// What the task waits for while it has not yet seen what it has to wait for: everything is sooner.
const LOOKING: u64 = u64::MAX;

/// The wake-ups of a node's connections, which are called by their numbers.
#[derive(Debug)]
pub(crate) struct Alarms {
    shards: Box<[Mutex<Shard>]>,
    /// The moment that the task sleeps until, in milliseconds.
    awaited: AtomicU64,
    sooner: Notify,
}

/// Some of the wake-ups, the next one first.
type Shard = BTreeSet<(Moment, u64)>;

impl Alarms {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            awaited: AtomicU64::new(LOOKING),
            sooner: Notify::new(),
        }
    }

    /// Has the connection woken at `at` instead of `instead_of`.
    pub(crate) fn set(&self, connection: u64, at: Moment, instead_of: Option<Moment>) {
        {
            let mut shard = self.shard(connection);
            if let Some(former) = instead_of {
                shard.remove(&(former, connection));
            }
            shard.insert((at, connection));
        }
        // Whatever is entered before the task begins to look is seen by it; for whatever comes later this sees what
        // the task waits for, or that it is looking.
        if at.as_millis() < self.awaited.load(Ordering::SeqCst) {
            self.sooner.notify_one();
        }
    }

    /// Takes a wake-up back that may not have come yet.
    pub(crate) fn cancel(&self, connection: u64, at: Moment) {
        self.shard(connection).remove(&(at, connection));
    }

    /// Takes out whose time has come.
    fn take_due(&self, now: Moment) -> Vec<u64> {
        let mut due = Vec::new();
        for shard in &self.shards {
            let mut shard = lock(shard);
            while let Some(&(at, connection)) = shard.first()
                && at <= now
            {
                shard.pop_first();
                due.push(connection);
            }
        }
        due
    }

    /// The next wake-up. From here on whoever enters a sooner one says so.
    fn await_next(&self) -> Option<Moment> {
        self.awaited.store(LOOKING, Ordering::SeqCst);
        let firsts = self.shards.iter().filter_map(|shard| {
            let first = lock(shard).first().copied();
            first.map(|(at, _)| at)
        });
        let next = firsts.min();
        if let Some(next) = next {
            self.awaited.store(next.as_millis(), Ordering::SeqCst);
        }
        next
    }

    fn shard(&self, connection: u64) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(connection % SHARDS).unwrap_or(0);
        lock(&self.shards[index])
    }
}

/// Nothing that is done under these locks leaves what they guard half changed.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wakes connections until the node ends.
pub(crate) async fn ring(node: Weak<Node>) {
    loop {
        let Some((alarms, sleep)) = node.upgrade().map(|node| wake_due(&node)) else {
            return;
        };
        // Both ends are the same: to look again.
        let _: Result<(), _> = timeout(sleep, alarms.sooner.notified()).await;
    }
}

/// Wakes whoever is due, and tells how long nobody will be.
fn wake_due(node: &Node) -> (Arc<Alarms>, Duration) {
    for connection in node.alarms.take_due(node.clock.now().moment) {
        node.hub.wake(connection);
    }
    let next = node.alarms.await_next();
    // By a clock that was read after all that waking.
    let now = node.clock.now().moment;
    let sleep = next.map_or(SLEEP_MAX, |next| next.since(now).min(SLEEP_MAX));
    (Arc::clone(&node.alarms), sleep)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    #[test]
    fn whose_time_has_come_is_taken_out_once() {
        let alarms = Alarms::new();
        alarms.set(1, at(100), None);
        alarms.set(2, at(200), None);
        alarms.set(3, at(201), None);
        let mut due = alarms.take_due(at(200));
        due.sort_unstable();
        assert_eq!(due, [1, 2]);
        assert!(alarms.take_due(at(200)).is_empty());
        assert_eq!(alarms.await_next(), Some(at(201)));
    }

    #[test]
    fn a_wake_up_that_was_moved_or_taken_back_does_not_come() {
        let alarms = Alarms::new();
        alarms.set(1, at(100), None);
        alarms.set(1, at(300), Some(at(100)));
        alarms.set(2, at(100), None);
        alarms.cancel(2, at(100));
        assert!(alarms.take_due(at(299)).is_empty());
        assert_eq!(alarms.take_due(at(300)), [1]);
        assert_eq!(alarms.await_next(), None);
    }

    #[tokio::test]
    async fn only_a_wake_up_sooner_than_the_awaited_one_is_told() {
        let alarms = Alarms::new();
        alarms.set(1, at(100), None);
        alarms.sooner.notified().await;
        assert_eq!(alarms.await_next(), Some(at(100)));
        alarms.set(2, at(100), None);
        let told = timeout(Duration::ZERO, alarms.sooner.notified()).await;
        assert!(told.is_err());
        alarms.set(3, at(99), None);
        alarms.sooner.notified().await;
    }
}
