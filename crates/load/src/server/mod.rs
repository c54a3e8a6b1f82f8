//! The server under measurement, as a process of its own.

mod cluster;
mod folder;
mod settings;
pub(crate) mod usage;

pub(crate) use cluster::{Cluster, Fanout, NodeSettings};
pub(crate) use folder::{Folder, places};
pub(crate) use settings::{Hashing, Settings};

use crate::{
    clock,
    error::{Doing, Error},
    target::Target,
    watch::Watch,
};
use rustix::{
    event::{PollFd, PollFlags, poll},
    fd::AsFd,
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
    time::Timespec,
};
use std::{
    fs::File,
    io::Read as _,
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// How long a server may take until it says that it is ready.
const START: Duration = Duration::from_secs(20);
/// How long a server may take to end when asked; then it is killed.
const STOP: Duration = Duration::from_secs(15);
/// The longest first line.
const LINE_BYTES: usize = 4096;
/// How much of the log an error quotes.
const LOG_TAIL_BYTES: usize = 2000;

/// A running server with a data folder of its own. Dropping it ends it, and then wipes the folder.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Held open so that the server never writes to a closed pipe.
    stdout: ChildStdout,
    address: SocketAddr,
    folder: Folder,
}

impl Server {
    /// Starts the program at `program` on a free port, and waits until it is ready.
    ///
    /// # Errors
    /// [`Error::System`], [`Error::ServerEnded`], [`Error::NoAddress`] or [`Error::TooSlow`].
    pub(crate) fn start(
        program: &Path,
        folder: Folder,
        settings: &Settings,
        watch: &Watch,
    ) -> Result<Self, Error> {
        let mut command = Command::new(program);
        settings::apply(&mut command, settings);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .arg("--data")
            .arg(folder.data());
        Self::run(command, folder, watch)
    }

    /// Starts a [server that keeps nothing](crate::bare), and waits until it is ready.
    ///
    /// # Errors
    /// As [`start`](Self::start) has them.
    pub(crate) fn start_bare(folder: Folder, watch: &Watch) -> Result<Self, Error> {
        let program = std::env::current_exe().doing(|| "starting a bare server".to_owned())?;
        let mut command = Command::new(program);
        command.arg("bare");
        Self::run(command, folder, watch)
    }

    fn run(mut command: Command, folder: Folder, watch: &Watch) -> Result<Self, Error> {
        let log = File::create(folder.log()).doing(|| "creating the server's log".to_owned())?;
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .doing(|| format!("starting {}", command.get_program().display()))?;
        let Some(stdout) = child.stdout.take() else {
            return Err(Error::TooSlow("starting the server"));
        };
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut server = Self {
            child,
            stdout,
            address: unspecified,
            folder,
        };
        let line = server.first_line(watch)?;
        server.address = address_in(&line).ok_or(Error::NoAddress(line))?;
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn target(&self) -> Target {
        Target::local(self.address)
    }

    /// Where operators connect, as its log says.
    pub(crate) fn operators(&self) -> Option<SocketAddr> {
        let log = self.folder.log_tail(LOG_TAIL_BYTES);
        let (_, behind) = log.split_once("operators can connect")?;
        let (_, address) = behind.split_once("address=")?;
        address.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Ends it as a crash does, and waits until it is gone.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        self.child
            .kill()
            .and_then(|()| self.child.wait().map(drop))
            .doing(|| "killing a server".to_owned())
    }

    /// Why a measurement failed: that the server ended, if it did, and else `error`.
    pub(crate) fn blame(&mut self, error: Error) -> Error {
        match (self.child.try_wait(), &error) {
            (_, Error::Interrupted) | (Ok(None) | Err(_), _) => error,
            (Ok(Some(status)), _) => Error::ServerEnded {
                status,
                log: self.folder.log_tail(LOG_TAIL_BYTES),
            },
        }
    }

    fn first_line(&mut self, watch: &Watch) -> Result<String, Error> {
        let end = clock::now() + START;
        let mut line = Vec::new();
        let mut piece = [0; 256];
        while !line.contains(&b'\n') && line.len() < LINE_BYTES {
            watch.beat()?;
            if clock::now() >= end {
                return Err(Error::TooSlow("starting the server"));
            }
            if !is_readable(&self.stdout, Watch::BEAT)? {
                continue;
            }
            let count = self
                .stdout
                .read(&mut piece)
                .doing(|| "reading the server's first line".to_owned())?;
            if count == 0 {
                let status = self
                    .child
                    .wait()
                    .doing(|| "waiting for the server".to_owned())?;
                let log = self.folder.log_tail(LOG_TAIL_BYTES);
                return Err(Error::ServerEnded { status, log });
            }
            line.extend_from_slice(&piece[..count]);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Asks it to end, and waits until it has.
    fn stop(&self) -> Result<(), Error> {
        let process = pidfd_open(self.pid(), PidfdFlags::empty())
            .doing(|| "watching the server end".to_owned())?;
        pidfd_send_signal(&process, Signal::TERM)
            .doing(|| "asking the server to end".to_owned())?;
        if is_readable(&process, STOP)? {
            Ok(())
        } else {
            Err(Error::TooSlow("ending the server"))
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Err(error) = self.stop() {
            anstream::eprintln!("{error}: it is killed");
            self.child.kill().ok();
        }
        // It has ended or was killed: this only collects it.
        self.child.wait().ok();
    }
}

/// Waits until there is something to read, or the end; for a process: until it has ended.
fn is_readable(source: &impl AsFd, at_most: Duration) -> Result<bool, Error> {
    let timeout = Timespec::try_from(at_most).unwrap_or_default();
    match poll(&mut [PollFd::new(source, PollFlags::IN)], Some(&timeout)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error).doing(|| "waiting for the server".to_owned()),
    }
}

/// The address in the line with which a server says that it is ready: that of its URL.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("://")?;
    let authority = rest.split(|c: char| c == '/' || c.is_whitespace()).next()?;
    authority.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_the_line_that_says_ready() {
        let address = Some(SocketAddr::from(([127, 0, 0, 1], 4711)));
        assert_eq!(address_in("http://127.0.0.1:4711"), address);
        assert_eq!(
            address_in("handfast serves at http://127.0.0.1:4711/ now"),
            address
        );
        assert_eq!(address_in("handfast is ready"), None);
    }
}
