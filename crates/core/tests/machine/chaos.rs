//! The server's machine under anything that a driver or a client could tell it.

use crate::connection::{LOGIN, Machine, PRESENT, grant, presented};
use handfast_core::{
    connection::{Input, Reply, Signal},
    framing::Framing,
    limits::{ConnectionLimits, TokenDelivery},
    message::InvalidReason,
    session::{Pushed, Refusal, RevocationReason},
    time::Moment,
};
use proptest::prelude::*;

/// Something that a driver might tell its machine.
#[derive(Clone, Debug)]
enum Told {
    Text(String),
    Binary,
    Heard,
    Pong,
    Cookie,
    Reply(u8, u64),
    Signal(u8),
    Wait(u64),
}

fn told() -> impl Strategy<Value = Told> {
    let messages = vec![
        LOGIN,
        PRESENT,
        r#"{"type":"Register","username":"ann","password":"secret","id":"x"}"#,
        r#"{"type":"Ack","generation":1}"#,
        r#"{"type":"Logout","everywhere":true}"#,
        r#"{"type":"Sessions"}"#,
        r#"{"type":"Ticket"}"#,
        r#"{"type":"Revoke","session":"AQEBAQEBAQEBAQEBAQEBAQ"}"#,
        r#"{"type":"ChangePassword","old_password":"a","new_password":"b"}"#,
        r#"{"type":"Nonsense"}"#,
        "[]",
        "@hello",
    ];
    let message = prop::sample::select(messages).prop_map(|it| Told::Text(format!("@{it}")));
    prop_oneof![
        6 => message,
        1 => any::<String>().prop_map(Told::Text),
        1 => Just(Told::Binary),
        2 => Just(Told::Heard),
        2 => Just(Told::Pong),
        1 => Just(Told::Cookie),
        6 => (0..14_u8, 0..4_u64).prop_map(|(which, number)| Told::Reply(which, number)),
        1 => (0..9_u8).prop_map(Told::Signal),
        3 => (0..60_000_u64).prop_map(Told::Wait),
        1 => (0..10_000_000_u64).prop_map(Told::Wait),
    ]
}

fn reply(which: u8, number: u64) -> Reply {
    match which {
        0..=2 => Reply::LoggedIn {
            subject: "ann".into(),
            grant: grant(number, 0),
            registered: which == 0,
        },
        3..=5 => presented(number),
        6 => Reply::InvalidPassword,
        7 => Reply::Invalid(InvalidReason::UsernameTaken),
        8 => Reply::Refused(Refusal::ALL[number as usize]),
        9 => Reply::Pushed(grant(number, 0)),
        10 => Reply::NotPushed(Pushed::Unconfirmed),
        11 => Reply::Ended,
        12 => Reply::Sessions(vec![]),
        _ => Reply::Unavailable {
            retry_after: number,
        },
    }
}

fn signal(which: u8) -> Signal {
    match which {
        0 | 1 => Signal::Superseded,
        2 | 3 => Signal::Ended(RevocationReason::Logout),
        _ => Signal::GoingAway { reconnect_after: 1 },
    }
}

/// What is known of a machine from its outputs alone.
#[derive(Default)]
struct Seen {
    asked: bool,
    closed: bool,
    refused: usize,
}

impl Seen {
    fn note(&mut self, framing: Framing, lines: &[String]) {
        for line in lines {
            assert!(!self.closed, "after its close: {line}");
            let plain = framing == Framing::Plain;
            assert!(
                !plain || !line.starts_with("Ended") && line != "Closing",
                "{line}"
            );
            if line.starts_with("ask") {
                assert!(!self.asked, "two questions at once");
                self.asked = true;
            }
            self.refused += usize::from(line.starts_with("InvalidRequest"));
            self.closed |= line.starts_with(|first: char| first.is_ascii_digit());
        }
        assert!(self.refused <= 33);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_machine_is_told_it_keeps_its_contract(
        framing in prop::sample::select(vec![Framing::Plain, Framing::V1]),
        delivery in prop::sample::select(vec![TokenDelivery::Message, TokenDelivery::Cookie]),
        application in any::<bool>(),
        all in prop::collection::vec(told(), 1..80),
    ) {
        let limits = ConnectionLimits { delivery, ..ConnectionLimits::default() };
        let mut machine = Machine::with(limits, framing, application);
        let mut seen = Seen::default();
        let mut ms = 0;
        for told in all {
            if !machine.connection.takes_frames() && matches!(told, Told::Text(_) | Told::Binary) {
                prop_assert!(seen.asked || seen.closed, "it waits for nothing");
                continue;
            }
            let lines = match told {
                Told::Text(text) => {
                    // The plain framing knows no mark.
                    let bare = text.strip_prefix('@').filter(|_| framing == Framing::Plain);
                    let text = bare.map_or_else(|| text.clone(), str::to_owned);
                    machine.put(ms, Input::Text(&text))
                }
                Told::Binary => machine.put(ms, Input::Binary(&[1])),
                Told::Heard => machine.put(ms, Input::Heard),
                Told::Pong => machine.put(ms, Input::Pong),
                Told::Cookie => machine.put(ms, Input::Cookie),
                Told::Reply(which, number) => {
                    seen.asked = false;
                    machine.reply(ms, reply(which, number))
                }
                Told::Signal(which) => machine.put(ms, Input::Signalled(signal(which))),
                Told::Wait(wait) => {
                    let due = machine.connection.deadline().map_or(0, Moment::as_millis);
                    ms = (ms + wait).min(due.max(ms));
                    machine.put(ms, Input::Tick)
                }
            };
            seen.note(framing, &lines);
            prop_assert_eq!(seen.closed, machine.connection.is_closed());
            let deadline = machine.connection.deadline();
            prop_assert_eq!(deadline.is_none(), seen.closed);
            let woken = lines.iter().any(|line| line == "ping");
            prop_assert!(!woken || deadline > Some(Moment::from_millis(ms)) || seen.closed);
        }
    }
}
