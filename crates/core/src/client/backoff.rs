//! How long to wait before connecting again.

use super::Entropy;
use core::time::Duration;

/// The first wait; each close doubles it.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const LAST: Duration = Duration::from_secs(30);
/// How often the wait doubles at the most.
const DOUBLINGS: u32 = 6;

/// How long a client waits before it connects again: a random part of a bound that doubles with every close since
/// somebody was last logged in ("full jitter"), so that clients that lost one server do not come back as one.
#[derive(Debug, Default)]
pub struct Backoff {
    closes: u32,
}

impl Backoff {
    /// Nothing was closed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { closes: 0 }
    }

    /// Somebody is logged in.
    pub const fn reset(&mut self) {
        self.closes = 0;
    }

    /// How many closes there were.
    #[must_use]
    pub const fn closes(&self) -> u32 {
        self.closes
    }

    /// The wait after one more close.
    pub fn next(&mut self, Entropy(bytes): Entropy) -> Duration {
        let longest = FIRST
            .saturating_mul(1 << self.closes.min(DOUBLINGS))
            .min(LAST);
        self.closes = self.closes.saturating_add(1);
        let [a, b, c, d, ..] = bytes;
        let chance = u64::from(u32::from_be_bytes([a, b, c, d]));
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(millis.saturating_mul(chance) >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_half_a_minute_and_begins_again() {
        let mut backoff = Backoff::new();
        let mut next = || backoff.next(Entropy([0xff; 16])).as_millis() + 1;
        let bounds: [u128; 8] = core::array::from_fn(|_| next());
        assert_eq!(
            bounds,
            [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]
        );
        backoff.reset();
        assert_eq!(backoff.next(Entropy([0; 16])), Duration::ZERO);
        assert_eq!(backoff.closes(), 1);
    }
}
