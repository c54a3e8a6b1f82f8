//! What the beat does: it finds the dead, and sends a push until it is acknowledged.

use crate::world::World;
use handfast_core::{
    client::{ClientState, Initiative},
    limits::ConnectionLimits,
};
use serde_json::Value;
use std::time::Duration;

fn world() -> World {
    World::new(ConnectionLimits::default())
}

#[test]
fn a_client_that_answers_pings_stays_for_ever() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.run_for(24 * 3_600_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.close_of(tab), None);
}

#[test]
fn a_client_that_falls_silent_is_closed_after_interval_and_timeout() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.mute(tab, true);
    let silent_since = world.now_ms;
    // Its last word was the acknowledgement of its login.
    world.run_for(34_000 - 960);
    assert_eq!(world.close_of(tab), None, "silent since {silent_since}");
    world.run_for(1_100);
    assert_eq!(world.close_of(tab), Some((4408, "heartbeat")));
    world.mute(tab, false);
    world.run_for(2_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn a_connection_whose_client_vanished_is_given_up() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.refuses = true;
    world.vanish(tab);
    assert_eq!(world.served.len(), 1);
    world.run_for(36_000);
    let open = world.served.values().filter(|it| !it.machine.is_closed());
    assert_eq!(open.count(), 0);
}

#[test]
fn a_vanished_connection_gives_way_to_the_next_one() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.vanish(tab);
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    let open = world.served.values().filter(|it| !it.machine.is_closed());
    assert_eq!(open.count(), 1, "the old one was superseded");
}

#[test]
fn a_push_into_a_dead_connection_is_answered_on_the_next_one() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let mut beats = 0;
    // Falls silent just before the beat that pushes.
    while world.generations().1 == 0 {
        world.run_for(25_000);
        beats += 1;
        assert!(beats < 40, "no push");
        if world.now_ms > 590_000 {
            world.refuses = true;
            world.vanish(tab);
        }
    }
    assert_eq!(world.generations(), (0, 1));
    assert_eq!(world.stored(0), Some(0));
    world.refuses = false;
    world.run_for(60_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.generations(), (1, 1));
}

#[test]
fn a_push_whose_acknowledgement_the_ledger_lost_is_sent_again() {
    let mut world = world();
    let tab = world.logged_in_tab();
    while world.generations().1 == 0 {
        world.run_for(10);
    }
    world.ledger.unavailable = true;
    world.settle();
    assert_eq!(world.stored(0), Some(1));
    assert_eq!(world.generations(), (0, 1), "the acknowledgement was lost");
    world.ledger.unavailable = false;
    // The machine believes that it is confirmed, until it wants to push again.
    world.run_for(700_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    let (confirmed, issued) = world.generations();
    assert_eq!(confirmed, issued);
    assert!(confirmed >= 1);
}

#[test]
fn a_push_that_the_ledger_issued_without_saying_so_is_sent_at_the_next_beat() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.ledger.loses_answers = true;
    while world.generations().1 == 0 {
        world.run_for(1000);
    }
    world.ledger.loses_answers = false;
    assert_eq!(world.kinds_to(tab), [""; 0]);
    world.run_for(26_000);
    assert_eq!(world.kinds_to(tab), ["Success"]);
    assert_eq!(world.generations(), (1, 1));
}

#[test]
fn a_push_that_the_ledger_could_not_issue_is_tried_at_the_next_beat() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.ledger.unavailable = true;
    world.run_for(630_000);
    assert_eq!(world.kinds_to(tab), [""; 0], "a client hears nothing of it");
    world.ledger.unavailable = false;
    world.run_for(26_000);
    assert_eq!(world.kinds_to(tab), ["Success"]);
    assert_eq!(world.generations(), (1, 1));
}

#[test]
fn an_answer_that_was_never_acknowledged_is_sent_again_when_it_is_due() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.cut(tab);
    world.run_for(10);
    // Its `Ack` never reaches the ledger.
    while world.generations().1 == 0 {
        world.run_for(1);
    }
    world.ledger.unavailable = true;
    world.settle();
    world.ledger.unavailable = false;
    assert_eq!(world.generations(), (0, 1));
    world.messages_to(tab);
    world.run_for(700_000);
    let messages = world.messages_to(tab);
    let generations = messages.iter().map(|it| it["generation"].as_u64());
    assert!(
        generations.eq([Some(1), Some(2)]),
        "again, and then the next"
    );
    assert_eq!(world.generations(), (2, 2));
}

#[test]
fn with_times_as_short_as_a_test_would_set_them_a_session_lives_on() {
    let limits = ConnectionLimits {
        heartbeat_interval: Duration::from_secs(5),
        refresh_after: Duration::from_secs(12),
        ..ConnectionLimits::default()
    };
    for initiative in [Initiative::Server, Initiative::Client] {
        let mut world = World::new(limits);
        world.ledger.policy.lifetime = Duration::from_secs(20);
        let tab = world.open_tab(0, initiative);
        world.settle();
        world.log_in(tab, "alice", "correct horse");
        world.run_for(600_000);
        assert_eq!(*world.state(tab), ClientState::Authenticated);
        assert_eq!(world.close_of(tab), None);
        assert!(world.generations().0 >= 39, "{:?}", world.generations());
    }
}

#[test]
fn every_push_is_to_the_owner_and_of_the_next_generation() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.run_for(24 * 3_600_000);
    let messages = world.messages_to(tab);
    let generations = messages.iter().map(|it| it["generation"].as_u64());
    assert!(messages.len() > 100);
    assert!(generations.eq((1..).map(Some).take(messages.len())));
    assert!(messages.iter().all(|it| it["id"] == Value::Null));
}
