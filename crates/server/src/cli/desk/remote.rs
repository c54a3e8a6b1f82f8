//! Answers from the running server.

use super::{ANSWER_BYTES, DeskError, Request};
use axum::{
    body::Body,
    http::{self, StatusCode, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::net::TcpStream;

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(3);

/// The server at an address, and the token for it.
pub(super) struct Remote {
    address: SocketAddr,
    token: String,
}

/// An address by which this machine reaches what listens at `listen`.
pub(in crate::cli) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, listen.port())
}

/// Whether somebody listens there.
pub(super) async fn is_there(address: SocketAddr) -> bool {
    connect(address).await.is_ok()
}

async fn connect(address: SocketAddr) -> Result<TcpStream, DeskError> {
    let connecting = TcpStream::connect(address);
    let connected = tokio::time::timeout(CONNECT, connecting).await;
    connected.map_err(|_| DeskError::TooSlow)?.map_err(broken)
}

impl Remote {
    pub(super) fn new(address: SocketAddr, token: String) -> Self {
        Self { address, token }
    }

    pub(super) async fn ask(&self, request: Request) -> Result<(StatusCode, Vec<u8>), DeskError> {
        let Request { method, path, body } = request;
        let mut built = http::Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if body.is_some() {
            built = built.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = built.body(body).map_err(broken)?;
        let stream = TokioIo::new(connect(self.address).await?);
        let (mut sender, connection) = http1::handshake(stream).await.map_err(broken)?;
        // It ends with the sender.
        drop(tokio::spawn(connection));
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let body = Body::new(response.into_body());
        let body = axum::body::to_bytes(body, ANSWER_BYTES).await;
        Ok((status, body.map_err(broken)?.into()))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> DeskError {
    DeskError::Broken(error.into())
}
