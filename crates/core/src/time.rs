//! Instants and spans of time, given by the caller.
//!
//! Two clocks exist, and their types keep them apart. A [`Moment`] is monotonic and decides when something is due; a
//! [`Timestamp`] is the wall clock's and is what tokens and records carry. A wall clock that jumps therefore moves no
//! deadline.

use core::time::Duration;

/// A point on the node's monotonic clock, in milliseconds since the driver's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// The moment `ms` milliseconds after the driver's start.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the driver's start.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// This moment and `span` later; the end of time if that is beyond it.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A time of day, in whole seconds since the Unix epoch (a JWT's `NumericDate`, RFC 7519 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time `seconds` after the Unix epoch.
    #[must_use]
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix(self) -> u64 {
        self.0
    }

    /// This time and `span` later, whole seconds only; the end of time if that is beyond it.
    #[must_use]
    pub const fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

/// Both clocks, read together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock.
    pub moment: Moment,
    /// The wall clock.
    pub unix: Timestamp,
}

impl Now {
    /// The moment at which the wall clock will show `time`, if it does not jump until then.
    #[must_use]
    pub fn moment_of(self, time: Timestamp) -> Moment {
        self.moment.after(time.since(self.unix))
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Whoever reads the clocks: one place in a server, a variable in a test.
pub trait Clock: Send + Sync + 'static {
    /// Both clocks, read together.
    fn now(&self) -> Now;

    /// The monotonic clock in microseconds, for measuring what takes less than a [`Moment`] can tell. Nothing is decided
    /// by it.
    fn micros(&self) -> u64 {
        self.now().moment.as_millis().saturating_mul(1000)
    }
}
