//! The record of what happened: lines of JSON on stdout or in a file, and how they are read back.
//!
//! Who makes a record writes its line into memory and adds it to a bounded [`queue`]; one thread [writes](writer) what
//! came together, keeps what cannot be written and tries again.

mod file;
mod line;
mod listing;
mod names;
mod queue;
mod read;
mod writer;

pub(crate) use line::{Incident, Operated};
pub(crate) use queue::Condition;
pub(crate) use read::{Found, Query, RecordBody, find};

use crate::config::{self, AuditTarget, Config, OnAuditFailure};
use file::{LogFile, Sink};
use handfast::{
    audit::{Auditor, Record},
    clock::SystemClock,
};
use handfast_core::time::Clock;
use queue::Queue;
use std::{
    cell::RefCell,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};
use writer::Writer;

/// How long whoever reads the record waits for what has just happened to be in it.
const FLUSH: Duration = Duration::from_secs(2);
/// How long the last records may take when the process ends.
const CLOSE: Duration = Duration::from_secs(5);
/// Where the system tells the name of the machine.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

thread_local! {
    /// Where a line is put together before it is queued.
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Why the record cannot be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// Its file.
    #[error("the record of what happens cannot be written to {}", path.display())]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// Its thread, or stdout.
    #[error("the record of what happens cannot be kept")]
    System(#[source] io::Error),
}

/// Where records go. Clones are handles to the same.
#[derive(Clone)]
pub(crate) struct AuditStream {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    node: Arc<str>,
    clock: Arc<dyn Clock>,
    path: Option<PathBuf>,
    on_failure: OnAuditFailure,
}

impl AuditStream {
    /// Begins to keep the record, where the configuration says so.
    ///
    /// # Errors
    /// [`AuditError`] if it cannot be written.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, AuditError> {
        let config::Audit {
            target,
            on_failure,
            keep,
            node: _,
        } = &config.audit;
        let (sink, path) = match target {
            AuditTarget::Off => return Ok(None),
            AuditTarget::Stdout => (Sink::stdout().map_err(AuditError::System)?, None),
            AuditTarget::File(path) => {
                let file = LogFile::open(path, *keep);
                let file = file.map_err(|source| AuditError::File {
                    path: path.clone(),
                    source,
                })?;
                (Sink::File(file), Some(path.clone()))
            }
        };
        let shared = Shared {
            queue: Arc::new(Queue::new()),
            node: node_name(config),
            clock: Arc::new(SystemClock::start()),
            path,
            on_failure: *on_failure,
        };
        let writer = Writer {
            queue: Arc::clone(&shared.queue),
            sink,
            clock: Arc::clone(&shared.clock),
            node: Arc::clone(&shared.node),
        };
        let thread = thread::Builder::new().name("audit".to_owned());
        let spawned = thread.spawn(move || writer.run());
        drop(spawned.map_err(AuditError::System)?);
        Ok(Some(Self {
            shared: Arc::new(shared),
        }))
    }

    /// Records what happened to the server or by an operator.
    pub(crate) fn note(&self, incident: Incident<'_>) {
        let at = self.shared.clock.now().unix;
        self.shared
            .push(|node, line| line::write_incident(incident, node, at, line));
    }

    /// How it is kept.
    pub(crate) fn condition(&self) -> Condition {
        self.shared.queue.condition()
    }

    /// Whether nobody is let in while nothing can be recorded.
    fn refuses(&self) -> bool {
        self.shared.on_failure == OnAuditFailure::Refuse
    }

    /// The file, if it is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.shared.path.as_deref()
    }

    /// Opens the file by its name again.
    pub(crate) fn reopen(&self) {
        self.shared.queue.reopen();
    }

    /// Waits until what has happened until now is written, or cannot be.
    pub(crate) fn flush(&self) {
        self.shared.queue.flush(FLUSH);
    }

    /// Records nothing any more, and waits until the rest is written, or cannot be.
    pub(crate) fn close(&self) {
        self.shared.queue.close(CLOSE);
    }
}

impl Auditor for AuditStream {
    fn record(&self, record: &Record<'_>) {
        self.shared
            .push(|node, line| line::write_record(record, node, line));
    }

    fn can_record(&self) -> bool {
        !self.refuses() || self.shared.queue.is_able()
    }
}

impl Shared {
    fn push(&self, write: impl FnOnce(&str, &mut Vec<u8>)) {
        LINE.with_borrow_mut(|line| {
            line.clear();
            write(&self.node, line);
            self.queue.push(line);
        });
    }
}

impl fmt::Debug for AuditStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditStream")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}

/// What this node is called in its records.
pub(crate) fn node_name(config: &Config) -> Arc<str> {
    let configured = config.audit.node.as_deref();
    configured.map_or_else(host_name, Arc::from)
}

/// The name of this machine, or that of the program where the system does not tell.
fn host_name() -> Arc<str> {
    let told = fs::read_to_string(HOST_NAME).unwrap_or_default();
    match told.trim() {
        "" => "handfast".into(),
        name => name.into(),
    }
}
