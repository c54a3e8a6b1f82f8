//! What load balancers and token verifiers ask.

use crate::audit::AuditStream;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use handfast::{Handfast, NotReady};
use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

#[derive(Clone)]
struct Health {
    handfast: Handfast,
    stopping: Arc<AtomicBool>,
    audit: Option<AuditStream>,
}

/// `/healthz`, `/readyz` and `/.well-known/jwks.json`.
pub(super) fn routes(
    handfast: Handfast,
    stopping: Arc<AtomicBool>,
    audit: Option<AuditStream>,
) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/.well-known/jwks.json", get(jwks))
        .with_state(Health {
            handfast,
            stopping,
            audit,
        })
}

/// The process runs.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Clients can be served: the ledger answers, what happens can be recorded if it must, and the node is not about to go.
async fn readyz(State(health): State<Health>) -> Response {
    if health.stopping.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response();
    }
    let ready = health.handfast.ready().await;
    let unrecorded = health.audit.as_ref().and_then(|it| it.condition().fault);
    let unrecorded = unrecorded.map(|fault| format!("what happens cannot be recorded: {fault}"));
    let reason = match (ready, unrecorded) {
        (Ok(()), None) => return "ready\n".into_response(),
        (Ok(()), Some(fault)) => return format!("ready, but {fault}\n").into_response(),
        (Err(NotReady::Unrecorded), Some(fault)) => fault,
        (Err(reason), _) => {
            let cause = reason.source().map(|cause| format!(": {cause}"));
            format!("{reason}{}", cause.unwrap_or_default())
        }
    };
    (StatusCode::SERVICE_UNAVAILABLE, reason + "\n").into_response()
}

/// The public keys (RFC 7517). A server with a secret of its own has none to show.
async fn jwks(State(health): State<Health>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "application/jwk-set+json"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (
        headers,
        health.handfast.tokens().keys().current().public_jwks(),
    )
}
