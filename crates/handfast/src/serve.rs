//! Accepting connections, with TLS or without.

use arc_swap::ArcSwap;
use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls::ServerConfig;
use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsAcceptor;
use tower_service::Service as _;

/// How long to wait after an accept that failed: most likely there are no file descriptors, and only closing others
/// makes some.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The most that a request's head may hold, in bytes.
const HEAD_BYTES: usize = 16 * 1024;

/// How clients reach a node.
#[derive(Clone, Debug)]
pub struct Serving {
    /// How long a client may take from its connect to the end of its TLS handshake, and again to the end of its
    /// request's head.
    pub handshake: Duration,
    /// The certificate to show, where TLS is spoken here.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for Serving {
    /// Five seconds, and no TLS.
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            tls: None,
        }
    }
}

/// The same, exchanged while clients come. Clones are handles to one.
#[derive(Clone, Debug, Default)]
pub struct LiveServing(Arc<ArcSwap<Serving>>);

impl LiveServing {
    /// What a client that comes now is served with.
    #[must_use]
    pub fn current(&self) -> Arc<Serving> {
        self.0.load_full()
    }

    /// Serves whoever comes from now on with `serving`. Connections that are there keep what they have.
    pub fn replace(&self, serving: Serving) {
        self.0.store(Arc::new(serving));
    }
}

impl From<Serving> for LiveServing {
    fn from(serving: Serving) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(serving)))
    }
}

/// Serves `router` to all who connect to `listener`, until `stop` is done; then nobody can connect any more, and what
/// is asked already is answered, for as long as a handshake may take. WebSockets stay open:
/// [`Handfast::drain`](crate::Handfast::drain) closes them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    serving: impl Into<LiveServing>,
    stop: impl Future<Output = ()>,
) {
    let serving = serving.into();
    let (stopping, stopped) = watch::channel(false);
    accept(listener, router, &serving, stopped, stop).await;
    stopping.send_replace(true);
    let patience = serving.current().handshake;
    if tokio::time::timeout(patience, stopping.closed())
        .await
        .is_err()
    {
        tracing::debug!("some requests are not answered yet");
    }
}

/// Accepts until `stop` is done, and then stops listening.
async fn accept(
    listener: TcpListener,
    router: Router,
    serving: &LiveServing,
    stopped: watch::Receiver<bool>,
    stop: impl Future<Output = ()>,
) {
    let mut stop = pin!(stop);
    // Told once, however long it lasts: whoever uses up the descriptors is not to fill the log as well.
    let mut is_told = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                is_told = false;
                let visitor = Visitor {
                    peer,
                    router: router.clone(),
                    serving: serving.current(),
                    stopped: stopped.clone(),
                };
                drop(tokio::spawn(visitor.serve(stream)));
            }
            Err(error) => {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::warn!(%error, "a connection could not be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Someone who connected, until the last request is answered or the connection is upgraded.
struct Visitor {
    peer: SocketAddr,
    router: Router,
    serving: Arc<Serving>,
    stopped: watch::Receiver<bool>,
}

impl Visitor {
    async fn serve(self, stream: TcpStream) {
        let peer = self.peer;
        // Each in a place of its own: a task is moved several times before it first runs.
        let served = match self.serving.tls.clone() {
            None => Box::pin(self.serve_plain(stream)).await,
            Some(tls) => Box::pin(self.serve_tls(stream, tls)).await,
        };
        if let Err(error) = served {
            tracing::debug!(%peer, %error, "a connection failed before its upgrade");
        }
    }

    /// Passes requests to the router, with the address that they come from.
    fn requests(
        &self,
    ) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> + use<>
    {
        let (router, peer) = (self.router.clone(), self.peer);
        service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut router = router.clone();
            async move { router.call(request.map(Body::new)).await }
        })
    }

    /// Without TLS everyone speaks HTTP/1.1, so that nobody need guess the version.
    async fn serve_plain(mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let served = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.serving.handshake)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), self.requests())
            .with_upgrades();
        finish(served, &mut self.stopped, |it| it.graceful_shutdown())
            .await
            .map_err(io::Error::other)
    }

    async fn serve_tls(mut self, stream: TcpStream, tls: Arc<ServerConfig>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let handshake = TlsAcceptor::from(tls).accept(stream);
        let stream = tokio::time::timeout(self.serving.handshake, handshake).await??;
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.serving.handshake)
            .max_buf_size(HEAD_BYTES);
        builder
            .http2()
            .timer(TokioTimer::new())
            .enable_connect_protocol();
        let served = builder.serve_connection_with_upgrades(TokioIo::new(stream), self.requests());
        finish(served, &mut self.stopped, |it| it.graceful_shutdown())
            .await
            .map_err(io::Error::other)
    }
}

/// Serves a connection to its end; once it is `stopped`, to the end of the request that is being answered.
async fn finish<C: Future>(
    served: C,
    stopped: &mut watch::Receiver<bool>,
    shut_down: impl FnOnce(Pin<&mut C>),
) -> C::Output {
    let mut served = pin!(served);
    tokio::select! {
        output = &mut served => return output,
        _ = stopped.wait_for(|stopped| *stopped) => shut_down(served.as_mut()),
    }
    served.await
}
