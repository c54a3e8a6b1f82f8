//! Waiting for what must come.

use handfast::clock::SystemClock;
use handfast_core::time::{Clock, Moment};
use std::{thread, time::Duration};

/// How long a test waits for what must come before it fails. No test asserts how long anything took.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until something is so; fails where it never is.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let clock = SystemClock::start();
    while !is_so() {
        let waited = clock.now().moment.since(Moment::default());
        assert!(waited < PATIENCE, "never: {what}");
        thread::yield_now();
    }
}
