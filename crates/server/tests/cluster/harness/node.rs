//! One process of the program.

use super::until;
use crate::http::{self, Answer, Request};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A node with a folder of its own. It comes back on another port; clients ask where it is. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Node {
    running: Mutex<Running>,
    folder: tempfile::TempDir,
    variables: Mutex<Vec<(String, String)>>,
}

#[derive(Debug)]
struct Running {
    process: Option<Child>,
    address: SocketAddr,
}

impl Node {
    /// Starts a node, with the keys of another one if they are given, and waits until it is ready.
    pub(crate) fn start(keys: Option<&Path>, variables: Vec<(String, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        if let Some(keys) = keys {
            fs::copy(keys, data.join("keys.jwks")).unwrap();
        }
        let node = Self {
            running: Mutex::new(Running {
                process: None,
                address: ([127, 0, 0, 1], 0).into(),
            }),
            folder,
            variables: Mutex::new(variables),
        };
        node.start_again();
        node
    }

    /// Starts a node that has ended, and waits until it is ready.
    pub(crate) fn start_again(&self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
        command
            .args(["serve", "--wait", "--listen", "127.0.0.1:0"])
            .args(["--admin", "127.0.0.1:0", "--data"])
            .arg(self.folder.path().join("data"))
            .env_clear()
            .envs(self.variables().iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log.unwrap());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("//").next().unwrap().parse();
        *self.running() = Running {
            process: Some(process),
            address: address.unwrap_or_else(|_| panic!("not ready: {line:?}\n{}", self.log())),
        };
    }

    /// Sets a variable for the next start.
    pub(crate) fn set(&self, name: &str, value: &str) {
        self.variables().push((name.to_owned(), value.to_owned()));
    }

    /// Where it listens, or did.
    pub(crate) fn address(&self) -> SocketAddr {
        self.running().address
    }

    /// The keys that it signs with.
    pub(crate) fn keys(&self) -> PathBuf {
        self.folder.path().join("data/keys.jwks")
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&self) {
        let mut process = self.running().process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    /// Tells it to stop and waits for its end; whether it was content.
    pub(crate) fn stop(&self) -> bool {
        self.signal("TERM");
        let mut process = self.running().process.take().unwrap();
        process.wait().unwrap().success()
    }

    /// Keeps it from doing anything at all.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on as if nothing had been.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let process = self.running().process.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", name, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// The status of `GET path`; 0 where nobody answers.
    pub(crate) fn status(&self, path: &str) -> u16 {
        let answer = TcpStream::connect(self.address())
            .map(|stream| http::try_over(stream, Request::get(path)))
            .unwrap_or_default();
        let status = answer.get(9..12).unwrap_or_default();
        str::from_utf8(status).unwrap().parse().unwrap_or(0)
    }

    /// What it counts.
    pub(crate) fn metrics(&self) -> String {
        http::ask(self.admin(), Request::get("/metrics")).body
    }

    /// The value of one of these, by its name and labels.
    pub(crate) fn counted(&self, metric: &str) -> f64 {
        let metrics = self.metrics();
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        value.unwrap().parse().unwrap()
    }

    /// The answer to an operator's request.
    pub(crate) fn operate(&self, method: &str, path: &str) -> Answer {
        let token = fs::read_to_string(self.folder.path().join("data/admin-token")).unwrap();
        let request = Request::new(method, path).bearer(token.trim());
        http::ask(self.admin(), request)
    }

    /// Where operators connect.
    fn admin(&self) -> SocketAddr {
        let log = self.log();
        let line = log
            .lines()
            .rfind(|line| line.contains("operators can connect"));
        let address = line.unwrap().split("address=").nth(1).unwrap();
        address.split(' ').next().unwrap().parse().unwrap()
    }

    /// Waits until it says that it is ready, or that it is not.
    pub(crate) fn until_ready(&self, ready: bool) {
        let status = if ready { 200 } else { 503 };
        until(&format!("/readyz is {status}"), || {
            self.status("/readyz") == status
        });
    }

    /// What it logged since its first start.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn variables(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.variables
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut process) = self.running().process.take() {
            drop(process.kill());
            drop(process.wait());
        }
    }
}
