//! Pages that know only the plain framing work unchanged.

use crate::world::{Frame, World};
use handfast_core::limits::ConnectionLimits;
use serde_json::json;

fn world() -> World {
    World::new(ConnectionLimits::default())
}

/// A page whose login has made an account.
fn logged_in_page(world: &mut World) -> usize {
    let page = world.open_page();
    world.settle();
    world.log_in(page, "alice", "correct horse");
    world.settle();
    assert_eq!(world.kinds_to(page), ["Registered"]);
    page
}

#[test]
fn a_page_logs_in_reloads_and_logs_out() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    for _ in 0..5 {
        world.cut(page);
        world.run_for(2000);
        assert_eq!(world.kinds_to(page), ["Success"]);
    }
    world.log_in(page, "alice", "correct horse");
    world.settle();
    let again = json!({"type": "AlreadyAuthorized", "username": "alice"});
    assert_eq!(world.messages_to(page), [again]);
    let token = world.page(page).token.clone();
    for expected in ["LoggedOut", "NotLoggedIn"] {
        world.say(page, &json!({"type": "Logout", "token": token}));
        world.settle();
        assert_eq!(world.kinds_to(page), [expected]);
    }
    world.say(page, &json!({"type": "RefreshToken", "token": token}));
    world.settle();
    let dead = json!({"type": "InvalidToken", "reason": "revoked"});
    assert_eq!(world.messages_to(page), [dead]);
    assert_eq!(world.page(page).errors, [json!(null); 0]);
}

#[test]
fn the_second_pong_after_a_push_stands_for_its_acknowledgement() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    while world.generations().1 == 0 {
        world.run_for(1000);
    }
    world.settle();
    assert_eq!(world.generations(), (0, 1), "one pong says nothing yet");
    world.run_for(25_000);
    assert_eq!(world.generations(), (1, 1));
    assert_eq!(
        world.kinds_to(page).len(),
        2,
        "the beat before it sent it again"
    );
    world.run_for(500_000);
    assert_eq!(
        world.kinds_to(page),
        [""; 0],
        "acknowledged is acknowledged"
    );
}

#[test]
fn a_push_is_sent_again_on_each_beat_until_it_is_acknowledged() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    while world.generations().1 == 0 {
        world.run_for(1000);
    }
    world.mute(page, true);
    world.settle();
    world.messages_to(page);
    for _ in 0..4 {
        // It does not answer pings, but it is there.
        world.say(page, &json!({"type": "Sessions"}));
        world.run_for(25_000);
        let messages = world.messages_to(page);
        let pushed = messages.iter().filter(|it| it["type"] == "Success");
        let generations: Vec<_> = pushed.map(|it| it["generation"].as_u64()).collect();
        assert_eq!(generations, [Some(1)]);
    }
    assert_eq!(world.generations(), (0, 1));
}

#[test]
fn a_page_survives_a_day_of_pushes_and_a_reload_at_any_time() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    for round in 0..200 {
        world.run_for(400_000 + round * 1_111);
        world.cut(page);
        world.run_for(2000);
        assert!(world.page(page).token.is_some(), "in round {round}");
    }
    assert_eq!(world.record().revoked, None);
    assert_eq!(world.page(page).errors, [json!(null); 0]);
}

#[test]
fn a_page_may_lose_every_other_answer() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    for _ in 0..50 {
        world.breaks_at = Some("Success");
        world.cut(page);
        world.run_for(5000);
        assert!(world.page(page).token.is_some());
    }
    assert_eq!(world.record().revoked, None);
    assert_eq!(world.kinds_to(page).len(), 50);
}

#[test]
fn a_page_that_lost_a_push_goes_on_with_the_token_before_it() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    world.breaks_at = Some("Success");
    world.run_for(640_000);
    assert_eq!(world.breaks_at, None, "the push was lost");
    world.run_for(2000);
    assert_eq!(world.kinds_to(page), ["Success"]);
    assert_eq!(world.record().revoked, None);
}

#[test]
fn a_refresh_on_a_live_connection_works_and_leaves_nothing_to_push() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    for _ in 0..20 {
        world.run_for(500_000);
        let token = world.page(page).token.clone();
        world.say(page, &json!({"type": "RefreshToken", "token": token}));
        world.settle();
        assert_eq!(world.kinds_to(page), ["Success"]);
    }
}

#[test]
fn the_one_message_that_a_page_did_not_cause_is_success() {
    let mut world = world();
    let page = logged_in_page(&mut world);
    world.run_for(3_600_000);
    world.drain(5);
    world.run_for(3000);
    let (session, now) = (world.session(), world.now().unix);
    let signals = world.ledger.end_as_admin(session, now);
    world.signal(signals);
    world.run_for(30);
    assert_eq!(world.close_of(page), Some((4403, "admin")));
    world.run_for(3000);
    assert!(world.page(page).token.is_none(), "its token was refused");
    assert_eq!(world.page(page).errors, [json!(null); 0]);
    let kinds = world.kinds_to(page);
    let (last, others) = kinds.split_last().expect("messages");
    assert_eq!(last, "InvalidToken");
    assert!(others.iter().all(|kind| kind == "Success"));
}

#[test]
fn answers_come_in_the_order_of_the_requests() {
    let mut world = world();
    let page = world.open_page();
    world.settle();
    world.say(page, &json!({"type": "Logout"}));
    world.log_in(page, "alice", "correct horse");
    world.send(page, Frame::Text("nonsense".into()));
    world.send(page, Frame::Binary(vec![1, 2, 3]));
    world.log_in(page, "alice", "correct horse");
    world.say(page, &json!({"type": "Sessions"}));
    world.say(page, &json!({"type": "Logout"}));
    world.say(page, &json!({"type": "Sessions"}));
    world.log_in(page, "alice", "wrong pony");
    world.settle();
    let expected = [
        "NotLoggedIn",
        "Registered",
        "InvalidRequest",
        "InvalidRequest",
        "AlreadyAuthorized",
        "Sessions",
        "LoggedOut",
        "NotLoggedIn",
        "InvalidPassword",
    ];
    assert_eq!(world.kinds_to(page), expected);
}
