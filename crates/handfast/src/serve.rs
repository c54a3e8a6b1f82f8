//! Accepting connections, with TLS or without.

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
use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::net::{TcpListener, TcpStream};
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

/// Serves `router` to all who connect to `listener`, until `stop` is done. Connections that are open then stay open;
/// [`Handfast::drain`](crate::Handfast::drain) closes them.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    serving: Serving,
    stop: impl Future<Output = ()>,
) {
    let serving = Arc::new(serving);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                drop(tokio::spawn(serve_connection(
                    stream,
                    peer,
                    router.clone(),
                    Arc::clone(&serving),
                )));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    serving: Arc<Serving>,
) {
    let served = match &serving.tls {
        None => serve_plain(stream, peer, router, &serving).await,
        Some(tls) => serve_tls(stream, peer, router, Arc::clone(tls), &serving).await,
    };
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "a connection failed before its upgrade");
    }
}

/// Passes the requests of one connection to a router, with the address that they come from.
fn requests(
    router: Router,
    peer: SocketAddr,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let mut router = router.clone();
        async move { router.call(request.map(Body::new)).await }
    })
}

/// Without TLS everyone speaks HTTP/1.1, so that nobody need guess the version.
async fn serve_plain(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    serving: &Serving,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(serving.handshake)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), requests(router, peer))
        .with_upgrades();
    served.await.map_err(io::Error::other)
}

async fn serve_tls(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    tls: Arc<ServerConfig>,
    serving: &Serving,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let handshake = TlsAcceptor::from(tls).accept(stream);
    let stream = tokio::time::timeout(serving.handshake, handshake).await??;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(serving.handshake)
        .max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .enable_connect_protocol();
    let served =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), requests(router, peer));
    served.await.map_err(io::Error::other)
}
