//! What the operating system says of this process.

/// What it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) cpu_seconds: f64,
    pub(super) resident_bytes: u64,
    pub(super) open_fds: u64,
    pub(super) max_fds: u64,
}

/// Asks it.
#[cfg(target_os = "linux")]
pub(super) fn read() -> Option<Process> {
    use procfs::{WithCurrentSystemInfo as _, process::Process as Own};
    let own = Own::myself().ok()?;
    let stat = own.stat().ok()?;
    let ticks = super::as_f64(stat.utime + stat.stime);
    Some(Process {
        cpu_seconds: ticks / super::as_f64(procfs::ticks_per_second()),
        resident_bytes: stat.rss_bytes().get(),
        open_fds: u64::try_from(own.fd_count().ok()?).ok()?,
        max_fds: crate::descriptors::limit().unwrap_or(u64::MAX),
    })
}

/// Elsewhere there is nothing to read it from.
#[cfg(not(target_os = "linux"))]
pub(super) fn read() -> Option<Process> {
    None
}
