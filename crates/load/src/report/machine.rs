//! Where, when and of what the figures are: without it they say nothing.

use crate::clock;
use std::{fs, process::Command};

/// The surroundings of a run.
#[derive(Debug, Clone, serde::Serialize)]
pub(crate) struct Machine {
    /// How many processors may be used.
    pub(crate) cores: usize,
    /// What the processors call themselves.
    pub(crate) processor: String,
    /// The memory of the machine.
    pub(crate) memory_bytes: u64,
    /// The kernel's name and release.
    pub(crate) kernel: String,
    /// When, in Coordinated Universal Time.
    pub(crate) date: String,
    /// The commit of the folder that the run was started in, with `-dirty` where something is changed.
    pub(crate) commit: String,
}

impl Machine {
    /// Looks around.
    pub(crate) fn here() -> Self {
        let system = rustix::system::uname();
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            processor: field_of("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            memory_bytes: rustix::system::sysinfo().totalram,
            kernel: format!(
                "{} {}",
                system.sysname().to_string_lossy(),
                system.release().to_string_lossy()
            ),
            date: date(clock::unix_seconds()),
            commit: commit().unwrap_or_else(unknown),
        }
    }

    /// What it is, in a line.
    pub(super) fn describe(&self) -> String {
        let Self {
            cores,
            processor,
            kernel,
            ..
        } = self;
        let memory = self.memory_bytes >> 30;
        format!("{cores} × {processor}, {memory} GiB, {kernel}")
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn field_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let (_, value) = line.split_once(':')?;
    Some(value.trim().to_owned())
}

fn commit() -> Option<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--exclude=*"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// A time of Unix as people write it. The days are counted in years that begin in March, so that a leap day is the
/// last of its year (Hinnant, "chrono-compatible low-level date algorithms").
fn date(unix_seconds: u64) -> String {
    let (days, seconds) = (unix_seconds / 86_400 + 719_468, unix_seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (seconds / 3_600, seconds / 60 % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_399), "2000-02-28 23:59 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_709_251_200), "2024-03-01 00:00 UTC");
        assert_eq!(date(1_767_225_599), "2025-12-31 23:59 UTC");
    }

    #[test]
    fn this_machine_has_a_core_and_a_kernel() {
        let machine = Machine::here();
        assert!(machine.cores > 0);
        assert!(machine.memory_bytes > 0);
        assert!(!machine.kernel.trim().is_empty());
    }
}
