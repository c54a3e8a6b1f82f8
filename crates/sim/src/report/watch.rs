//! What a long run shows of itself, and what it takes.

use super::thousands;
use crate::model::run::Progress;
use anstream::eprint;
use std::{
    io::{IsTerminal as _, stderr},
    time::{Duration, Instant},
};

/// Watches one run.
pub(super) struct Watch {
    name: &'static str,
    started: Instant,
    told: Duration,
    on_a_terminal: bool,
}

impl Watch {
    /// Begins to watch the run that is called `name`.
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a check takes changes nothing in what it finds"
    )]
    pub(super) fn begin(name: &'static str) -> Self {
        Self {
            name,
            started: Instant::now(),
            told: Duration::ZERO,
            on_a_terminal: stderr().is_terminal(),
        }
    }

    /// Ends it and says how long it took.
    pub(super) fn end(self) -> Duration {
        if self.on_a_terminal {
            eprint!("\r\x1b[K");
        }
        self.started.elapsed()
    }

    /// Tells how far the run has come: on a terminal always in the same line, otherwise seldom.
    pub(super) fn tell(&mut self, progress: Progress) {
        let took = self.started.elapsed();
        let pace = Duration::from_millis(if self.on_a_terminal { 200 } else { 20_000 });
        if took < self.told + pace {
            return;
        }
        self.told = took;
        let states = thousands(progress.states);
        let rate = thousands(progress.states * 1000 / took.as_millis().max(1) as u64);
        let memory = peak_memory();
        let (before, after) = if self.on_a_terminal {
            ("\r\x1b[K", "")
        } else {
            ("", "\n")
        };
        eprint!(
            "{before}  {}: {states} states, {rate} a second, {:.0?}{memory}{after}",
            self.name, took
        );
    }
}

/// The most memory that this process had so far, in words, where the system tells.
pub(super) fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(String::new, |amount| format!(", at most {}", amount.trim()))
}
