//! How long to wait before connecting again.

use super::Entropy;
use core::time::Duration;

/// The first wait; each close doubles it.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait.
const LAST: Duration = Duration::from_secs(30);
/// How often the wait doubles at the most.
const DOUBLINGS: u32 = 6;

/// The closes since somebody was last logged in.
#[derive(Debug)]
pub(super) struct Backoff {
    closes: u32,
}

impl Backoff {
    pub(super) const fn new() -> Self {
        Self { closes: 0 }
    }

    /// Somebody is logged in.
    pub(super) const fn reset(&mut self) {
        self.closes = 0;
    }

    /// The wait after one more close: a random part of a bound that doubles every time ("full jitter"), so that clients
    /// that lost one server do not come back as one.
    pub(super) fn next(&mut self, Entropy(bytes): Entropy) -> Duration {
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
