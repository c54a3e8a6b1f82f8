//! The crowds of a run, as their starter sees them.

use super::told::{ROTATE, Told};
use crate::{
    clock,
    error::{Doing, Error},
    target::Target,
    watch::Watch,
};
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

/// How often a run that waits for crowds looks up.
const LOOK_UP: Duration = Duration::from_millis(200);

/// How many crowds log in at the same time. A few make large transactions, which the database likes; all of them make
/// many small ones.
const LOG_IN_AT_ONCE: usize = 6;

/// How large crowds are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// The clients of each node.
    pub(super) clients: u32,
    /// Of these, whose sessions may be revoked.
    pub(super) watched: u32,
}

impl Sizes {
    /// Of several nodes the first has none that may be revoked: it is where they are, which is no matter for fan-out.
    fn watched_of(self, number: usize, nodes: usize) -> u32 {
        if number == 0 && nodes > 1 {
            0
        } else {
            self.watched
        }
    }
}

/// Running crowds, one for each node. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Crowds {
    processes: Vec<Process>,
    heard: Receiver<(usize, Heard)>,
    logged_in: Vec<u64>,
    rotated: Vec<u64>,
    pub(super) watched: Vec<Watched>,
}

/// A client whose session may be revoked.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) session: String,
}

#[derive(Debug)]
struct Process {
    child: Child,
    stdin: ChildStdin,
}

#[derive(Debug)]
enum Heard {
    Told(Told),
    Ended,
}

impl Crowds {
    /// Starts the crowds of all `nodes`, a few at a time, and waits until every client is logged in.
    ///
    /// # Errors
    /// [`Error::System`], and as [`Self::await_all`].
    pub(super) fn log_in(
        nodes: &[Target],
        sizes: &Sizes,
        watch: &Watch,
        at_most: Duration,
    ) -> Result<Self, Error> {
        let end = clock::now() + at_most;
        let (tell, heard) = mpsc::channel();
        let mut crowds = Self {
            processes: Vec::with_capacity(nodes.len()),
            heard,
            logged_in: vec![0; nodes.len()],
            rotated: vec![0; nodes.len()],
            watched: Vec::new(),
        };
        let mut ready = 0;
        while ready < nodes.len() {
            let started = crowds.processes.len();
            if started < nodes.len() && started - ready < LOG_IN_AT_ONCE {
                let watched = sizes.watched_of(started, nodes.len());
                let node = &nodes[started];
                let process = Process::start(started, node, sizes.clients, watched, tell.clone())?;
                crowds.processes.push(process);
                continue;
            }
            if crowds.next("logging in", watch, end)? == Some(Told::AllLoggedIn) {
                ready += 1;
            }
            crowds.say(watch);
        }
        Ok(crowds)
    }

    /// Their processes.
    pub(super) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.processes
            .iter()
            .map(|process| Pid::from_child(&process.child))
    }

    /// Lets every client rotate its token.
    pub(super) fn rotate(&mut self) -> Result<(), Error> {
        for process in &mut self.processes {
            writeln!(process.stdin, "{ROTATE}").doing(|| "telling a crowd to rotate".to_owned())?;
        }
        Ok(())
    }

    /// Waits until every crowd has told `what`.
    ///
    /// # Errors
    /// [`Error::CrowdEnded`], [`Error::TooSlow`] and [`Error::Interrupted`].
    pub(super) fn await_all(
        &mut self,
        what: &Told,
        doing: &'static str,
        watch: &Watch,
        at_most: Duration,
    ) -> Result<(), Error> {
        let end = clock::now() + at_most;
        let mut missing = self.processes.len();
        while missing > 0 {
            if self.next(doing, watch, end)?.as_ref() == Some(what) {
                missing -= 1;
            }
            self.say(watch);
        }
        Ok(())
    }

    fn say(&self, watch: &Watch) {
        let logged_in: u64 = self.logged_in.iter().sum();
        let rotated: u64 = self.rotated.iter().sum();
        watch.say(format!("{logged_in} logged in, {rotated} rotated"));
    }

    /// Takes what is told, for so long.
    ///
    /// # Errors
    /// [`Error::CrowdEnded`] and [`Error::Interrupted`].
    pub(super) fn listen(&mut self, watch: &Watch, time: Duration) -> Result<(), Error> {
        let end = clock::now() + time;
        while clock::now() < end {
            self.next("listening", watch, end + LOOK_UP)?;
        }
        Ok(())
    }

    /// Waits until `count` sessions have lost their connections; tells which, and when, in nanoseconds.
    ///
    /// # Errors
    /// As [`Self::await_all`].
    pub(super) fn await_closed(
        &mut self,
        count: usize,
        watch: &Watch,
        at_most: Duration,
    ) -> Result<Vec<(String, u64)>, Error> {
        let end = clock::now() + at_most;
        let mut closed = Vec::with_capacity(count);
        while closed.len() < count {
            let told = self.next("closing revoked sessions", watch, end)?;
            if let Some(Told::Closed { session, at_nanos }) = told {
                closed.push((session, at_nanos));
            }
        }
        Ok(closed)
    }

    /// Takes what is told next, if that is soon.
    fn next(
        &mut self,
        doing: &'static str,
        watch: &Watch,
        end: Instant,
    ) -> Result<Option<Told>, Error> {
        watch.beat()?;
        if clock::now() >= end {
            return Err(Error::TooSlow(doing));
        }
        let (number, told) = match self.heard.recv_timeout(LOOK_UP) {
            Ok((number, Heard::Told(told))) => (number, told),
            Ok((_, Heard::Ended)) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::CrowdEnded);
            }
            Err(RecvTimeoutError::Timeout) => return Ok(None),
        };
        match &told {
            Told::Watched { name, session } => self.watched.push(Watched {
                name: name.clone(),
                session: session.clone(),
            }),
            Told::Progress { logged_in, rotated } => {
                self.logged_in[number] = *logged_in;
                self.rotated[number] = *rotated;
            }
            Told::AllLoggedIn | Told::AllRotated | Told::Closed { .. } => {}
        }
        Ok(Some(told))
    }
}

impl Process {
    fn start(
        number: usize,
        node: &Target,
        clients: u32,
        watched: u32,
        tell: Sender<(usize, Heard)>,
    ) -> Result<Self, Error> {
        let starting = || "starting a crowd".to_owned();
        let program = std::env::current_exe().doing(starting)?;
        let mut child = Command::new(program)
            .args(["crowd", "--url"])
            .arg(format!("ws://{}{}", node.authority, node.path))
            .args(["--clients", &clients.to_string()])
            .args(["--watched", &watched.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .doing(starting)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::CrowdEnded);
        };
        std::thread::Builder::new()
            .name(format!("crowd {number}"))
            .spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if let Ok(told) = serde_json::from_str(&line) {
                        tell.send((number, Heard::Told(told))).ok();
                    }
                }
                tell.send((number, Heard::Ended)).ok();
            })
            .doing(starting)?;
        Ok(Self { child, stdin })
    }
}

impl Drop for Crowds {
    fn drop(&mut self) {
        for pid in self.pids() {
            kill_process(pid, Signal::TERM).ok();
        }
        for process in &mut self.processes {
            process.child.wait().ok();
        }
    }
}
