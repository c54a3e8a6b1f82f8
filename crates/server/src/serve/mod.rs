//! `handfast serve`: a node with everything around it.

mod health;
mod library;
mod signals;
mod wait;

pub(crate) use library::fanout;

use crate::{
    config::{Config, Loaded},
    pages,
};
use axum::Router;
use handfast::{
    Handfast, Serving, StartError,
    clock::SystemClock,
    keys::KeyFile,
    tls::{self, TlsError},
};
use handfast_core::time::Clock as _;
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
use tokio::net::TcpListener;

/// Why the server did not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The runtime, the signals or the output.
    #[error("the server cannot run here")]
    System(#[from] io::Error),
    /// Nobody can connect.
    #[error("cannot listen at {address}")]
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
    Tls(#[from] TlsError),
}

/// Serves until the process is told to stop. With `wait`, a ledger that cannot be reached yet is waited for.
///
/// # Errors
/// [`ServeError`] if it cannot start.
pub(crate) fn run(loaded: &Loaded, wait: bool, out: &mut dyn Write) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if wait {
        runtime.block_on(wait::for_ledger(&loaded.config))?;
    }
    let server = runtime.block_on(Server::start(&loaded.config))?;
    writeln!(out, "handfast is ready at {}", server.url())?;
    out.flush()?;
    // On a worker: from this thread, every accepted connection would have to be handed to one.
    let serving = runtime.spawn(server.run());
    runtime.block_on(serving).map_err(io::Error::other)?;
    Ok(())
}

/// A node that listens.
struct Server {
    handfast: Handfast,
    router: Router,
    listener: TcpListener,
    address: SocketAddr,
    serving: Serving,
    signals: Signals,
    keys: Option<KeyFile>,
    stopping: Arc<AtomicBool>,
    drain: Duration,
}

impl Server {
    async fn start(config: &Config) -> Result<Self, ServeError> {
        let tls = config.tls.as_ref();
        let tls = tls.map(|tls| tls::load(&tls.cert, &tls.key)).transpose()?;
        let builder = library::builder(config)?;
        let keys = builder.key_file();
        let listen = |source| ServeError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let handfast = builder.start()?;
        warn_of_other_algorithm(&handfast, config);
        let stopping = Arc::new(AtomicBool::new(false));
        Ok(Self {
            router: routes(&handfast, &stopping, config),
            handfast,
            listener,
            address,
            serving: Serving {
                handshake: config.limits.handshake,
                tls,
            },
            signals: Signals::listen()?,
            keys,
            stopping,
            drain: config.drain.spread,
        })
    }

    fn url(&self) -> String {
        let scheme = if self.serving.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until a signal says stop, then drains.
    async fn run(mut self) {
        let handfast = &self.handfast;
        let stop = self
            .signals
            .until_stop(|| reload_keys(handfast, self.keys.as_ref()));
        handfast::serve(self.listener, self.router, self.serving, stop).await;
        self.stopping.store(true, Ordering::Relaxed);
        tracing::info!(connections = handfast.connections(), "stopping");
        handfast.drain(self.drain).await;
    }
}

fn routes(handfast: &Handfast, stopping: &Arc<AtomicBool>, config: &Config) -> Router {
    let health = health::routes(handfast.clone(), Arc::clone(stopping));
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

/// Reads the keys again. What cannot be used leaves the ones in use as they are.
fn reload_keys(handfast: &Handfast, file: Option<&KeyFile>) {
    let Some(file) = file else { return };
    match file.load() {
        Ok(ring) => {
            let now = SystemClock::start().now().unix;
            let (signing, keys) = (ring.signing(now).id(), ring.keys().len());
            tracing::info!(signing, keys, "keys reloaded");
            handfast.tokens().keys().replace(ring);
        }
        Err(error) => tracing::error!(%error, "the keys were not reloaded; the ones in use stay"),
    }
}
