//! Rates that are kept by name: an account, an address, a session.

use handfast_core::{
    rate::{Exceeded, Rate, Taken},
    time::Moment,
};
use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Locks are per shard, so that two names rarely meet at one.
const SHARDS: usize = 16;
/// How many names a shard holds before it forgets the ones whose rate is unused, and then any.
const NAMES_PER_SHARD: usize = 16_384;

/// What every name has taken of a rate, which whoever takes states: it may be another one tomorrow. Its memory is
/// bounded: an attacker with more names than it holds makes it forget some, which lifts a limit for a while and locks
/// nobody out.
#[derive(Debug)]
pub(crate) struct Limiter<K> {
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<K, Taken>>]>,
}

impl<K: Hash + Eq> Limiter<K> {
    /// Nothing is taken yet.
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Takes one from the `rate` of `name`; `None` lifts it.
    ///
    /// # Errors
    /// [`Exceeded`] if there is none to take.
    pub(crate) fn take(&self, name: K, rate: Option<Rate>, now: Moment) -> Result<(), Exceeded> {
        let Some(rate) = rate else { return Ok(()) };
        let mut shard = self.shard(&name);
        make_room(&mut shard, rate, now);
        shard.entry(name).or_default().take(rate, now)
    }

    /// Takes `cost` more from the `rate` of `name`, whether they are there or not.
    pub(crate) fn charge(&self, name: K, rate: Option<Rate>, cost: u32, now: Moment) {
        let Some(rate) = rate else { return };
        let mut shard = self.shard(&name);
        make_room(&mut shard, rate, now);
        shard.entry(name).or_default().charge(rate, cost, now);
    }

    fn shard(&self, name: &K) -> MutexGuard<'_, HashMap<K, Taken>> {
        let index = usize::try_from(self.hasher.hash_one(name)).unwrap_or(0) % SHARDS;
        // Nothing that is done under this lock leaves a record half changed.
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn make_room<K: Hash + Eq>(shard: &mut HashMap<K, Taken>, rate: Rate, now: Moment) {
    if shard.len() >= NAMES_PER_SHARD {
        shard.retain(|_, taken| !taken.is_empty(rate, now));
        if shard.len() >= NAMES_PER_SHARD {
            shard.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const TWO: Option<Rate> = rate(2);

    const fn rate(count: u32) -> Option<Rate> {
        let window = Duration::from_secs(10);
        Some(Rate { count, window })
    }

    #[test]
    fn one_name_used_up_leaves_the_others_alone() {
        let limiter = Limiter::new();
        let now = Moment::from_millis(0);
        assert_eq!(limiter.take("a", TWO, now), Ok(()));
        assert_eq!(limiter.take("a", TWO, now), Ok(()));
        assert!(limiter.take("a", TWO, now).is_err());
        assert_eq!(limiter.take("b", TWO, now), Ok(()));
    }

    #[test]
    fn what_was_taken_counts_when_the_rate_is_another_one() {
        let limiter = Limiter::new();
        let now = Moment::from_millis(0);
        assert_eq!(limiter.take("a", TWO, now), Ok(()));
        assert_eq!(limiter.take("a", TWO, now), Ok(()));
        assert!(limiter.take("a", rate(1), now).is_err());
        assert_eq!(limiter.take("a", rate(3), now), Ok(()));
        assert!(limiter.take("a", rate(3), now).is_err());
    }

    #[test]
    fn more_names_than_it_holds_do_not_make_it_grow() {
        let limiter = Limiter::new();
        for name in 0..SHARDS * NAMES_PER_SHARD * 2 {
            assert_eq!(limiter.take(name, TWO, Moment::from_millis(0)), Ok(()));
        }
        let held: usize = limiter
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().len())
            .sum();
        assert!(held <= SHARDS * NAMES_PER_SHARD);
    }

    #[test]
    fn a_lifted_rate_keeps_nothing() {
        let limiter = Limiter::new();
        for _ in 0..100 {
            assert_eq!(limiter.take("a", None, Moment::from_millis(0)), Ok(()));
        }
        assert!(
            limiter
                .shards
                .iter()
                .all(|shard| shard.lock().unwrap().is_empty())
        );
    }
}
