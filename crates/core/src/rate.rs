//! Rates, and the state by which one is kept.

use crate::time::Moment;
use core::{fmt, time::Duration};

/// At most `count` in any `window`, in bursts of up to `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many may come at once, and within the window on average.
    pub count: u32,
    /// The window.
    pub window: Duration,
}

impl Rate {
    /// The time that each of `count` takes up in the window.
    fn interval(self) -> Duration {
        self.window.checked_div(self.count).unwrap_or(Duration::MAX)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.count, self.window.as_secs_f64())
    }
}

/// How far a rate is used up: the generic cell rate algorithm (ITU-T I.371, annex A) in its virtual-scheduling form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// The theoretical arrival time: when all that was taken so far will have been paid for.
    paid_at: Moment,
}

/// A rate is exceeded; it will not be after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// How long to wait.
    pub retry_after: Duration,
}

impl Bucket {
    /// Takes `cost` out of the bucket, if they are there.
    ///
    /// # Errors
    /// [`Exceeded`] if they are not, with the time until they will be; nothing was taken.
    pub fn take(&mut self, rate: Rate, cost: u32, now: Moment) -> Result<(), Exceeded> {
        let paid_at = self
            .paid_at
            .max(now)
            .after(rate.interval().saturating_mul(cost));
        let earliest = paid_at.since(now.after(rate.window));
        if earliest.is_zero() {
            self.paid_at = paid_at;
            Ok(())
        } else {
            Err(Exceeded {
                retry_after: earliest,
            })
        }
    }

    /// Takes `cost` even where they are not there, so that the wait grows, but never beyond one more window.
    pub fn charge(&mut self, rate: Rate, cost: u32, now: Moment) {
        let paid_at = self
            .paid_at
            .max(now)
            .after(rate.interval().saturating_mul(cost));
        self.paid_at = paid_at.min(now.after(rate.window.saturating_mul(2)));
    }

    /// Whether the bucket is as good as new, so that it need not be kept.
    #[must_use]
    pub fn is_full(&self, now: Moment) -> bool {
        self.paid_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_A_MINUTE: Rate = Rate {
        count: 10,
        window: Duration::from_secs(60),
    };

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    #[test]
    fn a_burst_of_the_whole_count_passes_and_the_next_waits_its_share() {
        let mut bucket = Bucket::default();
        for _ in 0..10 {
            assert_eq!(bucket.take(TEN_A_MINUTE, 1, at(100)), Ok(()));
        }
        assert_eq!(
            bucket.take(TEN_A_MINUTE, 1, at(100)),
            Err(Exceeded {
                retry_after: Duration::from_secs(6)
            })
        );
        assert_eq!(bucket.take(TEN_A_MINUTE, 1, at(106)), Ok(()));
    }

    #[test]
    fn a_charge_beyond_the_count_makes_the_wait_longer_but_bounded() {
        let mut bucket = Bucket::default();
        bucket.charge(TEN_A_MINUTE, 1_000_000, at(100));
        assert_eq!(
            bucket.take(TEN_A_MINUTE, 1, at(100)),
            Err(Exceeded {
                retry_after: Duration::from_secs(66)
            })
        );
        assert_eq!(bucket.take(TEN_A_MINUTE, 1, at(166)), Ok(()));
    }

    #[test]
    fn a_bucket_left_alone_is_full_again() {
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(TEN_A_MINUTE, 1, at(100)), Ok(()));
        assert!(!bucket.is_full(at(105)));
        assert!(bucket.is_full(at(106)));
    }
}
