//! NATS.

use super::process::{self, Process, Program};
use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::TempDir;

const USER: &str = "handfast";
const PASSWORD: &str = "open-sesame";

/// A NATS server of the tests' own.
#[derive(Debug)]
pub struct NatsServer {
    // Dropped before its folder is.
    running: Mutex<Option<Process>>,
    folder: TempDir,
    port: u16,
}

impl NatsServer {
    /// Starts a server.
    ///
    /// # Panics
    /// Where NATS is not installed or does not come up.
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

    /// Its URL, with the user and the password that it asks for.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{USER}:{PASSWORD}@127.0.0.1:{}", self.port)
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

    /// Publishes a text to a subject, as anybody may who is let in.
    ///
    /// # Panics
    /// Where the server does not take it.
    pub fn publish(&self, subject: &str, text: &str) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        let length = text.len();
        write!(
            stream,
            "CONNECT {{\"verbose\":false,\"user\":\"{USER}\",\"pass\":\"{PASSWORD}\"}}\r\n\
             PUB {subject} {length}\r\n{text}\r\nPING\r\n"
        )
        .unwrap();
        let answers = BufReader::new(stream).lines().map(Result::unwrap);
        let mut answers = answers.filter(|line| !line.starts_with("INFO"));
        assert_eq!(answers.next().as_deref(), Some("PONG"));
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn program(folder: &Path, port: u16) -> Program<'_> {
    let port = port.to_string();
    let words = ["nats-server", "--addr", "127.0.0.1", "--port", &port];
    let login = ["--user", USER, "--pass", PASSWORD];
    let command = words.into_iter().chain(login).map(Into::into).collect();
    Program {
        command,
        folder,
        ready: "Server is ready",
        last_signal: "KILL",
    }
}
