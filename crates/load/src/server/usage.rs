//! What a process uses, as Linux tells it (proc(5)).

use crate::error::{Doing, Error};
use rustix::{param::clock_ticks_per_second, process::Pid};
use std::{fs, time::Duration};

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub(crate) struct Memory {
    /// All that is resident.
    pub(crate) resident_bytes: u64,
    /// What of it is backed by no file: heap and stacks. The rest is mostly the program itself.
    pub(crate) anonymous_bytes: u64,
}

impl std::ops::AddAssign for Memory {
    fn add_assign(&mut self, other: Self) {
        self.resident_bytes += other.resident_bytes;
        self.anonymous_bytes += other.anonymous_bytes;
    }
}

/// The processor time of a process in user and system mode, all threads together.
pub(crate) fn cpu_time(pid: Pid) -> Result<Duration, Error> {
    let stat = read(&format!("/proc/{}/stat", pid.as_raw_nonzero()))?;
    ticks_of_process(&stat)
        .map(as_duration)
        .ok_or_else(|| unreadable("the processor time of the server"))
}

/// The memory of a process.
pub(crate) fn memory(pid: Pid) -> Result<Memory, Error> {
    let status = read(&format!("/proc/{}/status", pid.as_raw_nonzero()))?;
    memory_in(&status).ok_or_else(|| unreadable("the memory of the server"))
}

/// The time that all processors of the machine were busy.
pub(crate) fn machine_busy_time() -> Result<Duration, Error> {
    let stat = read("/proc/stat")?;
    busy_ticks(&stat)
        .map(as_duration)
        .ok_or_else(|| unreadable("the processor time of the machine"))
}

/// The machine's memory that is in use and could not be given to others, in bytes. The kernel's own is in it, and
/// sockets are nearly all of that.
pub(crate) fn machine_used_memory() -> Result<u64, Error> {
    let info = read("/proc/meminfo")?;
    used_memory(&info).ok_or_else(|| unreadable("the memory of the machine"))
}

fn used_memory(info: &str) -> Option<u64> {
    let total = bytes_of(info, "MemTotal:")?;
    Some(total.saturating_sub(bytes_of(info, "MemAvailable:")?))
}

fn bytes_of(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn read(path: &str) -> Result<String, Error> {
    fs::read_to_string(path).doing(|| format!("reading {path}"))
}

fn unreadable(what: &str) -> Error {
    Error::System {
        doing: format!("reading {what}"),
        source: std::io::ErrorKind::InvalidData.into(),
    }
}

fn as_duration(ticks: u64) -> Duration {
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second().max(1))
}

/// User and system time, fields 14 and 15. The name in parentheses before them may hold anything.
fn ticks_of_process(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// All of the first line but `idle` and `iowait`, and but the last two, which are counted in the first two already.
fn busy_ticks(stat: &str) -> Option<u64> {
    let fields = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = fields
        .split_ascii_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let &[user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = ticks.as_slice() else {
        return None;
    };
    Some(user + nice + system + irq + softirq + steal)
}

fn memory_in(status: &str) -> Option<Memory> {
    Some(Memory {
        resident_bytes: bytes_of(status, "VmRSS:")?,
        anonymous_bytes: bytes_of(status, "RssAnon:")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_with_a_wild_name_is_read() {
        let stat = "12 (a) R 1) S 1 12 12 0 -1 4194304 100 0 0 0 250 50 7 7 20 0 5 0 100 0 0";
        assert_eq!(ticks_of_process(stat), Some(300));
        assert_eq!(ticks_of_process("12 (a) S 1"), None);
    }

    #[test]
    fn waiting_and_guests_do_not_count_as_busy() {
        let stat = "cpu  100 10 50 9000 800 1 2 3 40 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n";
        assert_eq!(busy_ticks(stat), Some(166));
        assert_eq!(busy_ticks("cpu 1 2"), None);
    }

    #[test]
    fn memory_is_read_in_bytes() {
        let status = "Name:\thandfast\nVmRSS:\t    2048 kB\nRssAnon:\t    1024 kB\n";
        let memory = Memory {
            resident_bytes: 2 * 1024 * 1024,
            anonymous_bytes: 1024 * 1024,
        };
        assert_eq!(memory_in(status), Some(memory));
        assert_eq!(memory_in("Name:\thandfast\n"), None);
    }

    #[test]
    fn what_could_be_given_to_others_is_not_used() {
        let info = "MemTotal:  100 kB\nMemFree:  10 kB\nMemAvailable:  60 kB\n";
        assert_eq!(used_memory(info), Some(40 * 1024));
    }

    #[test]
    fn this_process_can_be_read() {
        let pid = rustix::process::getpid();
        assert!(memory(pid).unwrap().resident_bytes > 0);
        assert!(cpu_time(pid).unwrap() <= machine_busy_time().unwrap());
    }
}
