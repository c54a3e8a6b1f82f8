//! Redis.

use super::process::{self, Process, Program};
use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::TempDir;

const PASSWORD: &str = "open-sesame";

/// A Redis server of the tests' own, which stores nothing.
#[derive(Debug)]
pub struct RedisServer {
    // Dropped before its folder is.
    running: Mutex<Option<Process>>,
    folder: TempDir,
    port: u16,
}

impl RedisServer {
    /// Starts a server.
    ///
    /// # Panics
    /// Where Redis is not installed or does not come up.
    #[must_use]
    pub fn start() -> Self {
        let folder = process::folder();
        let (running, port) = Process::start_on_free_port(|port| program(folder.path(), port));
        Self {
            running: Mutex::new(Some(running)),
            folder,
            port,
        }
    }

    /// Its URL, with the password that it asks for.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}", self.port)
    }

    /// Ends the server as a crash does, if it runs, and waits until it is gone.
    pub fn stop(&self) {
        if let Some(running) = self.running().take() {
            running.stop("KILL");
        }
    }

    /// Starts the server that was stopped, on the same port, and waits until it takes connections.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn start_again(&self) {
        *self.running() = Some(Process::start(&program(self.folder.path(), self.port)));
    }

    /// Publishes a text without blanks to a channel, as anybody may who is let in.
    ///
    /// # Panics
    /// Where the server does not take it.
    pub fn publish(&self, channel: &str, text: &str) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        write!(stream, "AUTH {PASSWORD}\r\nPUBLISH {channel} {text}\r\n").unwrap();
        let mut answers = BufReader::new(stream).lines().map(Result::unwrap);
        assert_eq!(answers.next().as_deref(), Some("+OK"));
        assert!(answers.next().unwrap().starts_with(':'));
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn program(folder: &Path, port: u16) -> Program<'_> {
    let mut command = vec!["redis-server".into()];
    let settings = [
        ("--bind", "127.0.0.1"),
        ("--port", &port.to_string()),
        ("--requirepass", PASSWORD),
        ("--save", ""),
        ("--appendonly", "no"),
    ];
    for (name, value) in settings {
        command.extend([name.into(), value.into()]);
    }
    command.extend(["--dir".into(), folder.into()]);
    Program {
        command,
        folder,
        ready: "Ready to accept connections",
        last_signal: "KILL",
    }
}
