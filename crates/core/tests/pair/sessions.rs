//! How sessions begin and go on.

use crate::world::{Frame, World};
use handfast_core::{
    client::{ClientInput, ClientState, Ended, Initiative},
    framing,
    limits::ConnectionLimits,
    session::Refusal,
};
use serde_json::{Value, json};

/// As long as a token is good for, and a heartbeat for it to be pushed.
const UNTIL_PUSHED_MS: u64 = 630_000;

fn world() -> World {
    World::new(ConnectionLimits::default())
}

#[test]
fn a_login_is_pushed_to_acknowledges_and_is_pushed_to_again() {
    let mut world = world();
    let tab = world.logged_in_tab();
    assert_eq!(world.generations(), (0, 0));
    for generation in 1..=5 {
        world.run_for(UNTIL_PUSHED_MS);
        assert_eq!(world.kinds_to(tab), ["Success"]);
        assert_eq!(world.generations(), (generation, generation));
        assert_eq!(world.stored(0), Some(generation));
    }
}

#[test]
fn a_client_that_comes_back_goes_on_with_its_session() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.cut(tab);
    assert!(matches!(
        world.state(tab),
        ClientState::Waiting { until: Some(_) }
    ));
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.kinds_to(tab), ["Hello", "Success"]);
    assert_eq!(world.generations(), (1, 1));
}

#[test]
fn a_lost_answer_is_answered_again_with_the_same_generation() {
    let mut world = world();
    let tab = world.logged_in_tab();
    for _ in 0..3 {
        world.breaks_at = Some("Success");
        world.cut(tab);
        world.run_for(3000);
        assert_eq!(*world.state(tab), ClientState::Authenticated);
    }
    // Six presentations, three generations: each lost answer was answered again.
    assert_eq!(world.generations(), (3, 3));
    assert_eq!(world.record().revoked, None);
}

#[test]
fn a_crash_before_the_answer_is_stored_costs_nothing() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.breaks_at = Some("Success");
    world.cut(tab);
    world.run_for(600);
    world.reopen_tab(tab);
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.generations(), (1, 1));
}

#[test]
fn a_presentation_that_outlives_its_connection_costs_nothing() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.decides_late = true;
    world.cut(tab);
    // The request has reached the server, and the ledger has not looked at it yet.
    world.run_for(60_000);
    for _ in 0..5 {
        world.reopen_tab(tab);
        world.run_for(62);
    }
    world.run_for(60_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.record().revoked, None);
}

#[test]
fn a_client_in_charge_of_its_token_leaves_the_heartbeat_nothing_to_push() {
    let mut world = world();
    let tab = world.open_tab(0, Initiative::Client);
    world.settle();
    world.log_in(tab, "alice", "correct horse");
    world.run_for(10 * 600_000);
    let messages = world.messages_to(tab);
    let asked = |message: &&Value| message["type"] == "Success" && message.get("id").is_some();
    assert_eq!(messages.iter().filter(asked).count(), 9);
    assert_eq!(
        messages.len(),
        11,
        "Hello and Registered, and no push: {messages:?}"
    );
    assert_eq!(world.generations(), (9, 9));
}

#[test]
fn a_refresh_that_crosses_a_push_costs_nothing() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.run_for(UNTIL_PUSHED_MS);
    let pushed_at = world.record().token_issued_at.as_unix() - 1_800_000_000;
    // The next push leaves at a beat after ten more minutes; refresh within the time that it travels.
    let beat_ms = (pushed_at + 600).div_ceil(25) * 25_000;
    for offset in 0..60 {
        let mut world = World::new(ConnectionLimits::default());
        let tab = world.logged_in_tab();
        let start = world.now_ms;
        world.run_for(beat_ms - start + offset - 30);
        world.tell(tab, ClientInput::Refresh);
        world.settle();
        assert_eq!(*world.state(tab), ClientState::Authenticated);
        assert_eq!(world.record().revoked, None);
        assert_eq!(world.stored(0), Some(world.generations().1));
    }
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn a_person_who_mistypes_the_password_may_try_again() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.tell(tab, ClientInput::Logout { everywhere: false });
    world.settle();
    assert_eq!(*world.state(tab), ClientState::LoggedOut(Ended::LoggedOut));
    world.log_in(tab, "alice", "wrong pony");
    world.settle();
    assert_eq!(world.tab(tab).logins_refused, 1);
    assert!(matches!(world.state(tab), ClientState::LoggedOut(_)));
    world.log_in(tab, "alice", "correct horse");
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn the_applications_frames_pass_byte_for_byte() {
    let mut world = world();
    let tab = world.logged_in_tab();
    for text in ["hello", "", "{\"type\":\"Logout\"}"] {
        world.send(tab, Frame::Text(text.into()));
    }
    world.send(tab, Frame::Text("@@mention".into()));
    world.send(tab, Frame::Binary(vec![0, 255]));
    world.settle();
    let frames: Vec<_> = world.delivered.drain(..).map(|(_, frame)| frame).collect();
    let text = |text: &str| framing::Frame::Text(text.into());
    let expected = [
        text("hello"),
        text(""),
        text("{\"type\":\"Logout\"}"),
        text("@mention"),
        framing::Frame::Binary(vec![0, 255]),
    ];
    assert_eq!(frames, expected);
}

#[test]
fn application_frames_right_behind_a_login_wait_until_it_is_decided() {
    let mut world = world();
    let tab = world.open_tab(0, Initiative::Server);
    world.settle();
    world.log_in(tab, "alice", "correct horse");
    for number in 0..5 {
        world.send(tab, Frame::Text(format!("frame {number}")));
    }
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    let frames = world.delivered.iter().map(|(_, frame)| frame.clone());
    let expected = (0..5).map(|number| framing::Frame::Text(format!("frame {number}")));
    assert!(frames.eq(expected), "{:?}", world.delivered);
}

#[test]
fn application_frames_of_a_stranger_reach_nobody() {
    let mut world = world();
    let tab = world.open_tab(0, Initiative::Server);
    world.settle();
    world.send(tab, Frame::Text("let me in".into()));
    world.send(tab, Frame::Binary(vec![1]));
    let login = json!({"type": "Login", "username": "", "password": ""});
    world.say(tab, &login);
    world.send(tab, Frame::Text("and now?".into()));
    world.settle();
    assert_eq!(world.delivered, []);
    let reasons: Vec<_> = world.messages_to(tab);
    let reasons = reasons.iter().map(|message| message["reason"].as_str());
    let frame = Some("application_frame");
    let expected = [None, frame, frame, Some("username_invalid"), frame];
    assert!(reasons.eq(expected));
}

#[test]
fn who_gives_a_session_up_on_a_live_connection_can_log_in_on_it_again() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.ledger.sessions.clear();
    world.tell(tab, ClientInput::Refresh);
    world.settle();
    let refused = Ended::Refused(Refusal::Unknown);
    assert_eq!(*world.state(tab), ClientState::LoggedOut(refused));
    assert!(world.storages[0].token().is_none());
    world.log_in(tab, "alice", "correct horse");
    world.settle();
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.stored(0), Some(0));
    assert_eq!(world.close_of(tab), None, "on the same connection");
}
