//! The request that becomes a connection.

use crate::{
    address::{client_address, client_agent},
    cookie::{Visit, WrongAttempt},
    driver::{Accepted, Driver},
    node::Node,
    origin::host,
    trace::{Agent, TraceParent},
};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use handfast_core::{
    close::{CloseCode, Closing},
    framing::{self, Framing},
    limits::TokenDelivery,
};
use hyper::{
    ext::Protocol,
    upgrade::{OnUpgrade, Upgraded},
};
use hyper_util::{rt::TokioIo, server::conn::auto};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;
use tungstenite::handshake::derive_accept_key;

/// The only version of the WebSocket protocol (RFC 6455 section 4.4).
const VERSION: HeaderValue = HeaderValue::from_static("13");

/// Why a request does not become a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UpgradeRefused {
    #[error("this is a WebSocket endpoint: connect with a WebSocket client")]
    NotAnUpgrade,
    #[error("only version 13 of the WebSocket protocol is spoken here")]
    WrongVersion,
    #[error("the Sec-WebSocket-Key header is missing or wrong")]
    WrongKey,
    #[error("pages of this origin may not connect")]
    ForbiddenOrigin,
    #[error("the attempt key in the query is none")]
    WrongAttempt,
    #[error("a request to upgrade has no body")]
    HasBody,
    #[error("this connection cannot be upgraded")]
    NotUpgradable,
}

impl IntoResponse for UpgradeRefused {
    fn into_response(self) -> Response {
        let (status, name, value) = match self {
            Self::NotAnUpgrade => (
                StatusCode::UPGRADE_REQUIRED,
                header::UPGRADE,
                HeaderValue::from_static("websocket"),
            ),
            Self::WrongVersion => (
                StatusCode::UPGRADE_REQUIRED,
                header::SEC_WEBSOCKET_VERSION,
                VERSION,
            ),
            Self::WrongKey | Self::WrongAttempt | Self::HasBody | Self::NotUpgradable => {
                return (StatusCode::BAD_REQUEST, self.to_string()).into_response();
            }
            Self::ForbiddenOrigin => {
                return (StatusCode::FORBIDDEN, self.to_string()).into_response();
            }
        };
        (status, [(name, value)], self.to_string()).into_response()
    }
}

impl From<WrongAttempt> for UpgradeRefused {
    fn from(_: WrongAttempt) -> Self {
        Self::WrongAttempt
    }
}

/// Answers an upgrade request (RFC 6455 section 4.2, RFC 8441 section 5) and sets a driver on the connection.
pub(crate) async fn upgrade(
    State(node): State<Arc<Node>>,
    mut request: Request,
) -> Result<Response, UpgradeRefused> {
    let answer = Handshake::read(&request)?;
    let visit = admit(&node, &request)?;
    let mut upgrading = Upgrading::begin(node, &request);
    let upgraded = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or(UpgradeRefused::NotUpgradable)?;
    let mut response = answer.response(upgrading.accepted.framing);
    if let Some(visit) = visit {
        upgrading.arrive(visit, response.headers_mut()).await;
    }
    drop(tokio::spawn(async move {
        match upgraded.await {
            Ok(upgraded) => upgrading.drive(upgraded),
            Err(error) => tracing::debug!(%error, "the client left before its upgrade"),
        }
    }));
    Ok(response)
}

/// Lets a request in if its origin may; in cookie delivery, with what it brings from its browser.
fn admit(node: &Node, request: &Request) -> Result<Option<Visit>, UpgradeRefused> {
    let (headers, host) = (request.headers(), host(request));
    let settings = node.settings.current();
    let origins = &settings.allowed_origins;
    match settings.connection.delivery {
        TokenDelivery::Message if origins.allow(headers, host) => Ok(None),
        TokenDelivery::Cookie if origins.allow_page(headers, host) => {
            Ok(Some(Visit::read(headers, request.uri().query())?))
        }
        TokenDelivery::Message | TokenDelivery::Cookie => Err(UpgradeRefused::ForbiddenOrigin),
    }
}

/// What a request asks for, in the way of its HTTP version.
enum Handshake {
    Http1 { accept: HeaderValue },
    Http2,
}

impl Handshake {
    fn read(request: &Request) -> Result<Self, UpgradeRefused> {
        let headers = request.headers();
        let handshake = if request.version() == Version::HTTP_2 {
            let websocket = request
                .extensions()
                .get::<Protocol>()
                .is_some_and(|it| it.as_str() == "websocket");
            if request.method() != Method::CONNECT || !websocket {
                return Err(UpgradeRefused::NotAnUpgrade);
            }
            Self::Http2
        } else {
            let asks = has_token(headers, &header::CONNECTION, "upgrade")
                && has_token(headers, &header::UPGRADE, "websocket");
            if request.method() != Method::GET || !asks {
                return Err(UpgradeRefused::NotAnUpgrade);
            }
            if has_body(headers) {
                return Err(UpgradeRefused::HasBody);
            }
            let key = headers
                .get(header::SEC_WEBSOCKET_KEY)
                .ok_or(UpgradeRefused::WrongKey)?;
            Self::Http1 {
                accept: accept_key(key)?,
            }
        };
        if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
            return Err(UpgradeRefused::WrongVersion);
        }
        Ok(handshake)
    }

    fn response(self, framing: Framing) -> Response {
        let mut response = Response::default();
        let headers = response.headers_mut();
        match framing {
            Framing::Plain => {}
            Framing::V1 => {
                headers.insert(
                    header::SEC_WEBSOCKET_PROTOCOL,
                    HeaderValue::from_static(framing::V1),
                );
            }
        }
        match self {
            Self::Http1 { accept } => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
                headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
                *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            }
            Self::Http2 => {}
        }
        response
    }
}

/// The answer to a key: 16 bytes in base64 (RFC 6455 section 4.1).
fn accept_key(key: &HeaderValue) -> Result<HeaderValue, UpgradeRefused> {
    const KEY_CHARS: usize = 24;
    let key = key.as_bytes();
    if key.len() != KEY_CHARS || !key.ends_with(b"==") {
        return Err(UpgradeRefused::WrongKey);
    }
    HeaderValue::try_from(derive_accept_key(key)).map_err(|_| UpgradeRefused::WrongKey)
}

/// Whether a body is announced. What a proxy takes for one would be frames here.
fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    headers.contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|length| length != "0")
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    list(headers, name).any(|it| it.eq_ignore_ascii_case(token))
}

fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    list(headers, &header::SEC_WEBSOCKET_PROTOCOL)
}

fn list<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Who is being upgraded.
struct Upgrading {
    node: Arc<Node>,
    accepted: Accepted,
    /// Why the connection is closed at once, if it is.
    refusal: Option<Closing>,
}

impl Upgrading {
    /// Takes a place for the connection that a request becomes.
    fn begin(node: Arc<Node>, request: &Request) -> Self {
        let headers = request.headers();
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| {
            peer.ip()
        });
        let settings = node.settings.current();
        let address = client_address(peer, headers, &settings.trusted_proxies);
        let full = settings
            .transport
            .connections
            .is_some_and(|limit| node.hub.count() >= usize::try_from(limit).unwrap_or(usize::MAX));
        let (place, refusal) = match node.addresses.enter(address, settings.addresses) {
            Ok(place) if full => (place, Some(Closing::new(CloseCode::TryAgainLater, "full"))),
            Ok(place) => (place, None),
            Err(place) => (place, Some(Closing::new(CloseCode::TooMany, "address"))),
        };
        let accepted = Accepted {
            framing: Framing::negotiate(subprotocols(headers)),
            host: host(request).unwrap_or_default().into(),
            place,
            agent: Agent::new(client_agent(headers), TraceParent::of(headers)),
            seat: node.hub.seat(),
            arrival: None,
        };
        Self {
            node,
            accepted,
            refusal,
        }
    }

    /// Presents what the browser brought, under the name that the connection will have. One that is closed at once
    /// presents nothing: it would take the session from a connection that stays.
    async fn arrive(&mut self, visit: Visit, headers: &mut HeaderMap) {
        self.accepted.arrival = Some(if self.refusal.is_some() {
            visit.pass_by()
        } else {
            visit.present(&self.node, &self.accepted, headers).await
        });
    }

    /// Finds out what the connection is made of: the driver holds the socket itself where it can.
    fn drive(self, upgraded: Upgraded) {
        let upgraded = match downcast::<TokioIo<TcpStream>>(upgraded) {
            Ok((io, early)) => return self.drive_stream(io.into_inner(), early),
            Err(upgraded) => upgraded,
        };
        match downcast::<TokioIo<TlsStream<TcpStream>>>(upgraded) {
            Ok((io, early)) => self.drive_stream(Box::new(io.into_inner()), early),
            Err(upgraded) => self.drive_stream(Box::new(TokioIo::new(upgraded)), Bytes::new()),
        }
    }

    /// Sets a driver on the stream, in a task that holds nothing else.
    fn drive_stream<S>(self, stream: S, early: Bytes)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Self {
            node,
            accepted,
            refusal,
        } = self;
        let mut driver = Driver::new(node, stream, accepted);
        if let Some(closing) = refusal {
            driver.refuse(closing);
        }
        // A copy, for it is part of the whole buffer that the request was read into.
        driver.receive_early(&mut early.to_vec());
        drop(tokio::spawn(driver));
    }
}

fn downcast<T>(upgraded: Upgraded) -> Result<(T, Bytes), Upgraded>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
{
    // Served by this crate, or by a server that guesses the HTTP version first, as axum's own does.
    match upgraded.downcast::<T>() {
        Ok(parts) => Ok((parts.io, parts.read_buf)),
        Err(upgraded) => {
            auto::upgrade::downcast::<T>(upgraded).map(|parts| (parts.io, parts.read_buf))
        }
    }
}
