//! Several tabs on one storage, and a thief's tab on a copy of it.

use crate::world::{Frame, World};
use handfast_core::{
    client::{ClientInput, ClientState, Ended, Initiative},
    limits::ConnectionLimits,
    session::{Refusal, RevocationReason},
};

fn world() -> World {
    World::new(ConnectionLimits::default())
}

/// Copies the storage of the honest client, and opens a tab on the copy.
fn steal(world: &mut World) -> usize {
    let copy = world.storages[0].clone();
    world.storages.push(copy);
    world.open_tab(1, Initiative::Server)
}

#[test]
fn a_second_tab_takes_over_and_the_first_one_stays_away() {
    let mut world = world();
    let first = world.logged_in_tab();
    let second = world.open_tab(0, Initiative::Server);
    world.settle();
    assert_eq!(world.close_of(first), Some((4409, "superseded")));
    assert_eq!(
        world.kinds_to(first),
        [""; 0],
        "superseding ends no session"
    );
    assert_eq!(*world.state(second), ClientState::Authenticated);
    world.run_for(3_600_000);
    assert_eq!(*world.state(first), ClientState::Waiting { until: None });
    assert_eq!(*world.state(second), ClientState::Authenticated);
}

#[test]
fn tabs_may_take_over_from_each_other_for_ever() {
    let mut world = world();
    let first = world.logged_in_tab();
    let second = world.open_tab(0, Initiative::Server);
    for _ in 0..20 {
        world.settle();
        world.tell(first, ClientInput::Start);
        world.settle();
        assert_eq!(*world.state(first), ClientState::Authenticated);
        world.tell(second, ClientInput::Start);
        world.settle();
        assert_eq!(*world.state(second), ClientState::Authenticated);
    }
    assert_eq!(world.record().revoked, None);
}

#[test]
fn tabs_that_present_at_once_end_with_one_owner_and_no_revocation() {
    for gap in 0..80 {
        let mut world = world();
        let first = world.logged_in_tab();
        world.cut(first);
        world.run_for(700);
        world.reopen_tab(first);
        world.run_for(gap);
        let second = world.open_tab(0, Initiative::Server);
        world.run_for(5000);
        assert_eq!(world.record().revoked, None, "with a gap of {gap} ms");
        let owners = [first, second]
            .into_iter()
            .filter(|tab| *world.state(*tab) == ClientState::Authenticated);
        assert_eq!(owners.count(), 1, "with a gap of {gap} ms");
    }
}

/// How often somebody was told that another connection has the session.
fn takeovers(world: &World) -> usize {
    let is_takeover = |(_, frame): &&(usize, Frame)| matches!(frame, Frame::Close(4409, _));
    world.heard.iter().filter(is_takeover).count()
}

#[test]
fn tabs_that_left_presentations_without_an_answer_do_not_take_over_from_each_other_for_ever() {
    let mut most = 0;
    for gap in 0..80 {
        let mut world = world();
        world.decides_late = true;
        let first = world.logged_in_tab();
        world.tell(first, ClientInput::Refresh);
        let second = world.open_tab(0, Initiative::Server);
        world.run_for(gap);
        world.cut(first);
        world.cut(second);
        world.run_for(60_000);
        let after_a_minute = takeovers(&world);
        world.run_for(3_600_000);
        assert_eq!(takeovers(&world), after_a_minute, "with a gap of {gap} ms");
        let owners = [first, second]
            .into_iter()
            .filter(|tab| *world.state(*tab) == ClientState::Authenticated);
        assert_eq!(owners.count(), 1, "with a gap of {gap} ms");
        assert_eq!(world.record().revoked, None, "with a gap of {gap} ms");
        most = most.max(after_a_minute);
    }
    assert!((2..=4).contains(&most), "{most} takeovers");
}

#[test]
fn a_push_that_a_dying_tab_stored_serves_the_next_tab() {
    let mut world = world();
    let first = world.logged_in_tab();
    world.run_for(630_000);
    assert_eq!(world.stored(0), Some(1));
    let second = world.open_tab(0, Initiative::Server);
    world.close_tab(first);
    world.settle();
    assert_eq!(*world.state(second), ClientState::Authenticated);
    assert_eq!(world.generations(), (2, 2));
}

#[test]
fn who_copied_storage_at_rest_is_found_out_when_the_second_party_presents() {
    let mut world = world();
    let honest = world.logged_in_tab();
    world.run_for(1_000_000);
    let thief = steal(&mut world);
    world.settle();
    assert_eq!(world.close_of(honest), Some((4409, "superseded")));
    world.tell(honest, ClientInput::Start);
    world.settle();
    let revoked = world.record().revoked.map(|revocation| revocation.reason);
    assert_eq!(revoked, Some(RevocationReason::Reused));
    assert_eq!(world.close_of(thief), Some((4403, "reused")));
    let refused = ClientState::LoggedOut(Ended::Refused(Refusal::Reused));
    assert_eq!(*world.state(honest), refused);
    assert!(
        world.storages[0].token().is_none(),
        "a dead token is forgotten"
    );
}

#[test]
fn who_is_told_stale_with_nothing_newer_tries_once_more_and_that_ends_the_session() {
    let mut world = world();
    let honest = world.logged_in_tab();
    // The thief copies the storage in the middle of an attempt, and gets the answer.
    world.breaks_at = Some("Success");
    world.cut(honest);
    while world.breaks_at.is_some() {
        world.run_for(10);
    }
    world.close_tab(honest);
    let thief = steal(&mut world);
    world.settle();
    assert_eq!(world.generations(), (1, 1), "the thief acknowledged");
    world.heard.clear();
    world.reopen_tab(honest);
    world.settle();
    let messages = world.messages_to(honest);
    let reasons: Vec<_> = messages
        .iter()
        .filter_map(|it| it["reason"].as_str())
        .collect();
    assert_eq!(reasons, ["stale", "reused"]);
    assert_eq!(world.close_of(thief), Some((4403, "reused")));
    assert_eq!(
        world.kinds_to(thief).first().map(String::as_str),
        Some("Ended")
    );
    world.run_for(60_000);
    let ended = Ended::Revoked(Some(RevocationReason::Reused));
    assert_eq!(*world.state(thief), ClientState::LoggedOut(ended));
}

#[test]
fn a_logout_in_one_tab_leaves_the_newer_login_of_another() {
    let mut world = world();
    let first = world.logged_in_tab();
    // The second tab has lost the session, and logs in as somebody else.
    let old = world.session().to_text();
    world.storages[0].forget(&old);
    let second = world.open_tab(0, Initiative::Server);
    world.settle();
    world.log_in(second, "bob", "battery staple");
    world.settle();
    assert_eq!(*world.state(second), ClientState::Authenticated);
    world.tell(first, ClientInput::Logout { everywhere: false });
    world.settle();
    assert_eq!(
        *world.state(first),
        ClientState::LoggedOut(Ended::LoggedOut)
    );
    world.run_for(630_000);
    assert_eq!(world.stored(0), Some(1), "pushed to the second tab");
}

#[test]
fn a_tab_of_an_older_session_does_not_overwrite_a_newer_login() {
    let mut world = world();
    let first = world.logged_in_tab();
    let old = world.session().to_text();
    world.storages[0].forget(&old);
    let second = world.open_tab(0, Initiative::Server);
    world.settle();
    world.log_in(second, "bob", "battery staple");
    world.settle();
    for _ in 0..4 {
        world.run_for(630_000);
        let stored = world.storages[0].token().map(|stored| &*stored.session);
        assert!(stored.is_some_and(|session| session != old));
    }
    assert_eq!(*world.state(first), ClientState::Authenticated);
    assert_eq!(*world.state(second), ClientState::Authenticated);
}
