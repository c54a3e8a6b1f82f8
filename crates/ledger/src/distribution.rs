//! How values are spread: how many fell below each of a few bounds.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most bounds that a distribution has.
pub const DISTRIBUTION_BOUNDS: usize = 12;

/// Values that were counted by their size. Its unit is said where it is a field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    /// Upper bounds, inclusive, in ascending order; at most [`DISTRIBUTION_BOUNDS`].
    pub bounds: &'static [u64],
    /// How many values lay between the bound before and each bound; then how many lay beyond the last.
    pub counts: [u64; DISTRIBUTION_BOUNDS + 1],
    /// The sum of all values.
    pub sum: u64,
}

/// A [`Distribution`] under way. Counting takes two additions that nothing else is ordered by.
#[derive(Debug)]
pub struct Spread {
    bounds: &'static [u64],
    counts: [AtomicU64; DISTRIBUTION_BOUNDS + 1],
    sum: AtomicU64,
}

impl Spread {
    /// Nothing counted yet. Bounds beyond the first [`DISTRIBUTION_BOUNDS`] are not used.
    #[must_use]
    pub fn new(bounds: &'static [u64]) -> Self {
        let bounds = &bounds[..bounds.len().min(DISTRIBUTION_BOUNDS)];
        Self {
            bounds,
            counts: Default::default(),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts a value.
    pub fn count(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(place) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn distribution(&self) -> Distribution {
        Distribution {
            bounds: self.bounds,
            counts: std::array::from_fn(|place| self.counts[place].load(Ordering::Relaxed)),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

impl Distribution {
    /// Adds what was counted elsewhere by the same bounds.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            bounds: self.bounds,
            counts: std::array::from_fn(|place| self.counts[place] + other.counts[place]),
            sum: self.sum.wrapping_add(other.sum),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_below_the_first_bound_that_it_does_not_exceed() {
        let spread = Spread::new(&[1, 10, 100]);
        for value in [0, 1, 2, 10, 11, 1_000] {
            spread.count(value);
        }
        let distribution = spread.distribution();
        assert_eq!(distribution.counts[..4], [2, 2, 1, 1]);
        assert_eq!(distribution.sum, 1_024);
        assert_eq!(distribution.and(distribution).counts[..4], [4, 4, 2, 2]);
    }
}
