//! When connections are woken.
//!
//! A connection needs one wake-up at a time and nearly always moves it before it comes. A timer of the runtime for each
//! would be its largest part but one; here it is a place in a list, and one task sleeps for all of them. Whoever is due
//! at the same moment lies side by side, since finding them in memory is most of what waking them costs.

use crate::{hub::Slot, node::Node};
use handfast_core::time::Moment;
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time::timeout};

/// Locks are per shard, so that two threads rarely meet at one.
const SHARDS: u64 = 8;
/// The longest that the task sleeps before it looks whether the node is still there.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// What the task waits for while it has not yet seen what it has to wait for: everything is sooner.
const LOOKING: u64 = u64::MAX;

/// The wake-ups of a node's connections.
#[derive(Debug)]
pub(crate) struct Alarms {
    shards: Box<[Mutex<Shard>]>,
    /// The moment that the task sleeps until, in milliseconds.
    awaited: AtomicU64,
    sooner: Notify,
}

/// Some of the wake-ups. Each slot knows its place in its list.
type Shard = BTreeMap<Moment, Vec<Arc<Slot>>>;

impl Alarms {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            awaited: AtomicU64::new(LOOKING),
            sooner: Notify::new(),
        }
    }

    /// Has the connection of this number and slot woken at `at` instead of `instead_of`.
    pub(crate) fn set(
        &self,
        number: u64,
        slot: &Arc<Slot>,
        at: Moment,
        instead_of: Option<Moment>,
    ) {
        {
            let mut shard = self.shard(number);
            if let Some(former) = instead_of {
                remove(&mut shard, slot, former);
            }
            let list = shard.entry(at).or_default();
            slot.set_place(list.len());
            list.push(Arc::clone(slot));
        }
        // Whatever is entered before the task begins to look is seen by it; for whatever comes later this sees what
        // the task waits for, or that it is looking.
        if at.as_millis() < self.awaited.load(Ordering::SeqCst) {
            self.sooner.notify_one();
        }
    }

    /// Takes a wake-up back that may have come already.
    pub(crate) fn cancel(&self, number: u64, slot: &Arc<Slot>, at: Moment) {
        remove(&mut self.shard(number), slot, at);
    }

    /// Wakes whose time has come.
    fn ring(&self, now: Moment) {
        for shard in &self.shards {
            loop {
                // Nobody is woken under the lock: a task that cannot be woken any more ends here and now.
                let Some(due) = take_first(&mut lock(shard), now) else {
                    break;
                };
                due.iter().for_each(|slot| slot.wake());
            }
        }
    }

    /// The next wake-up. From here on whoever enters a sooner one says so.
    fn await_next(&self) -> Option<Moment> {
        self.awaited.store(LOOKING, Ordering::SeqCst);
        let firsts = self.shards.iter().filter_map(|shard| {
            let shard = lock(shard);
            shard.first_key_value().map(|(at, _)| *at)
        });
        let next = firsts.min();
        if let Some(next) = next {
            self.awaited.store(next.as_millis(), Ordering::SeqCst);
        }
        next
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(number % SHARDS).unwrap_or(0);
        lock(&self.shards[index])
    }
}

/// Takes the first list, if its time has come.
fn take_first(shard: &mut Shard, now: Moment) -> Option<Vec<Arc<Slot>>> {
    let first = shard.first_entry()?;
    (*first.key() <= now).then(|| first.remove())
}

/// Takes a slot out of its list, if it is still there, and lets the last one have its place.
fn remove(shard: &mut Shard, slot: &Arc<Slot>, at: Moment) {
    let Some(list) = shard.get_mut(&at) else {
        return;
    };
    let place = slot.place();
    if !list.get(place).is_some_and(|it| Arc::ptr_eq(it, slot)) {
        return;
    }
    list.swap_remove(place);
    if let Some(moved) = list.get(place) {
        moved.set_place(place);
    } else if list.is_empty() {
        shard.remove(&at);
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
    node.alarms.ring(node.clock.now().moment);
    let next = node.alarms.await_next();
    // By a clock that was read after all that waking.
    let now = node.clock.now().moment;
    let sleep = next.map_or(SLEEP_MAX, |next| next.since(now).min(SLEEP_MAX));
    (Arc::clone(&node.alarms), sleep)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        sync::atomic::AtomicUsize,
        task::{Wake, Waker},
    };

    fn at(ms: u64) -> Moment {
        Moment::from_millis(ms)
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection that counts how often it was woken.
    struct Sleeper {
        number: u64,
        slot: Arc<Slot>,
        woken: Arc<Count>,
    }

    impl Sleeper {
        fn new(number: u64) -> Self {
            let (slot, woken) = (Arc::<Slot>::default(), Arc::<Count>::default());
            slot.register(&Waker::from(Arc::clone(&woken)));
            Self {
                number,
                slot,
                woken,
            }
        }

        fn sleep(&self, alarms: &Alarms, until: u64, instead_of: Option<u64>) {
            alarms.set(self.number, &self.slot, at(until), instead_of.map(at));
        }

        fn woken(&self) -> usize {
            self.woken.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn whose_time_has_come_is_woken_once() {
        let alarms = Alarms::new();
        let sleepers: Vec<_> = (0..3).map(Sleeper::new).collect();
        for (sleeper, until) in sleepers.iter().zip([100, 200, 201]) {
            sleeper.sleep(&alarms, until, None);
        }
        alarms.ring(at(200));
        alarms.ring(at(200));
        let woken: Vec<_> = sleepers.iter().map(Sleeper::woken).collect();
        assert_eq!(woken, [1, 1, 0]);
        assert_eq!(alarms.await_next(), Some(at(201)));
    }

    #[test]
    fn a_wake_up_that_was_moved_or_taken_back_does_not_come() {
        let alarms = Alarms::new();
        // Of one shard and one moment, so that each that goes gives its place to another.
        let sleepers: Vec<_> = (0..6).map(|it| Sleeper::new(it * SHARDS)).collect();
        for sleeper in &sleepers {
            sleeper.sleep(&alarms, 100, None);
        }
        for sleeper in &sleepers[..2] {
            sleeper.sleep(&alarms, 300, Some(100));
        }
        for gone in [&sleepers[5], &sleepers[2]] {
            alarms.cancel(gone.number, &gone.slot, at(100));
        }
        alarms.ring(at(299));
        let woken = |sleepers: &[Sleeper]| sleepers.iter().map(Sleeper::woken).collect::<Vec<_>>();
        assert_eq!(woken(&sleepers), [0, 0, 0, 1, 1, 0]);
        // It came, so there is nothing to take back.
        alarms.cancel(sleepers[3].number, &sleepers[3].slot, at(100));
        alarms.cancel(sleepers[4].number, &sleepers[4].slot, at(300));
        alarms.ring(at(300));
        assert_eq!(woken(&sleepers), [1, 1, 0, 1, 1, 0]);
        assert_eq!(alarms.await_next(), None);
    }

    #[tokio::test]
    async fn only_a_wake_up_sooner_than_the_awaited_one_is_told() {
        let alarms = Alarms::new();
        let sleepers: Vec<_> = (0..3).map(Sleeper::new).collect();
        sleepers[0].sleep(&alarms, 100, None);
        alarms.sooner.notified().await;
        assert_eq!(alarms.await_next(), Some(at(100)));
        sleepers[1].sleep(&alarms, 100, None);
        let told = timeout(Duration::ZERO, alarms.sooner.notified()).await;
        assert!(told.is_err());
        sleepers[2].sleep(&alarms, 99, None);
        alarms.sooner.notified().await;
    }
}
