//! What operators and their programs ask, on a listener of its own.
//!
//! One endpoint, one file: what it takes, what it answers, and its description, from which the document at
//! [`openapi::PATH`] is made. All that comes in passes [`guard`] first.

mod answer;
mod audit;
mod guard;
mod input;
mod introspect;
mod listener;
mod metrics;
mod openapi;
mod operated;
mod problem;
mod sessions;
mod subjects;
mod token;
mod traced;

pub(crate) use listener::{AdminError, Listener};
pub(crate) use token::{AdminToken, TokenError, read as read_token};

use crate::{audit::AuditStream, traces::Spans};
use answer::{Json, json};
use axum::{Router, middleware};
use guard::Guard;
use handfast::Handfast;
use input::{BODY_BYTES, Pairs};
use problem::Problem;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many questions to the record are answered at once: each reads through files.
const SEARCHES: usize = 1;

/// What every endpoint has at hand.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    handfast: Handfast,
    audit: Option<AuditStream>,
    spans: Option<Arc<Spans>>,
    searches: Arc<Semaphore>,
}

impl Admin {
    /// On this node, whose record is kept there.
    pub(crate) fn new(handfast: Handfast, audit: Option<AuditStream>) -> Self {
        Self {
            handfast,
            audit,
            spans: None,
            searches: Arc::new(Semaphore::new(SEARCHES)),
        }
    }

    /// Where these spans are traces of requests, for who asks what became of them.
    pub(crate) fn counting(self, spans: Arc<Spans>) -> Self {
        Self {
            spans: Some(spans),
            ..self
        }
    }
}

/// All endpoints, open to whoever has the token.
fn router(admin: Admin, token: AdminToken) -> Router {
    let guard = Arc::new(Guard::new(token, admin.audit.clone()));
    let metrics = metrics::route(&admin, Arc::clone(&guard));
    let router = endpoints(admin).route(metrics::PATH, metrics);
    router
        .layer(middleware::from_fn_with_state(guard, guard::pass))
        .layer(middleware::from_fn(traced::follow))
}

/// All endpoints, with nobody before them.
pub(crate) fn endpoints(admin: Admin) -> Router {
    let (routes, document) = openapi::routes().split_for_parts();
    let note = middleware::from_fn_with_state(admin.clone(), operated::note);
    routes
        .route_layer(note)
        .route(openapi::PATH, openapi::serve(&document))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(admin)
}
