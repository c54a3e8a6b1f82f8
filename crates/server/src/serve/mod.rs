//! `handfast serve`: a node with everything around it.

mod files;
mod health;
mod leave;
mod library;
mod reload;
mod service;
mod signals;
mod wait;

pub(crate) use files::FileError;
pub(crate) use library::{fanout, open, set_up};

use crate::{
    admin::{self, AdminError},
    audit::{AuditError, AuditStream, Incident},
    config::{Config, Loaded},
    logging::LogLevel,
    pages,
    traces::{Traces, TracesError},
};
use axum::Router;
use handfast::{Builder, Handfast, LiveServing, StartError, clock::SystemClock};
use handfast_core::time::Clock as _;
use leave::leave;
use reload::Reloader;
use signals::Signals;
use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::oneshot};

/// How long the ledger may take to store what still waits when the server has stopped.
const LAST_WRITES: Duration = Duration::from_secs(5);

/// Why the server did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The runtime, the signals or the output.
    #[error("the server cannot run here")]
    System(#[from] io::Error),
    /// Nobody can connect.
    #[error("cannot listen at {address}; `listen`, or --listen, sets another place")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What failed.
        #[source]
        source: io::Error,
    },
    /// A database, the keys or the data folder.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The certificate.
    #[error(transparent)]
    File(#[from] FileError),
    /// The listener for operators.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The record of what happens.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// Traces of requests.
    #[error(transparent)]
    Traces(#[from] TracesError),
}

/// Serves until the process is told to stop. With `wait`, a ledger that cannot be reached yet is waited for.
///
/// # Errors
/// [`ServeError`] if it cannot start.
pub(crate) fn run(
    loaded: Loaded,
    watching: Watching,
    wait: bool,
    out: &mut dyn Write,
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let watching = Arc::new(watching);
    let starting = runtime.spawn(start(loaded, Arc::clone(&watching), wait));
    // A ledger that is waited for, hangs, or is migrated by another node must not keep a process that was told to stop.
    let started = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            started = starting => Ok(Some((started, signals))),
            () = signals.stop() => Ok(None),
        }
    });
    let Some((started, signals)) = started.map_err(ServeError::System)? else {
        tracing::info!("told to stop before it had started");
        runtime.shutdown_background();
        return Ok(());
    };
    let (server, audit) = started.map_err(io::Error::other)??;
    writeln!(out, "handfast is ready at {}", server.url())?;
    out.flush()?;
    service::ready();
    // On a worker: from this thread, every accepted connection would have to be handed to one.
    let serving = runtime.spawn(server.run(signals));
    let served = runtime.block_on(serving).map_err(io::Error::other);
    // A ledger that hangs must not keep a process that was told to stop.
    runtime.shutdown_timeout(LAST_WRITES);
    if let Some(audit) = audit {
        audit.note(Incident::Stopped);
        audit.close();
    }
    if let Some(traces) = &watching.traces {
        traces.close();
    }
    served.map_err(ServeError::from)
}

/// Starts a server, and what records what happens to it.
async fn start(
    loaded: Loaded,
    watching: Arc<Watching>,
    wait: bool,
) -> Result<(Server, Option<AuditStream>), ServeError> {
    let config = &loaded.config;
    let builder = if wait {
        wait::for_ledger(config).await?
    } else {
        open(config)?
    };
    let audit = AuditStream::open(config)?;
    let builder = set_up(builder, config, audit.as_ref())?;
    let server = Server::start(builder, loaded, watching, audit.clone()).await?;
    Ok((server, audit))
}

/// Looks whether the files that a configuration names can be used, as a start and a reload do.
///
/// # Errors
/// [`FileError`], which names the file.
pub(crate) fn check_files(config: &Config) -> Result<(), FileError> {
    files::serving(config)?;
    // The first start makes the keys.
    if crate::data::DataFolder(&config.data).keys().exists() {
        files::keys(config)?;
    }
    Ok(())
}

/// Who is told of what happens while the server runs.
#[derive(Debug)]
pub(crate) struct Watching {
    /// Log lines.
    pub(crate) log: LogLevel,
    /// Traces, where there is a collector.
    pub(crate) traces: Option<Traces>,
}

/// A node that listens.
struct Server {
    router: Router,
    listener: TcpListener,
    address: SocketAddr,
    admin: admin::Listener,
    stopping: Arc<AtomicBool>,
    reloader: Reloader,
}

impl Server {
    async fn start(
        builder: Builder,
        loaded: Loaded,
        watching: Arc<Watching>,
        audit: Option<AuditStream>,
    ) -> Result<Self, ServeError> {
        let config = &loaded.config;
        let serving = LiveServing::from(files::serving(config)?);
        let listen = |source| ServeError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let handfast = builder.start()?;
        warn_of_other_algorithm(&handfast, config);
        let stopping = Arc::new(AtomicBool::new(false));
        let admin = admin::Admin::new(handfast.clone(), audit.clone());
        let admin = match &watching.traces {
            Some(traces) => admin.counting(traces.spans()),
            None => admin,
        };
        let admin = admin::Listener::open(config, admin, serving.clone()).await?;
        if let Some(audit) = &audit {
            audit.note(Incident::Started);
        }
        let health = health::routes(handfast.clone(), Arc::clone(&stopping), audit.clone());
        Ok(Self {
            router: routes(&handfast, health, config),
            admin,
            listener,
            address,
            stopping,
            reloader: Reloader {
                running: loaded,
                handfast,
                serving,
                watching,
                audit,
            },
        })
    }

    fn url(&self) -> String {
        let scheme = if self.reloader.serving.current().tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until a signal says stop, then leaves; at once, if one says so again.
    async fn run(mut self, mut signals: Signals) {
        drop(tokio::spawn(self.admin.serve()));
        let (stop, stopped) = oneshot::channel();
        let serving = self.reloader.serving.clone();
        let accepting = tokio::spawn(handfast::serve(
            self.listener,
            self.router,
            serving,
            async {
                drop::<Result<(), _>>(stopped.await);
            },
        ));
        let reload = || {
            service::reloading();
            tokio::task::block_in_place(|| self.reloader.reload());
            service::ready();
        };
        signals.until_stop(reload).await;
        service::stopping();
        self.stopping.store(true, Ordering::Relaxed);
        let (handfast, drain) = (&self.reloader.handfast, self.reloader.drain());
        tokio::select! {
            () = leave(handfast, &drain, stop, accepting) => {}
            () = signals.until_stop(|| {}) => {
                tracing::warn!(connections = handfast.connections(), "told again: stopping at once");
            }
        }
    }
}

fn routes(handfast: &Handfast, health: Router, config: &Config) -> Router {
    let router = handfast.router().merge(health);
    if config.demo_page {
        router.merge(pages::router(config.delivery))
    } else {
        router
    }
}

/// An existing key keeps its algorithm, whatever is configured for new ones.
fn warn_of_other_algorithm(handfast: &Handfast, config: &Config) {
    let now = SystemClock::start().now().unix;
    let signing = handfast.tokens().keys().current().signing(now).algorithm();
    if signing != config.token.algorithm {
        let configured = config.token.algorithm;
        tracing::warn!(%signing, %configured, "tokens are signed with another algorithm than configured; `handfast keys rotate` makes a key of it");
    }
}
