//! Requests that have no business with cookies.

use super::{Answered, Browser, FIRST, OTHER, SECOND, SESSION, fate, node, plan, set_cookies};
use crate::node::Node;
use handfast::AllowedOrigins;
use serde_json::json;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// The status of an upgrade with these headers and this query.
fn upgrade(node: &Node, headers: &str, query: &str) -> u16 {
    upgrade_at("localhost:9001", node, headers, query)
}

fn upgrade_at(host: &str, node: &Node, headers: &str, query: &str) -> u16 {
    let mut stream = TcpStream::connect(node.address).unwrap();
    let request = format!(
        "GET /ws/{query} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

#[test]
fn only_a_page_that_says_where_it_is_from_is_upgraded() {
    let allowed = AllowedOrigins::new(["https://app.example".to_owned()]);
    let node = plan(|settings| settings.allowed_origins = allowed).start();
    let of = |origin: &str| upgrade(&node, &format!("Origin: {origin}\r\n"), "");
    assert_eq!(of("http://localhost:9001"), 101);
    assert_eq!(of("https://app.example"), 101);
    assert_eq!(of("https://evil.example"), 403);
    assert_eq!(of("null"), 403);
    assert_eq!(upgrade(&node, "", ""), 403);
}

#[test]
fn a_page_of_the_server_that_anybody_on_the_network_can_serve_is_not_upgraded() {
    let node = node();
    let of = |origin| {
        let origin = format!("Origin: {origin}\r\n");
        upgrade_at("chat.example", &node, &origin, "")
    };
    assert_eq!(of("https://chat.example"), 101);
    assert_eq!(of("http://chat.example"), 403);
}

#[test]
fn an_attempt_key_that_is_none_is_not_taken_for_its_absence() {
    let node = node();
    let with = |query| upgrade(&node, "Origin: http://localhost:9001\r\n", query);
    assert_eq!(with("?attempt=an-attempt-key-of-ada"), 101);
    assert_eq!(with("?attempt=short"), 400);
    assert_eq!(with("?attempt=an-attempt-key-of-ada%21"), 400);
}

#[test]
fn only_a_page_that_says_where_it_is_from_changes_the_cookie() {
    let node = node();
    let mut browser = Browser::of(&node);
    let login = browser.connect(FIRST).login("ada");
    let body = json!({"ticket": login["ticket"]}).to_string();
    for origin in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "",
        "Origin: http://localhost\r\n",
    ] {
        let json = format!("Content-Type: application/json\r\n{origin}");
        let post = browser.request_as("POST", &json, &body);
        let delete = browser.request_as("DELETE", origin, "");
        for Answered {
            status, cookies, ..
        } in [post, delete]
        {
            assert_eq!((status, cookies.len()), (403, 0), "{origin}");
        }
    }
    browser.exchange(&login["ticket"]);
}

#[test]
fn an_exchange_is_json_with_a_ticket() {
    let node = node();
    let mut browser = Browser::of(&node);
    let login = browser.connect(FIRST).login("ada");
    let body = json!({"ticket": login["ticket"], "more": [1]}).to_string();
    let status = |kind: &str, body: &str| browser.request("POST", kind, body).status;
    let json = "Content-Type: application/json\r\n";
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/jsonp\r\n",
    ] {
        assert_eq!(status(kind, &body), 415, "{kind}");
    }
    let long = json!({"ticket": "x".repeat(5_000)}).to_string();
    for wrong in ["", "{}", "[\"a.b.c\"]", "{\"ticket\":7}", &body[1..], &long] {
        assert_eq!(status(json, wrong), 400, "{wrong}");
    }
    assert_eq!(browser.request("GET", "", "").status, 405);
    assert_eq!(browser.request("OPTIONS", "", "").status, 405);
    let charset = "Content-Type: Application/JSON; charset=utf-8\r\n";
    assert_eq!(status(charset, &body), 200);
}

#[test]
fn a_stale_cookie_stays_for_it_may_be_tried_again() {
    let node = node();
    let mut browser = Browser::of(&node);
    browser.log_in("ada");
    let old = browser.jar[SESSION].clone();
    assert_eq!(browser.connect(FIRST).receive()["generation"], 1);
    assert_eq!(browser.connect(SECOND).receive()["generation"], 2);
    browser.jar.insert(SESSION.to_owned(), old);
    let (mut client, response) = browser.upgrade(FIRST, Some("handfast.v1"));
    assert_eq!(client.receive()["reason"], "stale");
    assert_eq!(fate(&set_cookies(&response)), "left");
    let (mut client, response) = browser.upgrade(OTHER, Some("handfast.v1"));
    assert_eq!(client.receive()["reason"], "reused");
    assert_eq!(fate(&set_cookies(&response)), "cleared");
}

#[test]
fn a_cookie_that_is_no_token_is_cleared_and_a_login_can_follow() {
    let node = node();
    let mut browser = Browser::of(&node);
    browser
        .jar
        .insert(SESSION.to_owned(), "no-token".to_owned());
    let mut client = browser.connect(FIRST);
    assert_eq!(client.receive()["reason"], "malformed");
    assert!(!browser.jar.contains_key(SESSION));
    assert_eq!(client.login("ada")["type"], "Registered");
}
