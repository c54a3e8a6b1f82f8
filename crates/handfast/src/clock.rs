//! The one place where the clocks are read.

use handfast_core::time::{Clock, Moment, Now, Timestamp};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The machine's own clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose moments count from now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place that reads the clocks"
    )]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place that reads the clocks"
    )]
    fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        Now {
            moment: Moment::default().after(self.started.elapsed()),
            // A machine that believes itself before 1970 has no time of day; it expires nothing.
            unix: Timestamp::from_unix(unix.unwrap_or(Duration::ZERO).as_secs()),
        }
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_count_from_the_start_and_never_go_back() {
        let clock = SystemClock::start();
        let (first, second) = (clock.now(), clock.now());
        assert!(first.moment <= second.moment);
        assert!(first.moment < Moment::from_millis(60_000));
    }

    #[test]
    fn the_time_of_day_is_after_this_test_was_written() {
        assert!(SystemClock::start().now().unix > Timestamp::from_unix(1_760_000_000));
    }
}
