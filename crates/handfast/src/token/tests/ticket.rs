//! One-time tickets.

use super::*;
use crate::token::{BrowserHash, Ticket, header::TICKET_TYPE, ticket::TICKET_LIFETIME};

fn ticket() -> Ticket {
    Ticket {
        id: ID,
        subject: "anna".into(),
        grant: Grant {
            refresh_at: grant().expires_at,
            ..grant()
        },
        browser: BrowserHash::of("a secret"),
    }
}

fn signed_ticket() -> Box<str> {
    issuer().sign_ticket(&ticket(), NOW)
}

fn ticket_header() -> Value {
    with(header(), "typ", json!(TICKET_TYPE))
}

/// The claims of the ticket as the issuer writes them.
fn ticket_claims() -> Value {
    let text = signed_ticket();
    let payload = text.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[track_caller]
fn refused(text: &str) {
    assert_eq!(issuer().verify_ticket(text, NOW), None, "{text}");
}

#[test]
fn a_ticket_says_what_it_was_given_for() {
    let text = signed_ticket();
    assert_eq!(issuer().verify_ticket(&text, NOW), Some(ticket()));
    let written = signed(ticket_header(), ticket_claims());
    assert_eq!(issuer().verify_ticket(&written, NOW), Some(ticket()));
}

#[test]
fn every_node_with_the_keys_takes_it() {
    let mut keys = all_keys();
    keys.rotate_left(1);
    let other = issuer_with(&keys);
    assert_eq!(other.verify_ticket(&signed_ticket(), NOW), Some(ticket()));
    let stranger = issuer_with(&[hs256_key("main", &OTHER_SECRET)]);
    assert_eq!(stranger.verify_ticket(&signed_ticket(), NOW), None);
}

#[test]
fn a_ticket_is_good_for_half_a_minute_by_clocks_that_are_up_to_a_minute_apart() {
    let text = signed_ticket();
    let verify = |at| issuer().verify_ticket(&text, Timestamp::from_unix(at));
    let now = NOW.as_unix();
    let over = now + TICKET_LIFETIME.as_secs() + 60;
    assert_eq!(verify(over - 1), Some(ticket()));
    assert_eq!(verify(over), None);
    assert_eq!(verify(u64::MAX), None);
    assert_eq!(verify(now - 60), Some(ticket()));
    assert_eq!(verify(now - 61), None);
}

#[test]
fn a_ticket_is_no_token_and_a_token_no_ticket() {
    malformed(&signed_ticket());
    refused(token().expose());
    refused(&signed(header(), ticket_claims()));
    malformed(&signed(ticket_header(), claims()));
}

#[test]
fn a_ticket_that_lacks_something_is_none() {
    for name in [
        "iss",
        "aud",
        "sub",
        "sid",
        "gen",
        "token_iat",
        "token_exp",
        "browser",
        "exp",
        "jti",
    ] {
        refused(&signed(ticket_header(), without(ticket_claims(), name)));
        let odd = with(ticket_claims(), name, json!([]));
        refused(&signed(ticket_header(), odd));
    }
    for name in ["iss", "aud"] {
        refused(&signed(
            ticket_header(),
            with(ticket_claims(), name, json!("other")),
        ));
    }
    for name in ["sid", "browser", "jti"] {
        refused(&signed(
            ticket_header(),
            with(ticket_claims(), name, json!("short")),
        ));
    }
    refused("");
    refused("a.b.c");
    refused(&"x".repeat(5_000));
}
