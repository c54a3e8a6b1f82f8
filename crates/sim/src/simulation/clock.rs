//! The simulated time, and clocks that are wrong.

use handfast_core::time::{Clock, Moment, Now, Timestamp};
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

/// When every run begins, in Unix seconds.
const START: u64 = 1_800_000_000;

/// The time in a run at which a right clock shows `time`, in milliseconds.
pub(super) const fn ms_of(time: Timestamp) -> u64 {
    time.as_unix().saturating_sub(START).saturating_mul(1000)
}

/// What time it is: milliseconds since the run began.
#[derive(Debug, Default)]
pub(super) struct Hands(AtomicU64);

impl Hands {
    pub(super) fn ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

/// What a machine takes the time for. Its wall clock may be wrong; its monotonic one is right, for nothing compares
/// those of two machines.
#[derive(Debug)]
pub(super) struct WallClock {
    hands: Arc<Hands>,
    /// By how many seconds it is ahead.
    ahead: AtomicI64,
}

impl WallClock {
    pub(super) const fn new(hands: Arc<Hands>, ahead: i64) -> Self {
        Self {
            hands,
            ahead: AtomicI64::new(ahead),
        }
    }

    /// Sets it, as a time server does.
    pub(super) fn set(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::Relaxed);
    }
}

impl Clock for WallClock {
    fn now(&self) -> Now {
        let ms = self.hands.ms();
        let ahead = self.ahead.load(Ordering::Relaxed);
        Now {
            moment: Moment::from_millis(ms),
            unix: Timestamp::from_unix((START + ms / 1000).saturating_add_signed(ahead)),
        }
    }
}
