//! How sessions and connections end.

use crate::world::{Frame, World};
use handfast_core::{
    client::{ClientInput, ClientState, Ended, Initiative},
    limits::ConnectionLimits,
    session::RevocationReason,
};
use serde_json::json;
use std::time::Duration;

fn world() -> World {
    World::new(ConnectionLimits::default())
}

/// A tab of the same person on another device.
fn other_device(world: &mut World) -> usize {
    world
        .storages
        .push(handfast_core::client::Storage::default());
    let tab = world.open_tab(world.storages.len() - 1, Initiative::Server);
    world.settle();
    world.log_in(tab, "alice", "correct horse");
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    tab
}

/// The tab was told that its session ended, was closed, and has forgotten it.
fn assert_ended(world: &mut World, tab: usize, reason: RevocationReason) {
    assert_eq!(world.close_of(tab), Some((4403, reason.as_str())));
    let messages = world.messages_to(tab);
    let ended = json!({"type": "Ended", "reason": reason.as_str()});
    assert_eq!(messages.last(), Some(&ended));
    world.run_for(60_000);
    let ended = ClientState::LoggedOut(Ended::Revoked(Some(reason)));
    assert_eq!(*world.state(tab), ended);
}

#[test]
fn an_operator_ends_a_session_and_its_connection() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let (session, now) = (world.session(), world.now().unix);
    let signals = world.ledger.end_as_admin(session, now);
    world.signal(signals);
    world.run_for(30);
    assert!(world.storages[0].token().is_none());
    assert_ended(&mut world, tab, RevocationReason::Admin);
}

#[test]
fn a_revocation_that_nobody_signalled_is_found_by_the_next_push() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let (session, now) = (world.session(), world.now().unix);
    drop(world.ledger.end_as_admin(session, now));
    world.run_for(630_000);
    assert!(world.storages[0].token().is_none());
    assert_eq!(world.close_of(tab), Some((4403, "admin")));
}

#[test]
fn a_logout_ends_the_session_and_keeps_the_connection() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let token = world.storages[0]
        .token()
        .map(|it| it.token.expose().to_owned());
    world.tell(tab, ClientInput::Logout { everywhere: false });
    world.settle();
    assert_eq!(*world.state(tab), ClientState::LoggedOut(Ended::LoggedOut));
    assert_eq!(world.close_of(tab), None);
    assert!(world.storages[0].token().is_none());
    world.say(
        tab,
        &json!({"type": "RefreshToken", "id": "old", "token": token}),
    );
    world.settle();
    let messages = world.messages_to(tab);
    let refused = json!({"type": "InvalidToken", "id": "old", "reason": "revoked"});
    assert_eq!(messages.last(), Some(&refused));
}

#[test]
fn a_logout_everywhere_ends_the_sessions_of_all_devices() {
    let mut world = world();
    let here = world.logged_in_tab();
    let there = other_device(&mut world);
    world.tell(here, ClientInput::Logout { everywhere: true });
    world.run_for(80);
    assert_eq!(*world.state(here), ClientState::LoggedOut(Ended::LoggedOut));
    assert_ended(&mut world, there, RevocationReason::Logout);
}

#[test]
fn a_new_password_ends_the_sessions_of_other_devices() {
    let mut world = world();
    let here = world.logged_in_tab();
    let there = other_device(&mut world);
    let change = json!({
        "type": "ChangePassword",
        "old_password": "correct horse",
        "new_password": "battery staple",
    });
    world.say(here, &change);
    world.run_for(80);
    assert_eq!(*world.state(here), ClientState::Authenticated);
    assert_ended(&mut world, there, RevocationReason::PasswordChanged);
}

#[test]
fn one_device_ends_the_session_of_another() {
    let mut world = world();
    let here = world.logged_in_tab();
    let there = other_device(&mut world);
    world.say(here, &json!({"type": "Sessions", "id": 1000}));
    world.settle();
    let listed = world.messages_to(here).remove(0);
    let sessions = listed["sessions"].as_array().expect("a list");
    let other = sessions.iter().find(|it| it["current"] == false);
    let other = &other.expect("two sessions")["session"];
    world.say(here, &json!({"type": "Revoke", "session": other}));
    world.run_for(80);
    assert_eq!(*world.state(here), ClientState::Authenticated);
    assert_ended(&mut world, there, RevocationReason::Logout);
}

#[test]
fn revoking_the_own_session_is_a_logout() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let session = world.session().to_text();
    world.say(tab, &json!({"type": "Revoke", "session": session}));
    world.say(tab, &json!({"type": "Sessions"}));
    world.settle();
    assert_eq!(world.kinds_to(tab), ["Revoked", "NotLoggedIn"]);
    assert_eq!(world.close_of(tab), None);
}

#[test]
fn a_session_past_its_time_is_over_however_often_it_was_rotated() {
    let mut world = world();
    world.ledger.policy.session_lifetime = Duration::from_secs(3600);
    let tab = world.logged_in_tab();
    world.run_for(3_590_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert!(world.generations().1 >= 5);
    while world.close_of(tab).is_none() {
        world.run_for(10);
        assert!(world.now_ms < 3_605_000);
    }
    assert_eq!(world.close_of(tab), Some((4410, "expired")));
    assert_eq!(
        world.kinds_to(tab).last().map(String::as_str),
        Some("Ended")
    );
    world.run_for(60_000);
    assert_eq!(*world.state(tab), ClientState::LoggedOut(Ended::Expired));
    assert!(world.storages[0].token().is_none());
}

#[test]
fn a_client_that_was_away_too_long_logs_in_again() {
    let mut world = world();
    world.ledger.policy.lifetime = Duration::from_secs(1000);
    let tab = world.logged_in_tab();
    world.refuses = true;
    world.cut(tab);
    world.run_for(1_100_000);
    world.refuses = false;
    world.run_for(60_000);
    let refused = Ended::Refused(handfast_core::session::Refusal::Expired);
    assert_eq!(*world.state(tab), ClientState::LoggedOut(refused));
    world.log_in(tab, "alice", "correct horse");
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn a_drained_server_says_when_to_come_back() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.drain(7);
    world.run_for(30);
    let closing = json!({"type": "Closing", "reconnect_after": 7});
    assert_eq!(world.messages_to(tab), [closing]);
    assert_eq!(world.close_of(tab), Some((1001, "going_away")));
    world.run_for(6900);
    assert!(matches!(world.state(tab), ClientState::Waiting { .. }));
    world.run_for(2000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn who_does_not_log_in_is_closed_and_comes_back_to_log_in() {
    let mut world = world();
    let tab = world.open_tab(0, Initiative::Server);
    world.run_for(299_000);
    assert_eq!(world.close_of(tab), None);
    world.run_for(2000);
    assert_eq!(world.close_of(tab), Some((4401, "not_authenticated")));
    world.run_for(3_600_000);
    assert_eq!(*world.state(tab), ClientState::LoggedOut(Ended::LoggedOut));
    assert_eq!(
        world.tab(tab).client.deadline(),
        None,
        "nothing is under way"
    );
    world.log_in(tab, "alice", "correct horse");
    world.settle();
    world.log_in(tab, "alice", "correct horse");
    world.run_for(2000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn who_sends_nothing_but_nonsense_is_closed_and_stays_away() {
    let mut world = world();
    let tab = world.open_tab(0, Initiative::Server);
    world.settle();
    for number in 0..40 {
        world.send(tab, Frame::Text(format!("@{number}")));
    }
    world.settle();
    let kinds = world.kinds_to(tab);
    assert_eq!(kinds.len(), 34, "Hello, 32 that are forgiven, and the last");
    assert_eq!(world.close_of(tab), Some((4400, "invalid_requests")));
    world.run_for(60_000);
    assert_eq!(*world.state(tab), ClientState::Waiting { until: None });
}
