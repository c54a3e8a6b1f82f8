//! PostgreSQL.

use super::process::{self, Process, Program};
use std::{
    ffi::OsString,
    fmt,
    fs::{self, File},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;

/// Where Debian keeps the servers, a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The superuser of the tests' servers, and the password that the URLs of their databases hold.
const USER: &str = "handfast";
const PASSWORD: &str = "open-sesame";

/// Settings for servers that nobody will miss: nothing is flushed to the disk.
const CARELESS: [(&str, &str); 3] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("shared_buffers", "32MB"),
];

/// A PostgreSQL server of the tests' own.
#[derive(Debug)]
pub struct PostgresServer {
    // Dropped before its folder is.
    running: Mutex<Option<Process>>,
    folder: TempDir,
    settings: Vec<(String, String)>,
    port: u16,
    databases: AtomicU32,
}

/// How a server is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Connections are cut and everything is saved.
    Fast,
    /// As in a crash: nothing is saved, and the next start recovers from the log.
    Immediate,
    /// By `SIGKILL`.
    Killed,
}

/// The URL of a database with the password in it, for the user who may do everything.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl PostgresServer {
    /// Starts a server that flushes nothing to the disk.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not come up.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&CARELESS)
    }

    /// Starts a server with these settings, as they stand in `postgresql.conf`; it flushes to the disk unless they say
    /// otherwise.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not come up.
    #[must_use]
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::start_with_files(settings, &[])
    }

    /// The same, with files beside its data that settings may name, readable by the server only.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not come up.
    #[must_use]
    pub fn start_with_files(settings: &[(&str, &str)], files: &[(&str, &[u8])]) -> Self {
        let user = process::unprivileged_user();
        let folder = process::folder();
        let data = data(folder.path());
        process::run(Command::new("cp").arg("-R").arg(template()).arg(&data));
        for (name, content) in files {
            let path = data.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        if let Some(user) = user {
            process::give(folder.path(), user);
        }
        let settings = settings.iter();
        let settings = settings.map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Self::start_in(folder, settings.collect())
    }

    /// Starts a standby that follows this server, under this name.
    ///
    /// # Panics
    /// Where it cannot be made or does not come up.
    #[must_use]
    pub fn standby(&self, name: &str) -> Self {
        self.standby_by(name, self.port)
    }

    /// The same, of a standby that reaches this server by another port, which leads here.
    ///
    /// # Panics
    /// Where it cannot be made or does not come up.
    #[must_use]
    pub fn standby_by(&self, name: &str, port: u16) -> Self {
        let folder = process::folder();
        if let Some(user) = process::unprivileged_user() {
            process::give(folder.path(), user);
        }
        let mut words = as_its_user("pg_basebackup").into_iter();
        let mut copy = Command::new(words.next().unwrap());
        copy.args(words).current_dir(folder.path());
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--dbname"]);
        copy.arg(format!(
            "postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/postgres?application_name={name}"
        ));
        copy.arg("--pgdata").arg(data(folder.path()));
        process::run(&mut copy);
        Self::start_in(folder, self.settings.clone())
    }

    fn start_in(folder: TempDir, settings: Vec<(String, String)>) -> Self {
        let (running, port) =
            Process::start_on_free_port(|port| program(folder.path(), port, &settings));
        Self {
            running: Mutex::new(Some(running)),
            folder,
            settings,
            port,
            databases: AtomicU32::new(0),
        }
    }

    /// The server that all tests of this process share: each makes a database for itself there.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not come up.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PostgresServer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Makes an empty database.
    ///
    /// # Panics
    /// Where the server does not.
    pub fn database(&self) -> DatabaseUrl {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("scratch{number}");
        self.url("postgres")
            .query(&format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of the database of this name.
    #[must_use]
    pub fn url(&self, database: &str) -> DatabaseUrl {
        let Self { port, .. } = self;
        DatabaseUrl(format!(
            "postgres://{USER}:{PASSWORD}@127.0.0.1:{port}/{database}"
        ))
    }

    /// The port that it listens on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Shuts the server down, if it runs, and waits until it is gone.
    pub fn stop(&self, how: Shutdown) {
        let signal = match how {
            Shutdown::Fast => "INT",
            Shutdown::Immediate => "QUIT",
            Shutdown::Killed => "KILL",
        };
        if let Some(running) = self.running().take() {
            running.stop(signal);
        }
    }

    /// Starts the server that was shut down, on the same port, and waits until it takes connections.
    ///
    /// # Panics
    /// Where it does not come up.
    pub fn start_again(&self) {
        let program = program(self.folder.path(), self.port, &self.settings);
        *self.running() = Some(Process::start(&program));
    }

    /// What the server wrote to its log last.
    pub fn log(&self) -> String {
        self.running()
            .as_ref()
            .map(Process::log)
            .unwrap_or_default()
    }

    fn running(&self) -> MutexGuard<'_, Option<Process>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl DatabaseUrl {
    /// The URL's text, password included.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Asks the database with its own client, so that what is tested does not answer for itself. Gives the rows as
    /// lines and their columns divided by `|`.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn query(&self, sql: &str) -> String {
        let mut psql = self.client();
        psql.args(["--tuples-only", "--no-align", "--command", sql]);
        process::run(&mut psql).trim_end().to_owned()
    }

    /// PostgreSQL's own client, which reads what to ask from its input and ends at the first mistake.
    #[must_use]
    pub fn client(&self) -> Command {
        let mut psql = Command::new(binary("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"]);
        psql.arg("--dbname").arg(self.expose());
        psql
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

fn program<'a>(folder: &'a Path, port: u16, settings: &[(String, String)]) -> Program<'a> {
    let mut command = as_its_user("postgres");
    command.push("-D".into());
    command.push(data(folder).into());
    let set = |name: &str, value: &str| ["-c".into(), format!("{name}={value}").into()];
    command.extend(set("listen_addresses", "127.0.0.1"));
    command.extend(set("port", &port.to_string()));
    command.extend(set("unix_socket_directories", ""));
    for (name, value) in settings {
        command.extend(set(name, value));
    }
    Program {
        command,
        folder,
        // A standby takes read-only connections.
        ready: "database system is ready to accept",
        last_signal: "QUIT",
    }
}

/// The data folder that every server of the tests begins with. Making one takes a second and copying it a tenth of
/// that, so it is kept beside the test programs, in Cargo's target folder.
fn template() -> PathBuf {
    static TEMPLATE: OnceLock<PathBuf> = OnceLock::new();
    let make = || {
        let version = process::run(Command::new(binary("postgres")).arg("--version"));
        let version = version
            .trim()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        let program = std::env::current_exe().unwrap();
        let place = program.with_file_name(format!("template-of-{version}"));
        // Programs of several crates make it at the same time; the first one does, and the others wait.
        let lock = File::create(place.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if !place.exists() {
            make_template(&place);
        }
        place
    };
    TEMPLATE.get_or_init(make).clone()
}

fn make_template(place: &Path) {
    let user = process::unprivileged_user();
    let folder = process::folder();
    fs::write(folder.path().join("password"), PASSWORD).unwrap();
    if let Some(user) = user {
        process::give(folder.path(), user);
    }
    let mut words = as_its_user("initdb").into_iter();
    let mut initdb = Command::new(words.next().unwrap());
    initdb.args(words).args(["--no-sync", "--no-instructions"]);
    initdb.args(["--username", USER, "--auth", "scram-sha-256", "--pwfile"]);
    initdb.arg(folder.path().join("password"));
    initdb.args(["--locale", "C", "--encoding", "UTF8", "--wal-segsize", "1"]);
    initdb.arg("--pgdata").arg(data(folder.path()));
    process::run(initdb.current_dir(folder.path()));
    let unfinished = place.with_extension("unfinished");
    process::run(Command::new("rm").arg("-rf").arg(&unfinished));
    process::run(
        Command::new("cp")
            .arg("-R")
            .arg(data(folder.path()))
            .arg(&unfinished),
    );
    fs::rename(unfinished, place).unwrap();
}

/// `program`, run by another user where the tests are run by root: PostgreSQL refuses root.
fn as_its_user(program: &str) -> Vec<OsString> {
    let program = binary(program).into_os_string();
    let Some(user) = process::unprivileged_user() else {
        return vec![program];
    };
    let id = |which: &str| {
        process::run(Command::new("id").arg(which).arg(user))
            .trim()
            .to_owned()
    };
    vec![
        "setpriv".into(),
        format!("--reuid={}", id("-u")).into(),
        format!("--regid={}", id("-g")).into(),
        "--clear-groups".into(),
        program,
    ]
}

/// A program of the newest PostgreSQL that Debian has installed, or the one on `PATH`.
fn binary(program: &str) -> PathBuf {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|folder| {
            let version: u32 = folder.file_name().to_str()?.parse().ok()?;
            let program = folder.path().join("bin").join(program);
            program.exists().then_some((version, program))
        })
        .max();
    newest.map_or_else(|| program.into(), |(_, program)| program)
}
