//! Ending sessions, and seeing them.

use crate::{bad_input::send_and_close, client::closed, node::Node};
use handfast::SessionId;
use handfast_core::session::RevocationReason;
use handfast_ledger::{Revoke, Scope};
use serde_json::json;

#[test]
fn after_a_logout_every_token_of_the_session_is_dead() {
    let node = Node::start();
    let mut client = node.plain();
    let login = client.login("ada");
    assert_eq!(
        client.ask(&json!({"type": "Logout", "token": login["token"]})),
        json!({"type": "LoggedOut"})
    );
    assert_eq!(client.present(&login["token"])["reason"], "revoked");
    assert_eq!(
        client.login("ada")["type"],
        "Success",
        "the connection is free for the next login"
    );
}

#[test]
fn who_logs_out_and_closes_in_one_breath_is_logged_out() {
    let node = Node::start();
    let mut client = node.v1();
    let login = client.login("ada");
    send_and_close(&mut client, &json!({"type": "Logout"}));
    while client.socket.read().is_ok() {}
    let answer = node.v1().attempt(&login["token"], "an attempt key of ada");
    assert_eq!(answer["reason"], "revoked");
}

#[test]
fn a_stranger_has_nothing_to_log_out_of_or_to_see() {
    let node = Node::start();
    let mut client = node.plain();
    for message in [
        json!({"type": "Logout", "token": "whatever"}),
        json!({"type": "Sessions"}),
        json!({"type": "Revoke", "session": "AAAAAAAAAAAAAAAAAAAAAA"}),
        json!({"type": "ChangePassword", "old_password": "correct horse", "new_password": "another horse"}),
    ] {
        assert_eq!(
            client.ask(&message),
            json!({"type": "NotLoggedIn"}),
            "{message}"
        );
    }
}

#[test]
fn a_logout_everywhere_closes_every_other_connection() {
    let node = Node::start();
    let (mut here, mut phone, mut eve) = (node.v1(), node.v1(), node.v1());
    here.login("ada");
    let on_phone = phone.login("ada");
    eve.login("eve");
    assert_eq!(
        here.ask(&json!({"type": "Logout", "everywhere": true})),
        json!({"type": "LoggedOut"})
    );
    assert_eq!(
        phone.receive(),
        json!({"type": "Ended", "reason": "logout"})
    );
    assert_eq!(phone.closed(), closed(4403, "logout"));
    assert_eq!(
        node.v1()
            .attempt(&on_phone["token"], "an attempt key of ada")["reason"],
        "revoked"
    );
    assert_eq!(
        eve.ask(&json!({"type": "Sessions"}))["type"],
        "Sessions",
        "another subject is not affected"
    );
}

#[test]
fn the_list_shows_every_session_and_which_one_asks() {
    let node = Node::start();
    let (mut here, mut phone) = (node.v1(), node.v1());
    let login = here.login("ada");
    phone.login("ada");
    let gone = node.v1().login("ada");
    let answer = here.ask(&json!({"type": "Sessions", "id": 7}));
    assert_eq!(answer["id"], 7);
    let sessions = answer["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 3);
    let current: Vec<_> = sessions.iter().filter(|it| it["current"] == true).collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0]["session"], login["session"]);
    assert_eq!(current[0]["address"], "127.0.0.1");
    assert_eq!(current[0]["online"], true);
    assert!(sessions.iter().any(|it| it["session"] == gone["session"]));
}

#[test]
fn one_session_is_revoked_and_the_others_stay() {
    let node = Node::start();
    let (mut here, mut phone, mut tablet) = (node.v1(), node.v1(), node.v1());
    here.login("ada");
    let on_phone = phone.login("ada");
    tablet.login("ada");
    let revoked = here.ask(&json!({"type": "Revoke", "session": on_phone["session"]}));
    assert_eq!(
        revoked,
        json!({"type": "Revoked", "session": on_phone["session"]})
    );
    assert_eq!(
        phone.receive(),
        json!({"type": "Ended", "reason": "logout"})
    );
    assert_eq!(phone.closed(), closed(4403, "logout"));
    assert_eq!(
        tablet.ask(&json!({"type": "Sessions"}))["sessions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn nobody_revokes_the_session_of_somebody_else() {
    let node = Node::start();
    let (mut ada, mut eve) = (node.v1(), node.v1());
    let session = ada.login("ada")["session"].clone();
    eve.login("eve");
    assert_eq!(
        eve.ask(&json!({"type": "Revoke", "session": session}))["reason"],
        "unknown_session"
    );
    assert_eq!(ada.ask(&json!({"type": "Sessions"}))["type"], "Sessions");
}

#[test]
fn a_new_password_ends_the_other_sessions_and_the_old_password() {
    let node = Node::start();
    let (mut here, mut phone) = (node.v1(), node.v1());
    here.login("ada");
    phone.login("ada");
    let wrong = json!({"type": "ChangePassword", "old_password": "wrong horse", "new_password": "another horse"});
    assert_eq!(here.ask(&wrong)["type"], "InvalidPassword");
    let change = json!({"type": "ChangePassword", "old_password": "correct horse", "new_password": "another horse"});
    assert_eq!(here.ask(&change), json!({"type": "PasswordChanged"}));
    assert_eq!(
        phone.receive(),
        json!({"type": "Ended", "reason": "password_changed"})
    );
    assert_eq!(phone.closed(), closed(4403, "password_changed"));
    assert_eq!(
        here.ask(&json!({"type": "Sessions"}))["sessions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let mut client = node.v1();
    let login = |password: &str| json!({"type": "Login", "username": "ada", "password": password});
    assert_eq!(
        client.ask(&login("correct horse"))["type"],
        "InvalidPassword"
    );
    assert_eq!(client.ask(&login("another horse"))["type"], "Success");
}

#[test]
fn an_operator_throws_a_session_off_its_live_socket() {
    let node = Node::start();
    let mut client = node.plain();
    let login = client.login("ada");
    let session = SessionId::parse(login["session"].as_str().unwrap()).unwrap();
    let scope = Scope::Session {
        session,
        subject: None,
    };
    let revoke = Revoke {
        scope,
        reason: RevocationReason::Admin,
        by: None,
        address: None,
    };
    assert_eq!(
        node.handfast.ledger().revoke(revoke).wait().unwrap(),
        [session]
    );
    assert_eq!(client.closed(), closed(4403, "admin"));
}

#[test]
fn the_session_of_a_token_that_two_parties_hold_closes_where_it_hangs() {
    let node = Node::start();
    let login = node.v1().login("ada");
    let mut owner = node.v1();
    owner.attempt(&login["token"], "an attempt key of ada");
    let thief = node.v1().attempt(&login["token"], "somebody else's key");
    assert_eq!(thief["reason"], "reused");
    assert_eq!(
        owner.receive(),
        json!({"type": "Ended", "reason": "reused"})
    );
    assert_eq!(owner.closed(), closed(4403, "reused"));
}
