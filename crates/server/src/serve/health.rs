//! What load balancers and token verifiers ask.

use crate::audit::AuditStream;
use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use handfast::Handfast;
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
    if let Err(reason) = health.handfast.ready().await {
        let cause = reason.source().map(|cause| format!(": {cause}"));
        let text = format!("{reason}{}\n", cause.unwrap_or_default());
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let audit = health.audit.as_ref();
    let fault = audit.and_then(|audit| Some((audit, audit.condition().fault?)));
    match fault {
        None => "ready\n".into_response(),
        Some((audit, fault)) => {
            let fault = format!("what happens cannot be recorded: {fault}\n");
            if audit.refuses() {
                (StatusCode::SERVICE_UNAVAILABLE, fault).into_response()
            } else {
                format!("ready, but {fault}").into_response()
            }
        }
    }
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
