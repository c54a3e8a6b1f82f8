//! How long to wait before connecting again.

use std::time::Duration;

/// The longest first wait; each failure doubles it.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait.
const LAST: Duration = Duration::from_secs(10);
/// How often the wait doubles at the most.
const DOUBLINGS: u32 = 7;

/// The failures since the medium last worked.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    /// Draws a number below its argument.
    below: fn(u64) -> u64,
}

impl Backoff {
    pub(super) fn new(below: fn(u64) -> u64) -> Self {
        Self { failures: 0, below }
    }

    /// It works.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure: a random part of a bound that doubles every time ("full jitter"), so that nodes
    /// that lost one server do not come back to it as one.
    pub(super) fn next(&mut self) -> Duration {
        let longest = (FIRST * (1 << self.failures.min(DOUBLINGS))).min(LAST);
        self.failures = self.failures.saturating_add(1);
        let longest_ms = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis((self.below)(longest_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_begin_again_when_it_works() {
        let mut backoff = Backoff::new(|bound| bound - 1);
        let waits: Vec<_> = (0..9).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(waits, [99, 199, 399, 799, 1599, 3199, 6399, 9999, 9999]);
        backoff.reset();
        assert_eq!(backoff.next().as_millis(), 99);
    }
}
