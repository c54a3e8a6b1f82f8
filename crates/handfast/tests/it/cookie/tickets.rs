//! One-time tickets.

use super::{Browser, FIRST, SECOND, SESSION, fate, node, plan};
use handfast::Rate;
use serde_json::json;
use std::time::Duration;

#[test]
fn an_exchange_whose_answer_was_lost_is_made_up_for_by_another_ticket() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut client = browser.connect(FIRST);
    let login = client.login("ada");
    assert_eq!(browser.post(&login["ticket"]).status, 200);
    let again = client.ask(&json!({"type": "Ticket", "id": "again"}));
    assert_eq!(
        (&again["type"], &again["id"], &again["generation"]),
        (&json!("Success"), &json!("again"), &json!(0))
    );
    browser.exchange(&again["ticket"]);
    drop(client);
    assert_eq!(browser.connect(FIRST).receive()["generation"], 1);
}

#[test]
fn a_ticket_is_exchanged_once() {
    let node = node();
    let mut browser = Browser::of(&node);
    let login = browser.connect(FIRST).login("ada");
    browser.exchange(&login["ticket"]);
    let again = browser.post(&login["ticket"]);
    assert_eq!((again.status, again.cookies.len()), (410, 0));
}

#[test]
fn a_ticket_that_left_its_browser_is_worth_nothing() {
    let node = node();
    let mut browser = Browser::of(&node);
    let login = browser.connect(FIRST).login("ada");
    let mut thief = Browser::of(&node);
    assert_eq!(thief.post(&login["ticket"]).status, 410);
    drop(thief.connect(FIRST));
    assert_eq!(thief.post(&login["ticket"]).status, 410);
    browser.exchange(&login["ticket"]);
}

#[test]
fn whatever_else_is_posted_for_a_ticket_is_none() {
    let node = node();
    let mut browser = Browser::of(&node);
    browser.log_in("ada");
    let token = json!(browser.jar[SESSION]);
    for text in [token, json!(""), json!("a.b.c"), json!("x".repeat(3_000))] {
        let answer = browser.post(&text);
        assert_eq!((answer.status, answer.cookies.len()), (410, 0));
    }
}

#[test]
fn a_ticket_is_no_token() {
    let node = node();
    let mut browser = Browser::of(&node);
    let login = browser.connect(FIRST).login("ada");
    let ticket = login["ticket"].as_str().unwrap().to_owned();
    browser.jar.insert(SESSION.to_owned(), ticket);
    assert_eq!(browser.connect(SECOND).receive()["reason"], "malformed");
    assert!(!browser.jar.contains_key(SESSION));
}

#[test]
fn a_late_exchange_puts_no_older_token_over_a_newer_one() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut client = browser.log_in("ada");
    let late = client.ask(&json!({"type": "Ticket"}));
    assert_eq!(browser.connect(FIRST).receive()["generation"], 1);
    let answer = browser.post(&late["ticket"]);
    assert_eq!((answer.status, fate(&answer.cookies)), (200, "left"));
    assert_eq!(browser.connect(SECOND).receive()["generation"], 2);
}

#[test]
fn a_login_takes_the_place_of_the_session_before() {
    let node = node();
    let mut browser = Browser::of(&node);
    browser.log_in("ada");
    drop(browser.connect(FIRST));
    drop(browser.connect(SECOND));
    let kept = browser.jar.remove(SESSION).unwrap();
    let login = browser.connect(FIRST).login("eve");
    browser.jar.insert(SESSION.to_owned(), kept);
    browser.exchange(&login["ticket"]);
    let resumed = browser.connect(FIRST).receive();
    assert_eq!(resumed["session"], login["session"]);
}

#[test]
fn a_session_exchanges_no_more_than_it_may_present() {
    let rate = Rate {
        count: 2,
        window: Duration::from_secs(3600),
    };
    let node = plan(|settings| settings.rates.presentations_per_session = Some(rate)).start();
    let mut browser = Browser::of(&node);
    let mut client = browser.log_in("ada");
    let ask = json!({"type": "Ticket"});
    let next = client.ask(&ask);
    browser.exchange(&next["ticket"]);
    let next = client.ask(&ask);
    let refused = browser.post(&next["ticket"]);
    assert_eq!((refused.status, refused.cookies.len()), (503, 0));
    assert!(refused.head.to_lowercase().contains("\r\nretry-after: "));
}

#[test]
fn a_ticket_needs_a_session() {
    let node = node();
    let mut client = Browser::of(&node).connect(FIRST);
    let answer = client.ask(&json!({"type": "Ticket", "id": 1}));
    assert_eq!(answer, json!({"type": "NotLoggedIn", "id": 1}));
}
