//! A server's process, and the shell that sees to its end.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;

/// How many free ports are tried. Another process may take one between our finding it and the server's taking it.
const PORTS_TRIED: usize = 8;
/// How long a server may take until it says that it is ready.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// How much of what a server wrote is kept for whoever asks why it failed, in bytes.
const LOG_BYTES: usize = 64 * 1024;

/// Runs `$3…` until a line of input names the signal to end it by; at the end of input it ends by the signal `$2`, and
/// the folder `$1` goes with it.
const KEEPER: &str = r#"
folder=$1 last=$2
shift 2
"$@" 2>&1 </dev/null &
server=$!
exec >/dev/null 2>&1
if read -r signal; then
    kill -s "$signal" $server
    kill -s CONT $server
    wait $server
else
    kill -s "$last" $server
    kill -s CONT $server
    wait $server
    rm -rf "$folder"
fi
"#;

/// What is started.
#[derive(Debug)]
pub struct Program<'a> {
    /// The program and what comes before its arguments, such as who runs it.
    pub command: Vec<OsString>,
    /// The server's folder, which is removed when the tests end.
    pub folder: &'a Path,
    /// What it writes to its output once it takes connections.
    pub ready: &'a str,
    /// The signal that ends it at the end of the tests: `TERM`, where nothing needs to be saved `KILL`.
    pub last_signal: &'a str,
}

/// A running server.
#[derive(Debug)]
pub struct Process {
    keeper: Child,
    log: Log,
}

impl Process {
    /// Starts a server and waits until it says that it is ready.
    ///
    /// # Panics
    /// Where it does not come up, with what it wrote.
    #[must_use]
    pub fn start(program: &Program<'_>) -> Self {
        match Self::try_start(program) {
            Ok(process) => process,
            Err(log) => panic!("{:?} did not start:\n{log}", program.command),
        }
    }

    /// Starts a server on a free port, which `program` is given.
    ///
    /// # Panics
    /// Where it does not come up, with what it wrote.
    #[must_use]
    pub fn start_on_free_port<'a>(program: impl Fn(u16) -> Program<'a>) -> (Self, u16) {
        let mut log = String::new();
        for _ in 0..PORTS_TRIED {
            let port = free_port();
            match Self::try_start(&program(port)) {
                Ok(process) => return (process, port),
                Err(said) => log = said,
            }
        }
        panic!("the server did not start:\n{log}");
    }

    /// Ends the server with `signal` and waits for its end. Its folder stays, so that it can be started again.
    ///
    /// # Panics
    /// Where the shell that keeps it is gone.
    pub fn stop(mut self, signal: &str) {
        let mut input = self.keeper.stdin.take().unwrap();
        writeln!(input, "{signal}").unwrap();
        self.keeper.wait().unwrap();
    }

    /// What the server wrote last.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.text().clone()
    }

    fn try_start(program: &Program<'_>) -> Result<Self, String> {
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "keeper"]).arg(program.folder);
        keeper.arg(program.last_signal).args(&program.command);
        keeper.stdin(Stdio::piped()).stdout(Stdio::piped());
        keeper.stderr(Stdio::null());
        // What ends the tests from the terminal must not end the shell before it has cleaned up.
        keeper.process_group(0);
        let mut keeper = keeper.spawn().unwrap();
        let output = keeper.stdout.take().unwrap();
        let log = Log::default();
        let (ready, is_ready) = mpsc::channel();
        let reader = log.clone();
        let awaited = program.ready.to_owned();
        thread::spawn(move || reader.follow(output, &awaited, &ready));
        match is_ready.recv_timeout(START_PATIENCE) {
            Ok(()) => Ok(Self { keeper, log }),
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {
                let failed = Self { keeper, log };
                let said = failed.log();
                failed.stop("KILL");
                Err(said)
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The end of its input, upon which it ends the server.
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

/// The last of what a server wrote.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn text(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads all that comes, so that the server never waits for a reader; tells when `awaited` came.
    fn follow(&self, output: impl Read, awaited: &str, ready: &Sender<()>) {
        let mut awaited = Some(awaited);
        let lines = BufReader::new(output).split(b'\n');
        for line in lines.map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            if awaited.is_some_and(|awaited| line.contains(awaited)) {
                awaited = None;
                // Whoever started it may have lost patience.
                let _ = ready.send(());
            }
            let mut text = self.text();
            text.push_str(&line);
            text.push('\n');
            let excess = text.len().saturating_sub(LOG_BYTES);
            let excess = (excess..=text.len()).find(|&at| text.is_char_boundary(at));
            text.drain(..excess.unwrap_or_default());
        }
    }
}

/// A folder for a server.
pub(super) fn folder() -> TempDir {
    let named = tempfile::Builder::new().prefix("handfast-").tempdir();
    named.unwrap()
}

/// Makes `user` the owner of all that is at `path`.
pub(super) fn give(path: &Path, user: &str) {
    run(Command::new("chown").arg("-R").arg(user).arg(path));
}

/// Runs a command to its end, which must be a good one; gives its output.
pub(super) fn run(command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|cause| panic!("{command:?}: {cause}"));
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        text(output.stderr)
    );
    text(output.stdout)
}

/// The user who runs what refuses to be run by root, where the tests are.
pub(super) fn unprivileged_user() -> Option<&'static str> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let exists = |user: &&str| {
        let found = Command::new("id").arg("-u").arg(user).output();
        found.is_ok_and(|found| found.status.success())
    };
    is_root.then(|| ["postgres"].into_iter().find(exists).unwrap_or("nobody"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
