//! The upgrade request in cookie delivery: it presents a token, and its answer sets the next one.

use super::{BROWSER, SESSION, clear_session, find, hold_browser, hold_session};
use crate::{
    driver::{Accepted, Arrival},
    node::Node,
    random,
    token::BrowserHash,
};
use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::{
    connection::Reply,
    limits::{ATTEMPT_BYTES, ATTEMPT_BYTES_MIN},
    message::Secret,
    session::{AttemptHash, Refusal},
};
use std::sync::Arc;

/// The part of the query that carries the attempt key.
const ATTEMPT: &str = "attempt";

/// The query carries an attempt key that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongAttempt;

/// What an upgrade request brings from its browser.
#[derive(Debug)]
pub(crate) struct Visit {
    token: Option<Secret>,
    attempt: Option<AttemptHash>,
    /// What the browser is known by; `None` where it is new here.
    browser: Option<BrowserHash>,
}

impl Visit {
    /// Reads the cookies and the query.
    ///
    /// # Errors
    /// [`WrongAttempt`]: to present without the key that the client meant would end its session.
    pub(crate) fn read(headers: &HeaderMap, query: Option<&str>) -> Result<Self, WrongAttempt> {
        Ok(Self {
            token: find(headers, SESSION).map(Secret::new),
            attempt: attempt(query.unwrap_or_default())?,
            browser: find(headers, BROWSER).map(BrowserHash::of),
        })
    }

    /// Only lets the connection know its browser.
    pub(crate) fn pass_by(self) -> Arrival {
        Arrival {
            browser: self
                .browser
                .unwrap_or_else(|| BrowserHash::of(&new_browser())),
            presented: None,
        }
    }

    /// Presents the token if there is one, and writes into the answer's `headers` what becomes of the cookies.
    pub(crate) async fn present(
        self,
        node: &Arc<Node>,
        accepted: &Accepted,
        headers: &mut HeaderMap,
    ) -> Arrival {
        let browser = self.browser.unwrap_or_else(|| {
            let secret = new_browser();
            headers.append(header::SET_COOKIE, hold_browser(&secret));
            BrowserHash::of(&secret)
        });
        let Some(token) = self.token else {
            return Arrival {
                browser,
                presented: None,
            };
        };
        let reply = accepted.present(node, token, self.attempt).await;
        if let Some(cookie) = successor(node, &reply) {
            headers.append(header::SET_COOKIE, cookie);
        }
        Arrival {
            browser,
            presented: Some(reply),
        }
    }
}

/// What becomes of the cookie that was presented; `None` leaves it as it is.
fn successor(node: &Node, reply: &Reply) -> Option<HeaderValue> {
    match reply {
        Reply::Presented { subject, grant } => {
            let now = node.clock.now().unix;
            let id = random::token_id();
            let token = node.tokens.sign(subject, grant, &id, now);
            Some(hold_session(token.expose(), grant.expires_at, now))
        }
        Reply::Refused(refusal) => match refusal {
            Refusal::Malformed
            | Refusal::Expired
            | Refusal::Reused
            | Refusal::Revoked
            | Refusal::Unknown => Some(clear_session()),
            // The session may live on, here or in other hands: what comes next decides.
            Refusal::Stale | Refusal::ProofRequired => None,
        },
        Reply::TooManyRequests { .. }
        | Reply::Unavailable { .. }
        | Reply::LoggedIn { .. }
        | Reply::InvalidPassword
        | Reply::Invalid(_)
        | Reply::Pushed(_)
        | Reply::NotPushed(_)
        | Reply::Gone(_)
        | Reply::Ended
        | Reply::Sessions(_)
        | Reply::PasswordChanged => None,
    }
}

fn new_browser() -> String {
    URL_SAFE_NO_PAD.encode(random::browser())
}

/// The attempt key in a query, in characters that need no escapes there (RFC 3986 section 2.3).
fn attempt(query: &str) -> Result<Option<AttemptHash>, WrongAttempt> {
    let mut keys = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| *name == ATTEMPT)
        .map(|(_, key)| key);
    let Some(key) = keys.next() else {
        return Ok(None);
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_key = (ATTEMPT_BYTES_MIN..=ATTEMPT_BYTES).contains(&key.len())
        && key.bytes().all(is_plain)
        && keys.next().is_none();
    is_key
        .then(|| Some(AttemptHash::of(key)))
        .ok_or(WrongAttempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_key_is_read_as_it_stands_or_refused() {
        let key = "l2iPZ8mX0rVqJx3Yb1tN5w";
        let hash = Ok(Some(AttemptHash::of(key)));
        assert_eq!(attempt(&format!("attempt={key}")), hash);
        assert_eq!(attempt(&format!("a=b&attempt={key}&c")), hash);
        assert_eq!(attempt(""), Ok(None));
        assert_eq!(attempt("attempts=x&other=attempt"), Ok(None));
        let long = "x".repeat(129);
        for wrong in ["", "short", "l2iPZ8mX0rVqJx3Yb1tN5%77", &long] {
            assert_eq!(attempt(&format!("attempt={wrong}")), Err(WrongAttempt));
        }
        assert_eq!(
            attempt(&format!("attempt={key}&attempt={key}")),
            Err(WrongAttempt)
        );
    }
}
