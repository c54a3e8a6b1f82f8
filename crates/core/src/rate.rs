//! Rates, and the record by which one is kept.

use crate::time::Moment;
use alloc::collections::VecDeque;
use core::{fmt, iter, time::Duration};

/// At most `count` in any span as long as `window`, wherever it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long.
    pub window: Duration,
}

impl Rate {
    fn capacity(self) -> usize {
        usize::try_from(self.count).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}s", self.count, self.window.as_secs_f64())
    }
}

/// What was taken of a rate within its last window, oldest first; never more than the rate's count.
///
/// A bucket that refills while it is emptied would let almost twice the count through in one window, and the session
/// rule counts on the count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken(VecDeque<Moment>);

/// A rate is exceeded; it will not be after this long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// How long to wait.
    pub retry_after: Duration,
}

impl Taken {
    /// Takes one, if there is one.
    ///
    /// # Errors
    /// [`Exceeded`] if there is none, with the time until there will be one; nothing was taken.
    pub fn take(&mut self, rate: Rate, now: Moment) -> Result<(), Exceeded> {
        self.forget(rate, now);
        if self.0.len() < rate.capacity() {
            self.0.push_back(now);
            return Ok(());
        }
        let free = self
            .0
            .front()
            .map_or(now, |oldest| oldest.after(rate.window));
        Err(Exceeded {
            retry_after: free.since(now),
        })
    }

    /// Takes `cost`, or as many as there are, whoever needs them next.
    pub fn charge(&mut self, rate: Rate, cost: u32, now: Moment) {
        self.forget(rate, now);
        let room = rate.capacity().saturating_sub(self.0.len());
        let cost = usize::try_from(cost).unwrap_or(usize::MAX).min(room);
        self.0.extend(iter::repeat_n(now, cost));
    }

    /// Whether nothing is taken, so that this need not be kept.
    pub fn is_empty(&mut self, rate: Rate, now: Moment) -> bool {
        self.forget(rate, now);
        self.0.is_empty()
    }

    fn forget(&mut self, rate: Rate, now: Moment) {
        while self
            .0
            .front()
            .is_some_and(|oldest| oldest.after(rate.window) <= now)
        {
            self.0.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const TEN_A_MINUTE: Rate = Rate {
        count: 10,
        window: Duration::from_secs(60),
    };

    fn at(seconds: u64) -> Moment {
        Moment::default().after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_burst_of_the_whole_count_passes_and_the_next_waits_until_the_first_is_a_window_ago() {
        let mut taken = Taken::default();
        for second in 0..10 {
            assert_eq!(taken.take(TEN_A_MINUTE, at(100 + second)), Ok(()));
        }
        let exceeded = Err(Exceeded {
            retry_after: Duration::from_secs(50),
        });
        assert_eq!(taken.take(TEN_A_MINUTE, at(110)), exceeded);
        assert!(taken.take(TEN_A_MINUTE, at(159)).is_err());
        assert_eq!(taken.take(TEN_A_MINUTE, at(160)), Ok(()));
        assert!(taken.take(TEN_A_MINUTE, at(160)).is_err());
    }

    #[test]
    fn no_window_wherever_it_begins_holds_more_than_the_count() {
        let mut taken = Taken::default();
        let passed: Vec<u64> = (0..1000)
            .filter(|second| taken.take(TEN_A_MINUTE, at(*second)).is_ok())
            .collect();
        for begin in 0..940 {
            let within = passed
                .iter()
                .filter(|second| (begin..begin + 60).contains(*second));
            assert_eq!(within.count(), 10);
        }
    }

    #[test]
    fn a_charge_uses_up_what_is_left_and_no_more() {
        let mut taken = Taken::default();
        taken.charge(TEN_A_MINUTE, 1_000_000, at(100));
        assert!(taken.take(TEN_A_MINUTE, at(159)).is_err());
        assert_eq!(taken.take(TEN_A_MINUTE, at(160)), Ok(()));
    }

    #[test]
    fn what_is_a_window_ago_is_forgotten() {
        let mut taken = Taken::default();
        assert_eq!(taken.take(TEN_A_MINUTE, at(100)), Ok(()));
        assert!(!taken.is_empty(TEN_A_MINUTE, at(159)));
        assert!(taken.is_empty(TEN_A_MINUTE, at(160)));
    }
}
