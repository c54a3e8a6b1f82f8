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

/// One rate, kept for every name that uses it. Its memory is bounded: an attacker with more names than it holds makes
/// it forget some, which lifts a limit for a while and locks nobody out.
#[derive(Debug)]
pub(crate) struct Limiter<K> {
    rate: Option<Rate>,
    hasher: RandomState,
    shards: Box<[Mutex<HashMap<K, Taken>>]>,
}

impl<K: Hash + Eq> Limiter<K> {
    /// Keeps to `rate`; `None` lifts it.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Self {
            rate,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Takes one from the rate of `name`.
    ///
    /// # Errors
    /// [`Exceeded`] if there is none to take.
    pub(crate) fn take(&self, name: K, now: Moment) -> Result<(), Exceeded> {
        let Some(rate) = self.rate else { return Ok(()) };
        let mut shard = self.shard(&name);
        make_room(&mut shard, rate, now);
        shard.entry(name).or_default().take(rate, now)
    }

    /// Takes `cost` more from the rate of `name`, whether they are there or not.
    pub(crate) fn charge(&self, name: K, cost: u32, now: Moment) {
        let Some(rate) = self.rate else { return };
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

    #[test]
    fn one_name_used_up_leaves_the_others_alone() {
        let limiter = Limiter::new(Some(Rate {
            count: 2,
            window: Duration::from_secs(10),
        }));
        let now = Moment::from_millis(0);
        assert_eq!(limiter.take("a", now), Ok(()));
        assert_eq!(limiter.take("a", now), Ok(()));
        assert!(limiter.take("a", now).is_err());
        assert_eq!(limiter.take("b", now), Ok(()));
    }

    #[test]
    fn more_names_than_it_holds_do_not_make_it_grow() {
        let limiter = Limiter::new(Some(Rate {
            count: 2,
            window: Duration::from_secs(10),
        }));
        for name in 0..SHARDS * NAMES_PER_SHARD * 2 {
            assert_eq!(limiter.take(name, Moment::from_millis(0)), Ok(()));
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
        let limiter = Limiter::new(None);
        for _ in 0..100 {
            assert_eq!(limiter.take("a", Moment::from_millis(0)), Ok(()));
        }
        assert!(
            limiter
                .shards
                .iter()
                .all(|shard| shard.lock().unwrap().is_empty())
        );
    }
}
