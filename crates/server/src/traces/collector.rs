//! Sending to the collector (OTLP 1.9, "OTLP/HTTP").

use super::TracesError;
use crate::config::{CollectorHeader, CollectorUrl, Otlp};
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{InvalidDnsNameError, ServerName},
};
use std::{fmt, io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// As much of an answer as is read, in bytes.
const ANSWER_BYTES: usize = 16 * 1024;
/// The longest that a collector may have us wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);
const USER_AGENT: &str = concat!("handfast/", env!("CARGO_PKG_VERSION"));

/// Why the collector did not take what it was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("it has no name that a certificate could be for: {0}")]
    Name(#[from] InvalidDnsNameError),
    #[error("it does not speak HTTP: {0}")]
    Http(#[from] hyper::Error),
    #[error("it takes too long")]
    TooSlow,
    #[error("it answers {status}")]
    Status {
        status: StatusCode,
        retry_after: Option<Duration>,
    },
}

impl SendError {
    /// Whether the same may be taken later. Other answers say that it never will be.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Http(_) | Self::TooSlow => true,
            Self::Name(_) => false,
            Self::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
        }
    }

    /// How long the collector asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Name(_) | Self::Http(_) | Self::TooSlow => None,
        }
    }
}

/// The collector, and the way to it. Each batch has a connection of its own: there is about one a second, and none that
/// somebody closed in the meantime.
pub(super) struct Collector {
    url: CollectorUrl,
    headers: Vec<CollectorHeader>,
    tls: Option<TlsConnector>,
    timeout: Duration,
}

impl Collector {
    /// The configured one, if there is one.
    pub(super) fn of(otlp: &Otlp) -> Result<Option<Self>, TracesError> {
        let Some(url) = otlp.endpoint.clone() else {
            return Ok(None);
        };
        Ok(Some(Self {
            tls: if url.tls { Some(tls()?) } else { None },
            headers: otlp.headers.clone(),
            timeout: otlp.timeout,
            url,
        }))
    }

    /// Sends an `ExportTraceServiceRequest`. Gives how many of its spans the collector did not take.
    pub(super) async fn send(&self, body: Bytes) -> Result<u64, SendError> {
        tokio::time::timeout(self.timeout, self.connect_and_send(body))
            .await
            .map_err(|_| SendError::TooSlow)?
    }

    async fn connect_and_send(&self, body: Bytes) -> Result<u64, SendError> {
        let stream = TcpStream::connect((&*self.url.host, self.url.port)).await?;
        match &self.tls {
            None => self.send_over(stream, body).await,
            Some(tls) => {
                let name = ServerName::try_from(self.url.host.clone())?;
                self.send_over(tls.connect(name, stream).await?, body).await
            }
        }
    }

    async fn send_over<S>(&self, stream: S, body: Bytes) -> Result<u64, SendError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = axum::http::Method::POST;
        *request.uri_mut() = self.url.path.parse().unwrap_or_default();
        self.fill(request.headers_mut());
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the sender.
        drop(tokio::spawn(connection));
        let response = sender.send_request(request).await?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = retry_after(response.headers());
            return Err(SendError::Status {
                status,
                retry_after,
            });
        }
        let answer = to_bytes(Body::new(response.into_body()), ANSWER_BYTES).await;
        Ok(rejected(&answer.unwrap_or_default()))
    }

    fn fill(&self, headers: &mut HeaderMap) {
        let own = [
            (header::CONTENT_TYPE, "application/x-protobuf"),
            (header::USER_AGENT, USER_AGENT),
            (header::CONNECTION, "close"),
        ];
        for (name, value) in own {
            headers.insert(name, axum::http::HeaderValue::from_static(value));
        }
        if let Ok(host) = self.url.authority.parse() {
            headers.insert(header::HOST, host);
        }
        for CollectorHeader { name, value } in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
    }
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// How many spans an answer says that it does not take. An answer that cannot be read says nothing of the kind.
fn rejected(answer: &[u8]) -> u64 {
    let answer = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
    let partial = answer.partial_success.unwrap_or_default();
    u64::try_from(partial.rejected_spans).unwrap_or(0)
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(seconds.parse().ok()?).min(RETRY_AFTER_MAX))
}

fn tls() -> Result<TlsConnector, TracesError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(TracesError::NoRoots);
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
