//! The one place where this program reads clocks.

use std::time::{Duration, Instant, SystemTime};

/// The monotonic clock.
#[expect(
    clippy::disallowed_methods,
    reason = "a measuring program is a driver: what it measures is time itself"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The machine's monotonic clock in nanoseconds, which all of its processes read alike.
pub(crate) fn monotonic_nanos() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let time = Duration::try_from(time).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Seconds since 1970, for the report's date.
#[expect(clippy::disallowed_methods, reason = "a report says when it was made")]
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// What this process has used of all cores so far.
pub(crate) fn own_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
