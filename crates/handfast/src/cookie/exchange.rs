//! `POST` and `DELETE /session/cookie`: a page of this origin has its browser hold a token, or drop it.

use super::{BROWSER, SESSION, clear_session, find, hold_session, used::Unusable};
use crate::{
    node::Node,
    origin::host,
    random,
    token::{BrowserHash, Ticket, object},
    trace::Followed,
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use handfast_core::{rate::Exceeded, session::Generation, time::Now};
use serde::Deserialize;
use std::{borrow::Cow, sync::Arc, time::Duration};
use tracing::Instrument as _;

/// The longest body: a ticket has 2 KiB at most.
const BODY_BYTES: usize = 4 * 1024;
/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait where no more tickets can be remembered, in seconds.
const RETRY_AFTER: u64 = 2;

/// Why a request does not change the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CookieRefused {
    #[error("only pages of an allowed origin may do this")]
    ForbiddenOrigin,
    #[error("send application/json")]
    NotJson,
    #[error("send {{\"ticket\": \"…\"}}")]
    NoTicket,
    #[error("the body took too long")]
    TooSlow,
    #[error("this ticket is unknown, used, too old, or another browser's")]
    Gone,
    #[error("too many tickets were exchanged")]
    TooMany { retry_after: u64 },
}

impl IntoResponse for CookieRefused {
    fn into_response(self) -> Response {
        let status = match self {
            Self::ForbiddenOrigin => StatusCode::FORBIDDEN,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NoTicket => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Gone => StatusCode::GONE,
            Self::TooMany { retry_after } => {
                let wait = [(header::RETRY_AFTER, retry_after.to_string())];
                return (StatusCode::SERVICE_UNAVAILABLE, wait, self.to_string()).into_response();
            }
        };
        (status, self.to_string()).into_response()
    }
}

impl From<Exceeded> for CookieRefused {
    fn from(exceeded: Exceeded) -> Self {
        let wait = exceeded.retry_after.as_millis().div_ceil(1000).max(1);
        Self::TooMany {
            retry_after: u64::try_from(wait).unwrap_or(u64::MAX),
        }
    }
}

/// The body of an exchange. What else stands in it is ignored.
#[derive(Deserialize)]
struct Exchange<'a> {
    #[serde(borrow)]
    ticket: Cow<'a, str>,
}

/// Exchanges a ticket for the cookie.
pub(crate) async fn exchange(State(node): State<Arc<Node>>, request: Request) -> Response {
    let mut followed = Followed::exchange(&node, &request);
    let exchanging = exchange_followed(&node, request, &followed);
    let answer = exchanging.instrument(followed.span()).await.into_response();
    followed.answered_over_http(answer.status());
    answer
}

async fn exchange_followed(
    node: &Node,
    request: Request,
    followed: &Followed,
) -> Result<Response, CookieRefused> {
    admit(node, &request)?;
    let (head, body) = request.into_parts();
    if !is_json(&head.headers) {
        return Err(CookieRefused::NotJson);
    }
    let body = read(body).await?;
    let Exchange { ticket } = object(&body).ok_or(CookieRefused::NoTicket)?;
    let now = node.clock.now();
    let ticket = node.tokens.verify_ticket(&ticket, now.unix);
    let ticket = ticket.ok_or(CookieRefused::Gone)?;
    followed.session(ticket.grant.session);
    let (generation, cookie) = redeem(node, ticket, &head.headers, now)?;
    // A browser takes a head that breaks off for a whole one, without the cookie. A body it knows to be whole.
    let body = format!("{{\"generation\":{}}}", generation.number());
    let kind = [(header::CONTENT_TYPE, "application/json")];
    Ok(done(cookie, (kind, body)))
}

/// Removes the cookie. The session goes on: ending it is for `Logout`.
pub(crate) async fn clear(
    State(node): State<Arc<Node>>,
    request: Request,
) -> Result<Response, CookieRefused> {
    admit(&node, &request)?;
    Ok(done(Some(clear_session()), StatusCode::NO_CONTENT))
}

fn admit(node: &Node, request: &Request) -> Result<(), CookieRefused> {
    let settings = node.settings.current();
    if settings
        .allowed_origins
        .allow_page(request.headers(), host(request))
    {
        Ok(())
    } else {
        Err(CookieRefused::ForbiddenOrigin)
    }
}

/// Whether the body says that it is JSON. No page of another origin can say so without being asked first.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next());
    essence.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn read(body: Body) -> Result<bytes::Bytes, CookieRefused> {
    tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES))
        .await
        .map_err(|_| CookieRefused::TooSlow)?
        .map_err(|_| CookieRefused::NoTicket)
}

/// The generation of a ticket, and the cookie that it is good for; `None` where the browser has a later one already.
fn redeem(
    node: &Node,
    ticket: Ticket,
    headers: &HeaderMap,
    now: Now,
) -> Result<(Generation, Option<HeaderValue>), CookieRefused> {
    if find(headers, BROWSER).map(BrowserHash::of) != Some(ticket.browser) {
        return Err(CookieRefused::Gone);
    }
    let rate = node.settings.current().rates.presentations_per_session;
    node.exchanges
        .take(ticket.grant.session, rate, now.moment)?;
    node.used_tickets
        .take(ticket.id, now.moment)
        .map_err(|unusable| match unusable {
            Unusable::Used => CookieRefused::Gone,
            Unusable::Full => CookieRefused::TooMany {
                retry_after: RETRY_AFTER,
            },
        })?;
    let Ticket { subject, grant, .. } = &ticket;
    if has_newer(node, &ticket, headers, now) {
        return Ok((grant.generation, None));
    }
    let id = random::token_id();
    let token = node.tokens.sign(subject, grant, &id, now.unix);
    let cookie = hold_session(token.expose(), grant.expires_at, now.unix);
    Ok((grant.generation, Some(cookie)))
}

/// Whether the browser holds a newer token of the session, which a late request must not put an older one over.
fn has_newer(node: &Node, ticket: &Ticket, headers: &HeaderMap, now: Now) -> bool {
    let held = find(headers, SESSION).and_then(|text| node.tokens.verify(text, now.unix).ok());
    held.is_some_and(|held| {
        held.session == ticket.grant.session && held.generation > ticket.grant.generation
    })
}

fn done(cookie: Option<HeaderValue>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        headers.insert(header::SET_COOKIE, cookie);
    }
    response
}
