//! Who may ask, how much at once, and for how long.

use super::{metrics, problem::Problem, token::AdminToken};
use crate::audit::{AuditStream, Incident};
use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use handfast::{Rate, clock::SystemClock};
use handfast_core::{rate::Taken, time::Clock as _};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Semaphore;

/// The most requests that are under way at once.
const REQUESTS: usize = 64;
/// How long a request may take from its head to its answer.
pub(super) const REQUEST: Duration = Duration::from_secs(10);
/// How many of the requests without the token are recorded. All of them are counted, so nobody can fill a disk with them.
const RECORDED: Rate = Rate {
    count: 60,
    window: Duration::from_secs(60),
};

/// Stands before every endpoint.
#[derive(Debug)]
pub(super) struct Guard {
    token: AdminToken,
    places: Semaphore,
    refused: AtomicU64,
    audit: Option<AuditStream>,
    recorded: Mutex<Taken>,
    clock: SystemClock,
}

impl Guard {
    pub(super) fn new(token: AdminToken, audit: Option<AuditStream>) -> Self {
        Self {
            token,
            places: Semaphore::new(REQUESTS),
            refused: AtomicU64::new(0),
            audit,
            recorded: Mutex::default(),
            clock: SystemClock::start(),
        }
    }

    /// How many requests came without the token.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn admit(&self, request: &Request) -> Result<(), Problem> {
        // What is counted names nobody, and whoever is on this machine may know it.
        let is_local = peer(request).is_some_and(|peer| peer.ip().to_canonical().is_loopback());
        if is_local && request.uri().path() == metrics::PATH {
            return Ok(());
        }
        let Some(shown) = bearer(request) else {
            return Err(Problem::TokenMissing);
        };
        if self.token.is(shown) {
            Ok(())
        } else {
            Err(Problem::TokenWrong)
        }
    }

    fn refuse(&self, request: &Request, problem: Problem) -> Response {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(audit) = &self.audit
            && self.may_record()
        {
            audit.note(Incident::Refused {
                reason: problem.code(),
                address: address(request),
            });
        }
        let peer = peer(request).map(|peer| peer.to_string());
        tracing::warn!(peer, reason = %problem, "an operator's request was refused");
        problem.into_response()
    }

    fn may_record(&self) -> bool {
        let now = self.clock.now().moment;
        let recorded = self.recorded.lock();
        let mut recorded = recorded.unwrap_or_else(PoisonError::into_inner);
        recorded.take(RECORDED, now).is_ok()
    }
}

/// Lets a request pass that has the token, while there is room for it.
pub(super) async fn pass(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match guard.admit(&request) {
        Err(problem) => guard.refuse(&request, problem),
        Ok(()) => match guard.places.try_acquire() {
            Err(_) => Problem::Busy.into_response(),
            Ok(_place) => tokio::time::timeout(REQUEST, next.run(request))
                .await
                .unwrap_or_else(|_| Problem::TooSlow.into_response()),
        },
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The token that a request shows (RFC 6750 section 2.1).
fn bearer(request: &Request) -> Option<&str> {
    let shown = request.headers().get(header::AUTHORIZATION)?;
    let (scheme, token) = shown.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_start_matches(' '))
}

fn peer(request: &Request) -> Option<SocketAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(peer.0)
}

/// The address that a request comes from; none where it does not come over the network.
pub(super) fn address(request: &Request) -> Option<IpAddr> {
    peer(request).map(|peer| peer.ip().to_canonical())
}
