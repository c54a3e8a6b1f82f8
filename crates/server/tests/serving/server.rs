//! A server process of the test's own.

use crate::http::{self, Answer, Request};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    thread,
};

/// What a server logs that waits until it can start.
const WAITS: &str = "waiting for the ledger";

/// A running `handfast serve`. Dropping it kills it.
pub(crate) struct Server {
    process: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    /// Starts a server on a free port, on the data in `folder`, with these variables set.
    pub(crate) fn start(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_with(folder, variables, &[])
    }

    /// The same, of a server that waits until it can start.
    pub(crate) fn waiting(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_with(folder, variables, &["--wait"])
    }

    /// The same, of a server that operators of other machines can reach.
    pub(crate) fn exposed(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_with(folder, variables, &["--admin", "0.0.0.0:0"])
    }

    /// Whether a server that waits until it can start is content when it is told to stop, as it is with a second one on
    /// the same data. A SIGHUP before that is for later.
    pub(crate) fn waits_in_vain(folder: &Path, signal: &str) -> bool {
        let times = log_of(folder).matches(WAITS).count();
        let mut process = spawn(folder, &[], &["--wait"]);
        wait_for_log(folder, WAITS, times);
        send(&process, "HUP");
        send(&process, signal);
        process.wait().unwrap().success()
    }

    /// Starts one whose database is whoever listens at `hangs`, and sends it this signal when it has connected there; whether
    /// it ends content.
    pub(crate) fn starts_in_vain(folder: &Path, hangs: &TcpListener, signal: &str) -> bool {
        let url = format!("postgres://{}/auth", hangs.local_addr().unwrap());
        let mut process = spawn(folder, &[("HANDFAST_LEDGER__URL", &url)], &[]);
        let connected = hangs.accept().unwrap();
        send(&process, signal);
        let is_content = process.wait().unwrap().success();
        drop(connected);
        is_content
    }

    fn start_with(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut process = spawn(folder, variables, arguments);
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().rsplit("//").next().unwrap().parse();
        Self {
            process,
            stdout,
            folder: folder.to_owned(),
            address: address
                .unwrap_or_else(|_| panic!("not ready: {line:?}; see {}", log_of(folder))),
        }
    }

    /// Ends the process as a power cut would.
    pub(crate) fn kill(mut self) {
        let ended = self.process.try_wait().unwrap();
        assert_eq!(ended, None, "it had ended by itself");
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Lets no file of the process grow beyond this, as on a disk without room; `None` makes room again.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let process = Pid::from_child(&self.process);
        let limit = Rlimit {
            current: bytes,
            maximum: None,
        };
        prlimit(Some(process), Resource::Fsize, limit).unwrap();
    }

    /// The next line on its stdout.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        send(&self.process, name);
    }

    /// Lets the process have no more files than this.
    pub(crate) fn limit_descriptors(&self, count: u64) {
        let limit = Rlimit {
            current: Some(count),
            maximum: Some(count),
        };
        let process = Pid::from_child(&self.process);
        prlimit(Some(process), Resource::Nofile, limit).unwrap();
    }

    /// Waits until it logs `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        wait_for_log(&self.folder, text, 0);
    }

    /// Waits for the process to end by itself. Gives whether it was content.
    pub(crate) fn ended(mut self) -> bool {
        self.process.wait().unwrap().success()
    }

    /// The status and the body of `GET path`.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let answer = http::ask(self.address, Request::get(path));
        (answer.status, answer.body)
    }

    /// Where operators connect: what the log says last.
    pub(crate) fn admin(&self) -> SocketAddr {
        let log = log_of(&self.folder);
        let line = log
            .lines()
            .rfind(|line| line.contains("operators can connect"));
        let address = line.unwrap().split("address=").nth(1).unwrap();
        address.split(' ').next().unwrap().parse().unwrap()
    }

    /// The operator's token.
    pub(crate) fn token(&self) -> String {
        let file = fs::read_to_string(self.folder.join("data/admin-token"));
        file.unwrap().trim().to_owned()
    }

    /// What operators are answered to a request with the token.
    pub(crate) fn operate(&self, request: Request<'_>) -> Answer {
        let token = self.token();
        http::ask(self.admin(), request.bearer(&token))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Starts the program on the data in `folder`.
fn spawn(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Child {
    let log = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    // Whoever limits the size of its files wants to see a failed write, not a signal.
    Command::new("/bin/sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_handfast"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg("--data")
        .arg(folder.join("data"))
        .args(arguments)
        .env_clear()
        .env("HANDFAST_ADMIN__LISTEN", "127.0.0.1:0")
        .env("HANDFAST_PASSWORD__MEMORY_KIB", "8")
        .env("HANDFAST_PASSWORD__ITERATIONS", "1")
        .env("HANDFAST_LIMITS__LOGINS_PER_ADDRESS", "off")
        .env("HANDFAST_LIMITS__PRESENTATIONS_PER_SESSION", "off")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Sends a signal by its name.
fn send(process: &Child, name: &str) {
    let sent = Command::new("kill")
        .args(["-s", name, &process.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Waits until a server in this folder logs `text` once more than `times` times.
pub(crate) fn wait_for_log(folder: &Path, text: &str, times: usize) {
    while log_of(folder).matches(text).count() <= times {
        thread::yield_now();
    }
}

/// What the servers in this folder logged.
pub(crate) fn log_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap()
}
