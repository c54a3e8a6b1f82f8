//! What operators and their programs ask, on a listener of its own.
//!
//! One endpoint, one file: what it takes, what it answers, and its description, from which the document at
//! [`openapi::PATH`] is made. All that comes in passes [`guard`] first.

mod answer;
mod guard;
mod input;
mod introspect;
mod listener;
mod metrics;
mod openapi;
mod problem;
mod sessions;
mod subjects;
mod token;

pub(crate) use listener::{AdminError, Listener};
pub(crate) use token::{AdminToken, TokenError, read as read_token};

use answer::{Json, json};
use axum::{Router, middleware};
use guard::Guard;
use handfast::Handfast;
use input::{BODY_BYTES, Pairs};
use problem::Problem;
use std::sync::Arc;

/// What every endpoint has at hand.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    handfast: Handfast,
}

/// All endpoints, open to whoever has the token.
fn router(handfast: Handfast, token: AdminToken) -> Router {
    let guard = Arc::new(Guard::new(token));
    let metrics = metrics::route(handfast.clone(), Arc::clone(&guard));
    let router = endpoints(handfast).route(metrics::PATH, metrics);
    router.layer(middleware::from_fn_with_state(guard, guard::pass))
}

/// All endpoints, with nobody before them.
pub(crate) fn endpoints(handfast: Handfast) -> Router {
    let (routes, document) = openapi::routes().split_for_parts();
    routes
        .route(openapi::PATH, openapi::serve(&document))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::no_such_method)
        .with_state(Admin { handfast })
}
