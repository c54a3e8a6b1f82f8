//! What the person at the terminal sees: one line for each thing done.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::failure::Failure;

const GREEN: &str = "\x1b[1;32m";
const RED: &str = "\x1b[1;31m";
const CYAN: &str = "\x1b[1;36m";
const DIM: &str = "\x1b[2m";
const PLAIN: &str = "\x1b[0m";
const CLEAR_LINE: &str = "\r\x1b[2K";

/// Times a thing that is being done.
#[derive(Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "a build tool has no clock of its own to be handed"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// How many seconds have begun since.
    pub(crate) fn seconds(&self) -> u64 {
        self.0.elapsed().as_secs() + 1
    }

    fn elapsed(&self) -> String {
        duration(self.0.elapsed())
    }
}

pub(crate) fn duration(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:5.1} s", time.as_secs_f64()),
        seconds => format!("{}:{:02} min", seconds / 60, seconds % 60),
    }
}

/// A heading between groups of lines.
pub(crate) fn heading(text: &str) {
    anstream::println!("\n{CYAN}{text}{PLAIN}");
}

/// Something that was done, or found out.
pub(crate) fn line(text: &str) {
    anstream::println!("{text}");
}

/// A step begins. Where its output is shown it gets a heading, otherwise a line that its end overwrites.
pub(crate) fn started(name: &str, about: &str, shown: bool) {
    if shown {
        heading(&format!("▶ {name}: {about}"));
    } else if std::io::stdout().is_terminal() {
        anstream::print!("{DIM}  …  {name:<12} {about}{PLAIN}");
        // A terminal that is gone is noticed by the next line.
        std::io::stdout().flush().ok();
    }
}

/// Something is about to be installed.
pub(crate) fn installing(name: &str, remedy: &str) {
    anstream::println!("{DIM}  …  {name:<23}{remedy}{PLAIN}");
}

/// A program is about to run.
pub(crate) fn command(line: &str) {
    anstream::println!("{DIM}$ {line}{PLAIN}");
}

/// A step went well; `note` says what it has to tell.
pub(crate) fn passed(name: &str, watch: &Stopwatch, note: &str) {
    anstream::println!(
        "{}{GREEN} ok  {PLAIN}{name:<12} {:>9}  {DIM}{note}{PLAIN}",
        overwrite(),
        watch.elapsed()
    );
}

/// A step failed, with the command that runs it alone.
pub(crate) fn step_failed(name: &str, watch: &Stopwatch, failure: &Failure, log: &str) {
    anstream::println!(
        "{}{RED}FAIL {PLAIN}{name:<12} {:>9}",
        overwrite(),
        watch.elapsed()
    );
    if !log.is_empty() {
        anstream::println!("\n{}", log.trim_end());
    }
    anstream::println!("\n{failure}\n{CYAN}run it alone:{PLAIN} cargo xtask test --only {name}\n");
}

/// The end of a run: what failed, and the counts on a line of their own.
pub(crate) fn summary(passed: usize, failed: &[&str], watch: &Stopwatch) {
    heading(&format!("Ran for {}", watch.elapsed().trim_start()));
    for name in failed {
        anstream::println!("{RED}FAIL {PLAIN}{name:<12} cargo xtask test --only {name}");
    }
    anstream::println!("{passed} passed, {} failed", failed.len());
}

/// The command as a whole failed.
pub(crate) fn failed(failure: &Failure) {
    anstream::eprintln!("{RED}error:{PLAIN} {failure}");
}

fn overwrite() -> &'static str {
    if std::io::stdout().is_terminal() {
        CLEAR_LINE
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_at_a_glance() {
        assert_eq!(duration(Duration::from_millis(1_250)).trim_start(), "1.2 s");
        assert_eq!(duration(Duration::from_secs(125)), "2:05 min");
    }
}
