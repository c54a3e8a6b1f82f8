//! `handfast-load flame`: where a server spends its time, as `perf` sees it.
//!
//! The program is recorded as it is shipped, so that stacks are found by its unwinding tables and not by frame pointers.
//! A clock of the kernel asks for samples: virtual machines often have no counters that could.

use crate::{
    cli::Flame,
    error::{Doing, Error},
    fleet::{self, Door},
    meter::Meter,
    report::Measurement,
    scenario::{Site, idle, refresh, resume},
    server::{Folder, Hashing, Server, Settings},
    watch::Watch,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Samples a second of each thread that runs: no multiple of what servers do in round intervals.
const SAMPLES: &str = "499";
/// How much of a stack is kept with each sample, in bytes.
const CALL_GRAPH: &str = "dwarf,16384";

/// Clients at once.
const CLIENTS: usize = 256;
/// Connections that do nothing. They are pinged every second, so that there is something to see.
const IDLE: usize = 10_000;
const HEARTBEAT: &str = "1s";

/// What a server does while it is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Refresh,
    Resume,
    Idle,
}

/// Records everything that is worth looking at; gives what the server did meanwhile.
///
/// # Errors
/// [`Error::System`] where there is no `perf`; [`Error::NoRecording`]; what any client meets.
pub(crate) fn run(options: &Flame) -> Result<Vec<Measurement>, Error> {
    let (program, data_root) = options.measured.places()?;
    fs::create_dir_all(&options.out).doing(|| format!("creating {}", options.out.display()))?;
    fleet::allow_connections(IDLE)?;
    let pace = options.rounds.pace_or(1, Duration::from_secs(6));
    let watch = Watch::begin(3 * u64::from(pace.rounds))?;
    let mut rows = Vec::new();
    for (number, work) in (0..).zip([Work::Refresh, Work::Resume, Work::Idle]) {
        let folder = Folder::create(&data_root, number)?;
        let settings = Settings {
            hashing: Hashing::TurnedDown,
            more: vec![("HANDFAST_HEARTBEAT__INTERVAL", HEARTBEAT.to_owned())],
        };
        let mut server = Server::start(&program, folder, &settings, &watch)?;
        let site = Site {
            door: Door::new(&server.target()),
            operators: None,
            meter: Meter::new([server.pid()]),
            watch: watch.clone(),
            pace,
        };
        let file = options.out.join(work.file());
        let worked = work.record(&site, server.pid(), &file);
        rows.extend(worked.map_err(|error| server.blame(error))?);
    }
    Ok(rows)
}

impl Work {
    const fn file(self) -> &'static str {
        match self {
            Self::Refresh => "refresh.perf",
            Self::Resume => "resume.perf",
            Self::Idle => "idle.perf",
        }
    }

    fn record(self, site: &Site, server: Pid, file: &Path) -> Result<Vec<Measurement>, Error> {
        let begin = || Recording::begin(server, file);
        let (recording, rows) = match self {
            Self::Refresh => (begin()?, refresh::throughput(site, CLIENTS)?),
            Self::Resume => (begin()?, resume::throughput(site, CLIENTS)?),
            Self::Idle => {
                // Ten thousand logins would hide all that comes after.
                let mut fleet = idle::prepare(site, IDLE)?;
                let recording = begin()?;
                (recording, vec![idle::pings(&mut fleet, site)?])
            }
        };
        recording.end()?;
        Ok(rows)
    }
}

/// A running `perf record`. Dropping it ends it.
struct Recording {
    perf: Child,
    file: PathBuf,
}

impl Recording {
    fn begin(server: Pid, file: &Path) -> Result<Self, Error> {
        let perf = Command::new("perf")
            .args(["record", "--quiet", "--event", "cpu-clock"])
            .args(["--freq", SAMPLES, "--call-graph", CALL_GRAPH])
            .args(["--pid", &server.as_raw_nonzero().to_string(), "--output"])
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .doing(|| "starting `perf` (Debian's package linux-perf)".to_owned())?;
        Ok(Self {
            perf,
            file: file.to_owned(),
        })
    }

    /// Asks it to write what it has, and waits until it did. The server still runs, so it had no reason to end before.
    fn end(mut self) -> Result<(), Error> {
        let ended = self
            .perf
            .try_wait()
            .doing(|| "looking at `perf`".to_owned())?;
        if ended.is_some() {
            return Err(Error::NoRecording);
        }
        self.stop()?;
        let size = fs::metadata(&self.file).map_or(0, |file| file.len());
        if size > 0 {
            Ok(())
        } else {
            Err(Error::NoRecording)
        }
    }

    fn stop(&mut self) -> Result<(), Error> {
        if let Ok(None) = self.perf.try_wait() {
            kill_process(Pid::from_child(&self.perf), Signal::INT)
                .doing(|| "asking `perf` to end".to_owned())?;
        }
        self.perf
            .wait()
            .map(drop)
            .doing(|| "waiting for `perf`".to_owned())
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // The recording is for nobody any more: only the process must not stay.
        self.stop().ok();
    }
}
