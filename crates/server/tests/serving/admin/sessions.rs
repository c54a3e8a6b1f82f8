//! `/admin/v1/sessions`.

use super::{Ledger, logged_in, on_both_ledgers};
use crate::{
    client::{Client, present},
    http::Request,
};
use serde_json::json;

/// A session's name that no session has.
const NOBODYS: &str = "AAAAAAAAAAAAAAAAAAAAAA";

on_both_ledgers!(
    the_sessions_of_a_subject_are_listed_whatever_its_spelling,
    a_query_that_does_not_fit_is_answered_with_the_field,
    revoking_one_session_closes_its_socket_at_once_and_leaves_the_others,
    a_session_that_is_not_there_is_not_found,
);

fn the_sessions_of_a_subject_are_listed_whatever_its_spelling(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let (_client, login) = logged_in(&server, "ada");
    let (_other, _) = logged_in(&server, "bob");
    let listed = server
        .operate(Request::get("/admin/v1/sessions?subject=Ada"))
        .json();
    assert_eq!(listed["complete"], true);
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
    let session = &listed["sessions"][0];
    assert_eq!(session["session"], login["session"]);
    assert_eq!(session["subject"], "ada");
    assert_eq!(session["online"], true);
    assert_eq!(session["address"], "127.0.0.1");
    assert_eq!(session["key_bound"], false);
    assert_eq!(session["expires_at"], login["expires_at"]);
    assert!(session.get("revoked").is_none());
}

fn a_query_that_does_not_fit_is_answered_with_the_field(ledger: Ledger) {
    let server = ledger.serve(&[]);
    for (query, field) in [
        ("", "subject"),
        ("?subject=", "subject"),
        ("?subject=two%20words", "subject"),
        ("?subject=a&subject=b", "subject"),
        ("?subject=a&limt=3", "limt"),
    ] {
        let path = format!("/admin/v1/sessions{query}");
        let problem = server.operate(Request::get(&path)).problem();
        let expected = (422, "field_invalid".to_owned(), Some(field.to_owned()));
        assert_eq!(problem, expected, "{query}");
    }
    let unknown = server.operate(Request::get("/admin/v1/sessions?subject=nobody"));
    assert_eq!(unknown.problem(), (404, "unknown_subject".to_owned(), None));
}

fn revoking_one_session_closes_its_socket_at_once_and_leaves_the_others(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let (mut client, login) = logged_in(&server, "ada");
    let (mut other, _) = logged_in(&server, "ada");
    let path = format!("/admin/v1/sessions/{}", login["session"].as_str().unwrap());
    let ended = server.operate(Request::new("DELETE", &path));
    assert_eq!((ended.status, ended.json()), (200, json!({"revoked": 1})));
    assert_eq!(client.closed(), 4403);
    let again = server.operate(Request::new("DELETE", &path));
    assert_eq!((again.status, again.json()), (200, json!({"revoked": 0})));
    let shown = server.operate(Request::get(&path)).json();
    assert_eq!(shown["revoked"]["reason"], "admin");
    assert_eq!(shown["online"], false);
    let mut thief = Client::connect(server.address).unwrap();
    let refused = thief
        .ask(&present(&login["token"], "an attempt of somebody"))
        .unwrap();
    assert_eq!(refused["reason"], "revoked");
    let listed = other.ask(&json!({"type": "Sessions"})).unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1);
}

fn a_session_that_is_not_there_is_not_found(ledger: Ledger) {
    let server = ledger.serve(&[]);
    for name in [NOBODYS, "short", "%FF", "..", "a%2Fb"] {
        let path = format!("/admin/v1/sessions/{name}");
        for method in ["GET", "DELETE"] {
            let problem = server.operate(Request::new(method, &path)).problem();
            assert_eq!(problem, (404, "unknown_session".to_owned(), None), "{name}");
        }
    }
}
