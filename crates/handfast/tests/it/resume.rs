//! Going on with a session.

use crate::{
    client::{PATIENCE, closed},
    node::{Node, Plan},
};
use handfast::{
    Handfast,
    audit::{Auditor, Event, Outcome, Record},
};
use serde_json::json;
use std::sync::{
    Arc,
    mpsc::{Sender, channel},
};

#[test]
fn a_returning_client_gets_the_next_token_and_the_old_one_is_dead() {
    let node = Node::start();
    let login = node.v1().login("ada");
    let resumed = node.v1().attempt(&login["token"], "an attempt key of ada");
    assert_eq!(
        (&resumed["type"], &resumed["generation"]),
        (&json!("Success"), &json!(1))
    );
    assert_eq!(resumed["session"], login["session"]);
    let again = node.v1().attempt(&resumed["token"], "the next attempt key");
    assert_eq!(again["generation"], 2);
    let stolen = node.v1().attempt(&login["token"], "somebody else's key");
    assert_eq!(stolen["reason"], "reused");
    let owner = node
        .v1()
        .attempt(&again["token"], "the next attempt key but one");
    assert_eq!(owner["reason"], "revoked", "the session ended for both");
}

#[test]
fn an_attempt_that_is_repeated_is_answered_again_and_again() {
    let node = Node::start();
    let login = node.v1().login("ada");
    for _ in 0..3 {
        let resumed = node.v1().attempt(&login["token"], "an attempt key of ada");
        assert_eq!(resumed["generation"], 1);
    }
}

#[test]
fn a_bare_client_that_lost_an_answer_gets_another_token() {
    let node = Node::start();
    let login = node.plain().login("ada");
    let lost = node.plain().present(&login["token"]);
    let kept = node.plain().present(&login["token"]);
    assert_eq!(
        (&lost["generation"], &kept["generation"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(node.plain().present(&kept["token"])["generation"], 3);
    assert_eq!(
        node.plain().present(&lost["token"])["reason"],
        "reused",
        "the lost token was void"
    );
}

#[test]
fn a_newer_connection_takes_the_session_over() {
    let node = Node::start();
    let mut old = node.v1();
    let login = old.login("ada");
    let mut new = node.v1();
    assert_eq!(
        new.attempt(&login["token"], "an attempt key of ada")["type"],
        "Success"
    );
    assert_eq!(old.closed(), closed(4409, "superseded"));
    assert_eq!(
        new.ask(&json!({"type": "Sessions"}))["sessions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

/// Says when nobody waits for a presentation any more.
struct Abandoned(Sender<()>);

impl Auditor for Abandoned {
    fn record(&self, record: &Record<'_>) {
        if let Event::Presented {
            outcome: Outcome::Abandoned,
            ..
        } = record.event
        {
            self.0.send(()).unwrap();
        }
    }
}

#[test]
fn the_ledger_is_not_asked_for_who_hung_up_behind_a_presentation_to_a_frozen_node() {
    let folder = tempfile::tempdir().unwrap();
    let (abandoned, is_abandoned) = channel();
    let builder = Handfast::open(folder.path().join("data")).unwrap();
    let node = Plan::default().start_on(builder.auditor(Arc::new(Abandoned(abandoned))));
    let login = node.v1().login("ada");
    let mut client = node.v1();
    node.frozen(|| {
        client.send(&json!({
            "type": "RefreshToken",
            "token": login["token"],
            "attempt": "an attempt key of ada",
        }));
        drop(client);
    });
    is_abandoned.recv_timeout(PATIENCE).unwrap();
    // Whatever was asked before this has been decided, or found to be withdrawn.
    node.handfast.ledger().check().wait().unwrap();
    assert_eq!(node.handfast.ledger().counts().too_late, 0);
    let resumed = node.v1().attempt(&login["token"], "another attempt key");
    assert_eq!(
        (&resumed["type"], &resumed["generation"]),
        (&json!("Success"), &json!(1))
    );
}

#[test]
fn a_token_is_refreshed_on_the_live_connection() {
    let node = Node::start();
    let mut client = node.plain();
    let mut token = client.login("ada");
    for generation in 1..=5 {
        token = client.present(&token["token"]);
        assert_eq!(token["generation"], generation);
    }
}

#[test]
fn a_refused_token_leaves_the_connection_open_for_a_login() {
    let node = Node::start();
    let mut client = node.plain();
    assert_eq!(client.present(&json!("no token"))["reason"], "malformed");
    assert_eq!(client.login("ada")["type"], "Registered");
}

#[test]
fn the_token_of_another_server_is_malformed() {
    let (node, other) = (Node::start(), Node::start());
    let login = other.plain().login("ada");
    assert_eq!(
        node.plain().present(&login["token"]),
        json!({"type": "InvalidToken", "reason": "malformed"})
    );
}

#[test]
fn a_connection_does_not_change_to_another_session() {
    let node = Node::start();
    let eve = node.plain().login("eve");
    let mut client = node.plain();
    let ada = client.login("ada");
    assert_eq!(client.present(&eve["token"])["reason"], "other_session");
    assert_eq!(client.present(&ada["token"])["type"], "Success");
}

#[test]
fn a_session_goes_on_after_the_node_was_killed_and_no_dead_token_lives_again() {
    let folder = tempfile::tempdir().unwrap();
    let node = Plan::default().start_in(&folder);
    let login = node.v1().login("ada");
    let resumed = node.v1().attempt(&login["token"], "an attempt key of ada");
    let last = node.v1().attempt(&resumed["token"], "the next attempt key");
    drop(node);

    let node = Plan::default().start_in(&folder);
    let back = node
        .v1()
        .attempt(&last["token"], "the next attempt key but one");
    assert_eq!(back["generation"], 3);
    assert_eq!(
        node.v1().attempt(&login["token"], "somebody else's key")["reason"],
        "reused"
    );
}

#[test]
fn presentations_of_one_session_are_bounded() {
    let node = Node::start();
    let mut client = node.plain();
    let mut token = client.login("ada");
    for _ in 0..6 {
        token = client.present(&token["token"]);
        assert_eq!(token["type"], "Success");
    }
    let refused = client.present(&token["token"]);
    assert_eq!(refused["type"], "TooManyRequests");
    assert!(refused["retry_after"].as_u64().unwrap() >= 1);
}
