//! A session in a cookie, from its login to its end.

use super::{BROWSER, Browser, FIRST, OTHER, SECOND, SESSION, fate, node, plan, set_cookies};
use crate::{client::closed, node::Plan};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_browser_without_a_cookie_is_told_nothing_of_a_session() {
    let node = node();
    let (mut client, response) = Browser::of(&node).upgrade(FIRST, Some("handfast.v1"));
    let cookies = set_cookies(&response);
    assert_eq!((cookies.len(), fate(&cookies)), (1, "left"));
    let next = client.ask(&json!({"type": "Sessions"}));
    assert_eq!(next["type"], "NotLoggedIn");
}

#[test]
fn a_login_puts_the_token_into_a_cookie_and_the_next_upgrade_rotates_it() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut old = browser.log_in("ada");
    let listed = old.ask(&json!({"type": "Sessions"}));
    assert_eq!(
        listed["sessions"][0]["current"], true,
        "the socket lives on"
    );
    let first = browser.jar[SESSION].clone();

    let (mut new, response) = browser.upgrade(FIRST, Some("handfast.v1"));
    let resumed = new.receive();
    assert_eq!(
        (&resumed["type"], &resumed["generation"]),
        (&json!("Success"), &json!(1))
    );
    for absent in ["id", "token", "ticket"] {
        assert!(resumed.get(absent).is_none(), "{absent}");
    }
    assert_eq!(resumed["session"], listed["sessions"][0]["session"]);
    let cookies = set_cookies(&response);
    assert_eq!(cookies.len(), 1, "the browser is known already");
    let week = [604_799, 604_800].map(|seconds| format!("; Max-Age={seconds};"));
    assert!(
        week.iter().any(|age| cookies[0].contains(age)),
        "{}",
        cookies[0]
    );
    browser.keep(&cookies);
    assert_ne!(browser.jar[SESSION], first);
    assert_eq!(old.closed(), closed(4409, "superseded"));
    let listed = new.ask(&json!({"type": "Sessions"}));
    assert_eq!(
        listed["sessions"][0]["current"], true,
        "it was presented under the connection's own name"
    );
    assert_eq!(browser.connect(SECOND).receive()["generation"], 2);
}

#[test]
fn an_upgrade_whose_answer_was_lost_is_answered_again() {
    let node = node();
    let mut browser = Browser::of(&node);
    browser.log_in("ada");
    for _ in 0..3 {
        let mut client = browser.connect_in_vain(FIRST);
        assert_eq!(client.receive()["generation"], 1);
    }
    assert_eq!(browser.connect(FIRST).receive()["generation"], 1);
    assert_eq!(browser.connect(SECOND).receive()["generation"], 2);
}

#[test]
fn a_cookie_that_somebody_else_presents_ends_the_session_for_both() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut owner = browser.log_in("ada");
    let mut thief = Browser::of(&node);
    thief.jar = browser.jar.clone();
    assert_eq!(thief.connect(OTHER).receive()["generation"], 1);
    assert_eq!(owner.closed(), closed(4409, "superseded"));
    let refused = browser.connect(FIRST).receive();
    assert_eq!(refused, json!({"type": "InvalidToken", "reason": "reused"}));
    assert!(
        !browser.jar.contains_key(SESSION),
        "a dead token is cleared"
    );
    let refused = thief.connect(SECOND).receive();
    assert_eq!(refused["reason"], "revoked");
    assert!(!thief.jar.contains_key(SESSION));
    assert!(thief.jar.contains_key(BROWSER));
}

#[test]
fn a_logout_ends_the_session_and_the_page_has_the_cookie_cleared() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut client = browser.log_in("ada");
    let dead = browser.jar[SESSION].clone();
    assert_eq!(client.ask(&json!({"type": "Logout"}))["type"], "LoggedOut");
    let cleared = browser.request("DELETE", "", "");
    assert_eq!((cleared.status, fate(&cleared.cookies)), (204, "cleared"));
    browser.keep(&cleared.cookies);
    assert!(!browser.jar.contains_key(SESSION));

    browser.jar.insert(SESSION.to_owned(), dead);
    assert_eq!(browser.connect(FIRST).receive()["reason"], "revoked");
    assert!(
        !browser.jar.contains_key(SESSION),
        "and one that was kept is cleared where it is presented"
    );
    browser.log_in("ada");
}

#[test]
fn a_pushed_ticket_rotates_the_cookie_while_the_connection_lives_on() {
    let node = plan(|settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(100);
        settings.connection.heartbeat_timeout = Duration::from_secs(20);
        settings.connection.refresh_after = Duration::ZERO;
        settings.rates.presentations_per_session = None;
    })
    .start();
    let mut browser = Browser::of(&node);
    let mut client = browser.log_in("ada");
    let (pushed, again) = (client.receive(), client.receive());
    assert_eq!(
        (&pushed["generation"], &again["generation"]),
        (&json!(1), &json!(1))
    );
    assert_ne!(
        pushed["ticket"], again["ticket"],
        "each sending has its own"
    );
    browser.exchange(&again["ticket"]);
    client.send(&json!({"type": "Ack", "generation": 1}));
    let next = loop {
        let next = client.receive();
        if next["generation"] != 1 {
            break next;
        }
    };
    assert_eq!(next["generation"], 2);
    browser.exchange(&next["ticket"]);
    drop(client);
    assert_eq!(browser.connect(FIRST).receive()["generation"], 3);
}

#[test]
fn no_frame_ever_carries_the_token() {
    let node = plan(|settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(100);
        settings.connection.heartbeat_timeout = Duration::from_secs(20);
        settings.connection.refresh_after = Duration::ZERO;
    })
    .start();
    let mut browser = Browser::of(&node);
    let mut client = browser.connect(FIRST);
    let mut frames = vec![client.login("ada")];
    browser.exchange(&frames[0]["ticket"]);
    let mut tokens = vec![browser.jar[SESSION].clone()];
    frames.push(client.receive());
    frames.push(client.ask(&json!({"type": "Ticket", "id": 1})));
    drop(client);
    let mut client = browser.connect(FIRST);
    tokens.push(browser.jar[SESSION].clone());
    frames.extend([client.receive(), client.receive()]);
    for frame in &frames {
        assert!(frame["type"] == "Success" || frame["type"] == "Registered");
        assert!(frame.get("token").is_none(), "{frame}");
        let text = frame.to_string();
        assert!(tokens.iter().all(|token| !text.contains(token)), "{frame}");
    }
}

#[test]
fn a_client_of_the_plain_framing_is_served_as_well() {
    let node = node();
    let mut browser = Browser::of(&node);
    let (mut client, response) = browser.upgrade(FIRST, None);
    browser.keep(&set_cookies(&response));
    let login = client.login("ada");
    browser.exchange(&login["ticket"]);
    let (mut client, response) = browser.upgrade(FIRST, None);
    browser.keep(&set_cookies(&response));
    let resumed = client.receive();
    assert_eq!(
        (&resumed["type"], &resumed["generation"]),
        (&json!("Success"), &json!(1))
    );
    assert!(resumed.get("token").is_none());
    client.send(&json!({"type": "Ack", "generation": 1}));
    assert_eq!(client.ask(&json!({"type": "Logout"}))["type"], "LoggedOut");
    let (mut client, _) = browser.upgrade(SECOND, None);
    assert_eq!(client.receive()["reason"], "revoked");
}

#[test]
fn no_message_presents_a_token() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut owner = browser.log_in("ada");
    let token = json!(browser.jar[SESSION]);
    let mut stranger = Browser::of(&node).connect(OTHER);
    for client in [&mut owner, &mut stranger] {
        assert_eq!(client.present(&token)["reason"], "cookie_delivery");
    }
    let listed = owner.ask(&json!({"type": "Sessions"}));
    assert_eq!(listed["sessions"][0]["current"], true, "nothing changed");
}

#[test]
fn where_tokens_come_in_messages_there_is_no_cookie() {
    let node = Plan::default().start();
    let mut browser = Browser::of(&node);
    let login = node.v1().login("ada");
    let token = login["token"].as_str().unwrap().to_owned();
    browser.jar.insert(SESSION.to_owned(), token);
    assert_eq!(browser.request("DELETE", "", "").status, 404);
    assert_eq!(browser.post(&json!("a.b.c")).status, 404);
    let (mut client, response) = browser.upgrade("short", None);
    assert_eq!(set_cookies(&response).len(), 0);
    let answer = client.ask(&json!({"type": "Ticket"}));
    assert_eq!(answer["reason"], "cookie_delivery_off");
}
