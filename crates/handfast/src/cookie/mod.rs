//! Cookie delivery: the token is in a cookie that no script can read.
//!
//! An upgrade request presents it and its answer sets the successor ([`Visit`]); what a live connection grants is
//! exchanged for it by a one-time ticket ([`exchange`]).

mod exchange;
mod used;
mod visit;

pub(crate) use exchange::{clear, exchange};
pub(crate) use used::UsedTickets;
pub(crate) use visit::{Visit, WrongAttempt};

use axum::http::{HeaderMap, HeaderValue, header};
use handfast_core::time::Timestamp;
use std::time::Duration;

/// The cookie that holds the token. Browsers take a name with this prefix only for the very host that set it, over a
/// way that nobody can listen to.
const SESSION: &str = "__Host-handfast";
/// The cookie by which a browser shows that a ticket was given to its own connection.
const BROWSER: &str = "__Host-handfast-browser";
/// How long a browser is known: as long as browsers keep any cookie.
const BROWSER_LIFETIME: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// The value of the first cookie of this name, if it has one.
fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value)
}

/// The header that sets the token's cookie until it expires.
fn hold_session(token: &str, expires_at: Timestamp, now: Timestamp) -> HeaderValue {
    set(SESSION, token, expires_at.since(now))
}

/// The header that removes the token's cookie.
fn clear_session() -> HeaderValue {
    set(SESSION, "", Duration::ZERO)
}

/// The header that sets what a browser is known by.
fn hold_browser(secret: &str) -> HeaderValue {
    set(BROWSER, secret, BROWSER_LIFETIME)
}

fn set(name: &str, value: &str, max_age: Duration) -> HeaderValue {
    let seconds = max_age.as_secs();
    // `Secure` comes last: the name's prefix demands it, so a browser that gets half of this line takes none of it.
    let cookie =
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}; Secure");
    let mut header = HeaderValue::try_from(cookie).expect("tokens and secrets are base64url");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines
            .iter()
            .map(|line| (header::COOKIE, HeaderValue::from_static(line)))
            .collect()
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name_wherever_it_stands() {
        let found = |lines: &[&'static str]| find(&headers(lines), SESSION).map(str::to_owned);
        let token = Some("a.b.c".to_owned());
        assert_eq!(found(&["__Host-handfast=a.b.c"]), token);
        assert_eq!(
            found(&["x=1; __Host-handfast-browser=b; __Host-handfast=a.b.c"]),
            token
        );
        assert_eq!(
            found(&["x=1", "__Host-handfast=a.b.c;y"]),
            token,
            "HTTP/2 may cut them"
        );
        assert_eq!(found(&["__Host-handfast-browser=b; handfast=a.b.c"]), None);
        assert_eq!(found(&["__Host-handfast="]), None);
        assert_eq!(found(&["__Host-handfast"]), None);
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn a_cookie_lives_as_long_as_its_token_and_is_out_of_reach() {
        let (now, expires_at) = (Timestamp::from_unix(100), Timestamp::from_unix(160));
        let header = hold_session("a.b.c", expires_at, now);
        assert_eq!(
            header,
            "__Host-handfast=a.b.c; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure"
        );
        assert!(!format!("{header:?}").contains("a.b.c"));
        assert_eq!(
            clear_session(),
            "__Host-handfast=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0; Secure"
        );
    }
}
