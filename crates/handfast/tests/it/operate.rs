//! What an operator may look at and do.

use crate::{
    client::closed,
    node::{Node, Plan},
};
use handfast::{
    AccountError, RevocationReason, Secret, SessionEnd, SessionId,
    credentials::{AccountMark, Admitted, Answering, Credentials, Login, LoginRefused},
    keys::{Algorithm, KeyFile, LiveKeys},
};
use handfast_core::time::Timestamp;
use handfast_ledger::Memory;
use serde_json::{Value, json};
use std::{
    future::{poll_fn, ready},
    pin::pin,
    sync::Arc,
    task::Poll,
};

fn session_of(answer: &Value) -> SessionId {
    SessionId::parse(answer["session"].as_str().unwrap()).unwrap()
}

#[test]
fn a_revoked_session_loses_its_connection_at_once_and_its_token_for_good() {
    let node = Node::start();
    let (mut client, mut other) = (node.plain(), node.plain());
    let login = client.login("ada");
    other.login("bob");
    let session = session_of(&login);
    let end = node.block_on(node.handfast.revoke(session)).unwrap();
    assert_eq!(end, SessionEnd::Revoked);
    assert_eq!(client.closed(), closed(4403, "admin"));
    assert_eq!(
        node.plain().present(&login["token"])["reason"],
        json!("revoked")
    );
    assert_eq!(other.ask(&json!({"type": "Sessions"}))["type"], "Sessions");
    let again = node.block_on(node.handfast.revoke(session)).unwrap();
    assert_eq!(again, SessionEnd::WasRevoked);
    let unknown = SessionId::from_bytes([7; 16]);
    let unknown = node.block_on(node.handfast.revoke(unknown)).unwrap();
    assert_eq!(unknown, SessionEnd::Unknown);
}

#[test]
fn a_subjects_sessions_are_listed_and_all_revoked() {
    let node = Node::start();
    let mut here = node.plain();
    let first = session_of(&here.login("ada"));
    let mut gone = node.plain();
    let second = session_of(&gone.login("ada"));
    drop(gone);
    node.plain().login("bob");
    let mut listed = node.block_on(node.handfast.sessions_of("ada")).unwrap();
    listed.sort_by_key(|it| it.session != first);
    assert_eq!(
        listed.iter().map(|it| it.session).collect::<Vec<_>>(),
        [first, second]
    );
    assert!(listed[0].online);
    assert_eq!(&*listed[0].address, "127.0.0.1");
    let ended = node.block_on(node.handfast.revoke_all("ada")).unwrap();
    assert_eq!(ended.len(), 2);
    assert_eq!(here.closed(), closed(4403, "admin"));
    let status = node
        .block_on(node.handfast.session(first))
        .unwrap()
        .unwrap();
    assert_eq!(status.revoked.unwrap().reason, RevocationReason::Admin);
    assert!(!status.online);
    let bob = node.block_on(node.handfast.sessions_of("bob")).unwrap();
    assert_eq!(bob.len(), 1);
}

#[test]
fn only_the_token_that_a_client_is_to_hold_is_active() {
    let node = Node::start();
    let active = |token: &Value| {
        let found = node.handfast.introspect(token.as_str().unwrap());
        node.block_on(found).unwrap()
    };
    let mut client = node.plain();
    let first = client.login("ada");
    let found = active(&first["token"]).unwrap();
    assert_eq!(&*found.subject, "ada");
    assert_eq!(found.session, session_of(&first));
    assert_eq!(found.expires_at.as_unix(), first["expires_at"]);
    assert_eq!(found.key, None);
    let second = client.present(&first["token"]);
    assert_eq!(active(&first["token"]), None);
    assert_eq!(active(&second["token"]).unwrap().generation.number(), 1);
    // Looking changed nothing.
    let third = client.present(&second["token"]);
    assert_eq!(third["generation"], 2);
    assert_eq!(client.ask(&json!({"type": "Logout"}))["type"], "LoggedOut");
    assert_eq!(active(&third["token"]), None);
    for text in ["", "x", "a.b.c"] {
        assert_eq!(active(&json!(text)), None);
    }
}

#[test]
fn while_a_push_is_on_its_way_both_tokens_are_active() {
    let node = Plan::with(|settings| {
        settings.connection.refresh_after = std::time::Duration::ZERO;
        settings.connection.heartbeat_interval = std::time::Duration::from_millis(50);
    })
    .start();
    let mut client = node.v1();
    let first = client.login("ada");
    let pushed = client.receive();
    assert_eq!(
        (&pushed["type"], &pushed["generation"]),
        (&json!("Success"), &json!(1))
    );
    for token in [&first["token"], &pushed["token"]] {
        let found = node.handfast.introspect(token.as_str().unwrap());
        assert!(node.block_on(found).unwrap().is_some());
    }
}

#[test]
fn an_account_is_made_and_disabled_with_its_sessions_and_enabled_again() {
    let node = Node::start();
    let desk = node.handfast.accounts().unwrap();
    let secret = Secret::new("correct horse");
    let made = node.block_on(desk.create("Ada", &secret)).unwrap();
    assert_eq!((&*made.subject, made.disabled), ("ada", false));
    let mut client = node.plain();
    client.login("ada");
    let ended = node.block_on(desk.disable("ada")).unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(client.closed(), closed(4403, "admin"));
    let login = json!({"type": "Login", "username": "ada", "password": "correct horse"});
    assert_eq!(node.plain().ask(&login)["type"], "InvalidPassword");
    node.block_on(desk.enable("ada")).unwrap();
    assert_eq!(node.plain().ask(&login)["type"], "Success");
    for outcome in [
        node.block_on(desk.disable("nobody")).map(drop),
        node.block_on(desk.enable("nobody")),
        node.block_on(desk.set_password("nobody", &secret))
            .map(drop),
    ] {
        assert!(matches!(outcome, Err(AccountError::Unknown)), "{outcome:?}");
    }
}

#[test]
fn another_password_ends_every_session_and_the_one_before_opens_nothing() {
    let node = Node::start();
    let mut client = node.plain();
    client.login("ada");
    let desk = node.handfast.accounts().unwrap();
    let password = Secret::new("battery staple");
    let ended = desk.set_password("ada", &password);
    assert_eq!(node.block_on(ended).unwrap().len(), 1);
    assert_eq!(client.closed(), closed(4403, "password_changed"));
    let login = |password| json!({"type": "Login", "username": "ada", "password": password});
    assert_eq!(
        node.plain().ask(&login("correct horse"))["type"],
        "InvalidPassword"
    );
    assert_eq!(
        node.plain().ask(&login("battery staple"))["type"],
        "Success"
    );
}

#[test]
fn what_was_begun_with_an_account_ends_its_sessions_whoever_stops_waiting() {
    /// Begins it, which is when the ledger has answered, and waits no longer.
    fn begin(node: &Node, change: impl Future) {
        let mut change = pin!(change);
        let mut polls = 0;
        node.block_on(poll_fn(|context| {
            drop(change.as_mut().poll(context));
            polls += 1;
            if polls == 2 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
    }

    let node = Node::start();
    let desk = node.handfast.accounts().unwrap();
    let login = json!({"type": "Login", "username": "ada", "password": "battery staple"});
    let mut client = node.plain();
    client.login("ada");
    begin(
        &node,
        desk.set_password("ada", &Secret::new("battery staple")),
    );
    assert_eq!(client.closed(), closed(4403, "password_changed"));
    let mut client = node.plain();
    assert_eq!(client.ask(&login)["type"], "Success");
    begin(&node, desk.disable("ada"));
    assert_eq!(client.closed(), closed(4403, "admin"));
    assert_eq!(node.plain().ask(&login)["type"], "InvalidPassword");
}

/// Admits everybody, and takes it back when the session is stored.
struct SecondThoughts;

impl Credentials for SecondThoughts {
    fn login<'a>(&'a self, _: Login<'a>) -> Answering<'a, Admitted> {
        Box::pin(ready(Ok(Admitted {
            registered: false,
            mark: AccountMark::NONE,
        })))
    }

    fn register<'a>(&'a self, login: Login<'a>) -> Answering<'a, Admitted> {
        self.login(login)
    }

    fn confirm<'a>(&'a self, _: Login<'a>, _: Admitted) -> Answering<'a, ()> {
        Box::pin(ready(Err(LoginRefused::InvalidPassword)))
    }

    fn change_password<'a>(&'a self, _: Login<'a>, _: &'a Secret) -> Answering<'a, ()> {
        Box::pin(ready(Ok(())))
    }
}

#[test]
fn a_login_that_is_not_confirmed_leaves_no_session_behind() {
    let folder = tempfile::tempdir().unwrap();
    let keys = KeyFile::new(folder.path().join("keys"));
    let keys = keys.load_or_create(Algorithm::Hs256, Timestamp::from_unix(0));
    let keys = Arc::new(LiveKeys::new(keys.unwrap()));
    let builder = handfast::Builder::new(Memory::new(), Arc::new(SecondThoughts), keys);
    let node = Plan::default().start_on(builder);
    let login = json!({"type": "Login", "username": "ada", "password": "correct horse"});
    let mut client = node.plain();
    assert_eq!(client.ask(&login)["type"], "InvalidPassword");
    let sessions = node.block_on(node.handfast.sessions_of("ada")).unwrap();
    assert_eq!(sessions, []);
    assert_eq!(
        client.ask(&json!({"type": "Sessions"}))["type"],
        "NotLoggedIn"
    );
    assert!(node.handfast.accounts().is_none());
}
