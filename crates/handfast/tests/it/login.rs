//! Beginning a session.

use crate::node::{Node, Plan};
use handfast::{Rate, credentials::Registration};
use serde_json::json;
use std::time::Duration;

#[test]
fn the_first_login_registers_and_the_next_one_logs_in() {
    let node = Node::start();
    assert_eq!(node.plain().login("ada")["type"], "Registered");
    assert_eq!(node.plain().login("ada")["type"], "Success");
}

#[test]
fn names_that_differ_in_case_are_one_account() {
    let node = Node::start();
    node.plain().login("Ada");
    assert_eq!(node.plain().login("aDA")["type"], "Success");
}

#[test]
fn an_answer_carries_the_request_id_and_all_of_the_token() {
    let node = Node::start();
    let login =
        json!({"type": "Login", "id": "x-1", "username": "ada", "password": "correct horse"});
    let answer = node.plain().ask(&login);
    assert_eq!(answer["id"], "x-1");
    assert_eq!(answer["generation"], 0);
    assert!(answer["token"].as_str().unwrap().split('.').count() == 3);
    assert_eq!(answer["session"].as_str().unwrap().len(), 22);
    let (refresh_at, expires_at) = (
        answer["refresh_at"].as_u64().unwrap(),
        answer["expires_at"].as_u64().unwrap(),
    );
    assert_eq!(expires_at - refresh_at, 7 * 24 * 3600 - 600);
}

#[test]
fn a_wrong_password_is_refused_and_the_connection_may_try_again() {
    let node = Node::start();
    node.plain().login("ada");
    let mut client = node.plain();
    let wrong = json!({"type": "Login", "username": "ada", "password": "wrong horse"});
    assert_eq!(client.ask(&wrong)["type"], "InvalidPassword");
    assert_eq!(client.login("ada")["type"], "Success");
}

#[test]
fn a_second_login_is_answered_with_who_is_logged_in() {
    let node = Node::start();
    let mut client = node.plain();
    client.login("Ada");
    let answer =
        client.ask(&json!({"type": "Login", "username": "eve", "password": "correct horse"}));
    assert_eq!(
        answer,
        json!({"type": "AlreadyAuthorized", "username": "ada"})
    );
}

#[test]
fn a_taken_name_cannot_be_registered() {
    let node = Node::start();
    node.plain().login("ada");
    let answer = node
        .plain()
        .ask(&json!({"type": "Register", "username": "ada", "password": "other horse"}));
    assert_eq!(answer["reason"], "username_taken");
}

#[test]
fn a_closed_registration_makes_no_account_and_tells_nobody_which_there_are() {
    let node = Plan {
        registration: Registration::Closed,
        ..Plan::default()
    }
    .start();
    let mut client = node.plain();
    let login =
        client.ask(&json!({"type": "Login", "username": "ada", "password": "correct horse"}));
    assert_eq!(login, json!({"type": "InvalidPassword"}));
    let register =
        client.ask(&json!({"type": "Register", "username": "ada", "password": "correct horse"}));
    assert_eq!(register["reason"], "registration_closed");
}

#[test]
fn an_explicit_registration_needs_to_be_asked_for() {
    let node = Plan {
        registration: Registration::Explicit,
        ..Plan::default()
    }
    .start();
    let mut client = node.plain();
    let login = json!({"type": "Login", "username": "ada", "password": "correct horse"});
    assert_eq!(client.ask(&login)["type"], "InvalidPassword");
    let register = json!({"type": "Register", "username": "ada", "password": "correct horse"});
    assert_eq!(client.ask(&register)["type"], "Registered");
}

#[test]
fn a_short_password_makes_no_account() {
    let node = Node::start();
    let mut client = node.plain();
    let answer = client.ask(&json!({"type": "Login", "username": "ada", "password": "short"}));
    assert_eq!(answer["reason"], "password_too_short");
    assert_eq!(client.login("ada")["type"], "Registered");
}

#[test]
fn too_many_failed_logins_to_one_account_have_to_wait() {
    let rate = Rate {
        count: 4,
        window: Duration::from_secs(3600),
    };
    let node = Plan::with(|settings| settings.rates.logins_per_account = Some(rate)).start();
    node.plain().login("ada");
    let wrong = json!({"type": "Login", "username": "ada", "password": "wrong horse"});
    let mut client = node.plain();
    assert_eq!(client.ask(&wrong)["type"], "InvalidPassword");
    let answer = (0..10)
        .map(|_| client.ask(&wrong))
        .find(|it| it["type"] != "InvalidPassword")
        .unwrap();
    assert_eq!(answer["type"], "TooManyRequests");
    assert!(answer["retry_after"].as_u64().unwrap() > 0);
    let other = node.plain().login("eve");
    assert_eq!(
        other["type"], "Registered",
        "another account is not affected"
    );
}

#[test]
fn a_network_of_ipv6_has_no_more_logins_than_an_address() {
    let rate = Rate {
        count: 1,
        window: Duration::from_secs(3600),
    };
    let node = Plan::with(|settings| {
        settings.rates.logins_per_address = Some(rate);
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .start();
    let login = json!({"type": "Login", "username": "ada", "password": "correct horse"});
    for (address, expected) in [
        ("2001:db8::1", "Registered"),
        ("2001:db8::2", "TooManyRequests"),
        ("2001:db8:0:1::1", "Success"),
    ] {
        let answer = node.plain_from(address).ask(&login);
        assert_eq!(answer["type"], expected, "{address}");
    }
}
