//! Operators' requests as spans.

use super::{guard, introspect, metrics};
use crate::traces::remote;
use axum::{
    extract::{MatchedPath, Request},
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use handfast::trace::REQUEST;
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt as _},
};
use tracing::{Instrument as _, Level, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header of W3C Trace Context (section 3.2).
const TRACEPARENT: &str = "traceparent";

/// The span of a request.
macro_rules! span {
    ($level:expr, $name:literal, $request:expr, $route:expr) => {
        tracing::span!(
            target: REQUEST,
            parent: None,
            $level,
            $name,
            otel.name = format_args!("{} {}", method($request), $route.unwrap_or("…")),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method($request),
            http.route = $route,
            http.response.status_code = Empty,
            client.address = guard::address($request).map(tracing::field::display),
            "error.type" = Empty,
        )
    };
}

/// Follows a request, as a part of the trace that it says it is part of.
pub(super) async fn follow(request: Request, next: Next) -> Response {
    let span = open(&request);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", status.as_str());
    }
    response
}

/// The span of a request. Its path is not in it, only the pattern of that: paths name users.
fn open(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map(MatchedPath::as_str);
    if route == Some(metrics::PATH) || !handfast::trace::is_on() {
        return Span::none();
    }
    let caller = caller(request.headers());
    // Programs ask this all the time. One that has its own trace has decided already.
    let is_frequent = route == Some(introspect::PATH);
    let span = match &caller {
        Some(caller) if !caller.is_sampled() => Span::none(),
        None if is_frequent => span!(Level::DEBUG, "introspect", request, route),
        Some(_) | None => span!(Level::INFO, "operate", request, route),
    };
    if let Some(caller) = caller
        && !span.is_disabled()
    {
        // It fails where the span has begun for OpenTelemetry, which it has not.
        drop(span.set_parent(Context::new().with_remote_span_context(caller)));
    }
    span
}

/// The method. Anybody may make one up, of any length: all those are one, as OpenTelemetry's conventions have it.
fn method(request: &Request) -> &str {
    match request.method().as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known,
        _ => "_OTHER",
    }
}

/// What a request is part of, by its own word. Unlike a connection it is over soon, as is what it is part of.
fn caller(headers: &HeaderMap) -> Option<SpanContext> {
    remote(headers.get(TRACEPARENT)?.to_str().ok()?)
}
