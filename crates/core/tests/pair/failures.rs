//! A ledger that cannot answer, a server that is away, and machines that are used wrongly.

use crate::{server::Served, world::World};
use handfast_core::{
    client::{ClientInput, ClientState, Initiative},
    connection::{Input, Reply, Signal},
    framing::Framing,
    limits::ConnectionLimits,
    session::{Pushed, Refusal, RevocationReason},
};
use serde_json::json;

fn world() -> World {
    World::new(ConnectionLimits::default())
}

#[test]
fn a_presentation_that_the_ledger_cannot_decide_is_tried_again() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.ledger.unavailable = true;
    world.cut(tab);
    world.run_for(20_000);
    assert_eq!(*world.state(tab), ClientState::Authenticating);
    let tries = world.kinds_to(tab);
    let unavailable = tries.iter().filter(|kind| *kind == "Unavailable");
    assert!(
        (8..=11).contains(&unavailable.count()),
        "every two seconds: {tries:?}"
    );
    world.ledger.unavailable = false;
    world.run_for(3000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    assert_eq!(world.generations(), (1, 1));
}

#[test]
fn a_login_that_the_ledger_cannot_decide_is_refused_with_a_wait() {
    let mut world = world();
    let tab = world.open_tab(0, Initiative::Server);
    world.settle();
    world.ledger.unavailable = true;
    world.log_in(tab, "alice", "correct horse");
    world.settle();
    assert_eq!(world.tab(tab).logins_refused, 1);
    assert!(matches!(world.state(tab), ClientState::LoggedOut(_)));
}

#[test]
fn a_server_that_is_away_is_tried_with_growing_waits_of_at_most_thirty_seconds() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.refuses = true;
    world.cut(tab);
    let mut longest = 0;
    for _ in 0..100 {
        let ClientState::Waiting { until: Some(until) } = *world.state(tab) else {
            world.run_for(10);
            continue;
        };
        let wait = until.as_millis().saturating_sub(world.now_ms);
        assert!(wait <= 30_000);
        longest = longest.max(wait);
        world.run_for(wait + 50);
    }
    assert!(longest > 20_000, "the waits grow");
    world.refuses = false;
    world.run_for(31_000);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
    world.cut(tab);
    world.run_for(600);
    assert_eq!(
        *world.state(tab),
        ClientState::Authenticated,
        "the waits are short again"
    );
}

#[test]
fn messages_beyond_the_one_that_is_decided_wait_in_order() {
    let mut world = world();
    let tab = world.logged_in_tab();
    for number in 0..50 {
        let kind = ["Sessions", "Nonsense", "Register"][number % 3];
        world.say(
            tab,
            &json!({"type": kind, "id": number, "username": "a", "password": "b"}),
        );
    }
    world.run_for(10_000);
    let messages = world.messages_to(tab);
    assert!(
        messages
            .iter()
            .map(|it| it["id"].as_u64())
            .eq((0..33).map(Some).chain((33..50).map(Some)))
    );
}

#[test]
fn an_acknowledgement_that_waited_for_a_question_is_heard_after_it() {
    let mut world = world();
    let tab = world.logged_in_tab();
    world.cut(tab);
    world.run_for(5_000);
    world.tell(tab, ClientInput::Refresh);
    for _ in 0..10 {
        world.say(tab, &json!({"type": "Sessions"}));
    }
    world.run_for(5_000);
    assert_eq!(world.generations(), (2, 2));
}

/// One connection by itself.
fn served(world: &World, framing: Framing) -> Served {
    let mut served = Served::new(&world.limits, framing, true, world.now());
    drop(served.feed(world.now(), Input::Heard));
    served
}

#[test]
fn a_reply_that_nobody_asked_for_is_no_session() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let grant = world.ledger.grant(world.session(), &world.record());
    let replies = || {
        [
            Reply::LoggedIn {
                subject: "mallory".into(),
                grant,
                registered: false,
            },
            Reply::Presented {
                subject: "mallory".into(),
                grant,
            },
            Reply::Pushed(grant),
            Reply::NotPushed(Pushed::Ended),
            Reply::Refused(Refusal::Reused),
            Reply::Ended,
            Reply::PasswordChanged,
        ]
    };
    for framing in [Framing::Plain, Framing::V1] {
        for reply in replies() {
            let mut served = served(&world, framing);
            let acts = served.feed(world.now(), Input::Replied(reply));
            assert!(acts.is_empty(), "{acts:?}");
            assert_eq!(served.session(), None);
        }
    }
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}

#[test]
fn a_closed_machine_does_nothing_whatever_comes() {
    let world = world();
    let closings = [
        Signal::Superseded,
        Signal::Ended(RevocationReason::Reused),
        Signal::GoingAway { reconnect_after: 1 },
    ];
    for closing in closings {
        let mut served = served(&world, Framing::V1);
        let acts = served.feed(world.now(), Input::Signalled(closing));
        assert!(!acts.is_empty() && served.machine.is_closed());
        assert_eq!(served.machine.deadline(), None);
        assert!(!served.machine.takes_frames());
        let inputs = [
            Input::Text("@{\"type\":\"Logout\"}"),
            Input::Binary(&[0]),
            Input::Heard,
            Input::Pong,
            Input::Replied(Reply::Ended),
            Input::Signalled(closing),
            Input::Tick,
        ];
        for input in inputs {
            assert!(served.feed(world.now(), input).is_empty());
        }
    }
}

#[test]
fn who_is_superseded_while_presenting_is_closed_and_the_answer_is_not_applied() {
    let mut world = world();
    let tab = world.logged_in_tab();
    let stranger = Signal::Superseded;
    let token = world.storages[0]
        .token()
        .map(|it| it.token.expose().to_owned());
    let request = format!(
        "{{\"type\":\"RefreshToken\",\"token\":{:?}}}",
        token.unwrap_or_default()
    );
    let mut served = served(&world, Framing::Plain);
    assert_eq!(
        served.feed(world.now(), Input::Text(&request)).len(),
        1,
        "a question"
    );
    assert_eq!(
        served.feed(world.now(), Input::Signalled(stranger)).len(),
        1,
        "a close"
    );
    let grant = world.ledger.grant(world.session(), &world.record());
    let reply = Reply::Presented {
        subject: "alice".into(),
        grant,
    };
    assert!(served.reply(world.now(), reply).is_empty());
    assert_eq!(served.session(), None);
    assert_eq!(*world.state(tab), ClientState::Authenticated);
}
