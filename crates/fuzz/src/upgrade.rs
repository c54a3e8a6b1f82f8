//! Requests to upgrade: whatever they say, only one that RFC 6455 would call a request is answered with 101, and only
//! from an origin that may.

use crate::{
    node::Node,
    script::{End, Script},
    supply::Supply,
};
use axum::{Router, body::Body, response::Response};
use handfast::AllowedOrigins;
use handfast_core::limits::TokenDelivery;
use hyper::{
    Request,
    body::Incoming,
    header::{self, HeaderMap},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
};
use tower_service::Service as _;

thread_local! {
    static NODES: [(Node, Router); 2] = [TokenDelivery::Message, TokenDelivery::Cookie].map(|delivery| {
        let node = Node::start(|settings| {
            settings.connection.delivery = delivery;
            settings.allowed_origins = AllowedOrigins::new(["https://app.example".to_owned()]);
        });
        let router = node.handfast.router();
        (node, router)
    });
}

/// What a request had, if it was one.
#[derive(Clone)]
struct Asked {
    is_get: bool,
    path: String,
    /// From the header, or else from the target.
    host: Option<String>,
    headers: HeaderMap,
}

/// Sends the bytes as a request.
pub fn target(data: &[u8]) {
    let mut supply = Supply::new(data);
    let cookie = supply.flag();
    NODES.with(|nodes| {
        let (node, router) = &nodes[usize::from(cookie)];
        let (asked, answer) = node.runtime.block_on(exchange(router, supply.rest()));
        assert!(asked.is_none() || !answer.is_empty(), "nobody answered");
        if answer.starts_with("HTTP/1.1 101 ") {
            let asked = asked.expect("somebody asked");
            judge(&asked, &answer.to_ascii_lowercase(), cookie);
        }
    });
}

/// Serves one connection that sends these bytes, and gives its first request and all that is answered before it is
/// upgraded or ends.
async fn exchange(router: &Router, bytes: &[u8]) -> (Option<Asked>, String) {
    let mut script = Script::new(bytes, Vec::new(), End::HangUp);
    let (heard, gone) = (script.heard(), script.gone());
    let asked: Arc<Mutex<Option<Asked>>> = Arc::default();
    let noted = Arc::clone(&asked);
    let service = service_fn(move |request: Request<Incoming>| {
        noted.lock().unwrap().get_or_insert_with(|| Asked {
            is_get: request.method() == "GET",
            path: request.uri().path().to_owned(),
            host: host(&request),
            headers: request.headers().clone(),
        });
        let mut router = router.clone();
        async move {
            Ok::<Response, Infallible>(
                router
                    .call(request.map(Body::new))
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let serving = http1::Builder::new()
        .max_buf_size(16 * 1024)
        // Nothing follows what was sent; the answer is heard all the same.
        .half_close(true)
        .serve_connection(TokioIo::new(script), service)
        .with_upgrades();
    serving.await.ok();
    // What it was upgraded to lives on, until it has read all.
    gone.await;
    let asked = asked.lock().unwrap().clone();
    let answer = String::from_utf8_lossy(&heard.lock().unwrap().bytes).into_owned();
    (asked, answer)
}

fn host(request: &Request<Incoming>) -> Option<String> {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    host.or(authority).map(str::to_owned)
}

fn judge(asked: &Asked, answer: &str, cookie: bool) {
    let headers = &asked.headers;
    assert!(asked.is_get && ["/ws", "/ws/"].contains(&asked.path.as_str()));
    assert!(tokens(headers, "connection").any(|it| it.eq_ignore_ascii_case("upgrade")));
    assert!(tokens(headers, "upgrade").any(|it| it.eq_ignore_ascii_case("websocket")));
    assert_eq!(headers[header::SEC_WEBSOCKET_VERSION], "13");
    assert_eq!(headers[header::SEC_WEBSOCKET_KEY].len(), 24);
    assert!(
        !headers.contains_key(header::TRANSFER_ENCODING),
        "it had a body"
    );
    assert!(
        headers
            .get(header::CONTENT_LENGTH)
            .is_none_or(|it| it == "0"),
        "it had a body"
    );
    let origins: Vec<_> = headers.get_all(header::ORIGIN).iter().collect();
    assert!(!cookie || !origins.is_empty(), "a cookie without an origin");
    for origin in origins {
        let origin = origin
            .to_str()
            .expect("an origin is ASCII")
            .to_ascii_lowercase();
        let host = asked.host.as_ref().map(|host| host.to_ascii_lowercase());
        let (scheme, authority) = origin.split_once("://").expect("an origin has a scheme");
        let may_be_own = !cookie || scheme == "https" || is_loopback(authority);
        let is_own = may_be_own && Some(authority) == host.as_deref();
        assert!(
            is_own || origin == "https://app.example",
            "{origin} at {host:?}"
        );
    }
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
    let offered = tokens(headers, "sec-websocket-protocol").any(|it| it == "handfast.v1");
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    assert_eq!(
        head.contains("sec-websocket-protocol: handfast.v1"),
        offered
    );
}

/// Whether a page of this host, with its port, can only be from the machine that its browser is on.
fn is_loopback(authority: &str) -> bool {
    let name = authority.split(':').next().unwrap_or_default();
    let is_named = name == "localhost" || name.ends_with(".localhost");
    let address = name.parse().is_ok_and(|it: Ipv4Addr| it.is_loopback());
    is_named || address || authority == "[::1]" || authority.starts_with("[::1]:")
}

fn tokens<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines: Vec<_> = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    lines
        .into_iter()
        .flat_map(|line| line.split(','))
        .map(str::trim)
}
