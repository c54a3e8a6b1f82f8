//! The server's machine under anything that a driver or a client could tell it, in any order.

use crate::supply::Supply;
use handfast_core::{
    connection::{Connection, Input, Output, Reply, Signal},
    framing::Framing,
    limits::{ConnectionLimits, TokenDelivery},
    message::{Answer, Envelope, Grant, InvalidReason, RequestId},
    session::{Generation, Pushed, Refusal, RevocationReason, SessionId},
    time::{Moment, Now, Timestamp},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};

const START: u64 = 1_800_000_000;
/// The most that one input may bring about.
const OUTPUTS_MAX: usize = 8;

const MESSAGES: [&str; 14] = [
    r#"{"type":"Login","username":"ann","password":"secret""#,
    r#"{"type":"Login","username":"ann","password":"secret","key":{"kty":"OKP"}"#,
    r#"{"type":"Register","username":"ann","password":"secret""#,
    r#"{"type":"RefreshToken","token":"a token""#,
    r#"{"type":"RefreshToken","token":"a token","attempt":"an attempt key of ann""#,
    r#"{"type":"Ack","generation":0"#,
    r#"{"type":"Ack","generation":1"#,
    r#"{"type":"Logout""#,
    r#"{"type":"Logout","everywhere":true"#,
    r#"{"type":"Sessions""#,
    r#"{"type":"Ticket""#,
    r#"{"type":"Ping""#,
    r#"{"type":"ChangePassword","old_password":"a","new_password":"b""#,
    r#"{"type":"Nonsense""#,
];

/// A machine, and what is known of it from the outside.
struct World {
    machine: Connection,
    framing: Framing,
    cookie: bool,
    now_ms: u64,
    asked: bool,
    closed: bool,
    invalid: u32,
    /// The ids of the requests that are not answered yet.
    waiting: VecDeque<u64>,
    sent: u64,
}

/// Tells a machine what the bytes say.
pub fn target(data: &[u8]) {
    let mut supply = Supply::new(data);
    let mut world = World::new(&mut supply);
    while !supply.is_empty() && !world.closed {
        world.step(&mut supply);
    }
    // Nothing wakes a machine that is closed.
    if world.closed {
        world.tell(Input::Tick);
        world.tell(Input::Text("{}"));
        assert!(world.machine.deadline().is_none() && !world.machine.takes_frames());
    }
}

fn grant(generation: u64, age: u64, now: u64) -> Grant {
    let issued_at = now.saturating_sub(age);
    Grant {
        session: SessionId::from_bytes([1; 16]),
        generation: Generation::new(generation).expect("a small number"),
        issued_at: Timestamp::from_unix(issued_at),
        expires_at: Timestamp::from_unix(issued_at + 7200),
        refresh_at: Timestamp::from_unix(issued_at + 600),
    }
}

impl World {
    fn new(supply: &mut Supply<'_>) -> Self {
        let framing = supply.pick(&[Framing::Plain, Framing::V1]);
        let delivery = supply.pick(&[
            TokenDelivery::Message,
            TokenDelivery::Message,
            TokenDelivery::Cookie,
        ]);
        let limits = ConnectionLimits {
            delivery,
            heartbeat_interval: Duration::from_secs(1 + supply.number() % 60),
            ..ConnectionLimits::default()
        };
        let now = Now {
            moment: Moment::from_millis(0),
            unix: Timestamp::from_unix(START),
        };
        let machine = Connection::new(Arc::new(limits), framing, supply.flag(), "nonce", now);
        let mut world = Self {
            machine,
            framing,
            cookie: delivery == TokenDelivery::Cookie,
            now_ms: 0,
            asked: false,
            closed: false,
            invalid: 0,
            waiting: VecDeque::new(),
            sent: 0,
        };
        let hello = world.drain();
        assert_eq!(hello, usize::from(framing == Framing::V1));
        world
    }

    fn now(&self) -> Now {
        Now {
            moment: Moment::from_millis(self.now_ms),
            unix: Timestamp::from_unix(START + self.now_ms / 1000),
        }
    }

    fn step(&mut self, supply: &mut Supply<'_>) {
        match supply.below(16) {
            0..=5 if self.machine.takes_frames() => self.request(supply),
            6 if self.machine.takes_frames() => {
                let text = String::from_utf8_lossy(supply.some());
                if text.contains("id") || text.contains('\\') {
                    // It might carry another request's id.
                    return;
                }
                // It may be anything, so what answers it is not followed.
                self.waiting.push_back(u64::MAX);
                self.tell(Input::Text(&text));
            }
            7 if self.machine.takes_frames() => {
                self.waiting.push_back(u64::MAX);
                self.tell(Input::Binary(supply.some()));
            }
            8 => self.tell(Input::Heard),
            9 => self.tell(Input::Pong),
            10 if self.sent == 0 && self.cookie => self.tell(Input::Cookie),
            11..=13 if self.asked => {
                let reply = self.reply(supply);
                self.asked = false;
                self.tell(Input::Replied(reply));
            }
            14 => self.wait(supply),
            15 if supply.byte() > 200 => self.tell(Input::Signalled(signal(supply))),
            _ => {}
        }
    }

    fn request(&mut self, supply: &mut Supply<'_>) {
        let which = usize::from(supply.below(14));
        self.sent += 1;
        if !MESSAGES[which].contains("Ack") {
            self.waiting.push_back(self.sent);
        }
        let mark = if self.framing == Framing::V1 { "@" } else { "" };
        let text = format!("{mark}{},\"id\":{}}}", MESSAGES[which], self.sent);
        self.tell(Input::Text(&text));
    }

    /// Time never jumps over what is due.
    fn wait(&mut self, supply: &mut Supply<'_>) {
        let due = self.machine.deadline().map_or(0, Moment::as_millis);
        let wait = supply.number() * 100;
        self.now_ms = (self.now_ms + wait).min(due.max(self.now_ms));
        let is_due = self.now_ms >= due;
        self.tell(Input::Tick);
        let next = self.machine.deadline().map(Moment::as_millis);
        assert!(
            !is_due || self.closed || next > Some(self.now_ms),
            "it would be woken for ever"
        );
    }

    fn reply(&self, supply: &mut Supply<'_>) -> Reply {
        let number = u64::from(supply.below(4));
        let grant = grant(number, supply.number() % 700, START + self.now_ms / 1000);
        match supply.below(14) {
            0 | 1 => Reply::LoggedIn {
                subject: "ann".into(),
                grant,
                registered: number == 0,
            },
            2 | 3 => Reply::Presented {
                subject: "ann".into(),
                grant,
            },
            4 => Reply::InvalidPassword,
            5 => Reply::Invalid(InvalidReason::UsernameTaken),
            6 => Reply::Refused(supply.pick(&Refusal::ALL)),
            7 => Reply::Pushed(grant),
            8 => Reply::NotPushed(supply.pick(&[
                Pushed::Unconfirmed,
                Pushed::NotOwner,
                Pushed::Ended,
            ])),
            9 => Reply::Gone(RevocationReason::Admin),
            10 => Reply::Ended,
            11 => Reply::Sessions(Vec::new()),
            12 => Reply::PasswordChanged,
            _ if number == 0 => Reply::TooManyRequests { retry_after: 1 },
            _ => Reply::Unavailable { retry_after: 1 },
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        let now = self.now();
        self.machine.handle(now, input);
        self.drain();
    }

    fn drain(&mut self) -> usize {
        let mut count = 0;
        while let Some(output) = self.machine.poll() {
            assert!(!self.closed, "after its close: {output:?}");
            self.note(output);
            count += 1;
            assert!(count <= OUTPUTS_MAX, "one input, endless outputs");
        }
        assert_eq!(self.closed, self.machine.is_closed());
        assert!(self.closed || self.machine.deadline().is_some());
        count
    }

    fn note(&mut self, output: Output) {
        let bound = self.machine.bound().map(|(grant, _)| *grant);
        match output {
            Output::Answer(Envelope { id, body }) => self.answered(id.as_ref(), &body),
            Output::Success(Envelope { id, body }) | Output::Registered(Envelope { id, body }) => {
                assert_eq!(bound, Some(body), "a token is signed for who is bound");
                if id.is_some() {
                    self.take_turn(id.as_ref());
                }
            }
            Output::Resumed(body) => {
                assert!(self.cookie && bound == Some(body));
            }
            Output::Ping => {}
            Output::Application(_) => {
                assert!(bound.is_some(), "a stranger's frame");
                assert_eq!(self.waiting.pop_back(), Some(u64::MAX));
            }
            Output::Ask(_) => {
                assert!(!self.asked, "two questions at once");
                self.asked = true;
            }
            Output::Acknowledge {
                session,
                generation,
            } => {
                let owned = bound.map(|grant| (grant.session, grant.generation));
                assert_eq!(owned, Some((session, generation)));
            }
            Output::Close(_) => self.closed = true,
        }
    }

    fn answered(&mut self, id: Option<&RequestId>, answer: &Answer) {
        match answer {
            Answer::Hello { .. } => {
                assert_eq!(self.framing, Framing::V1);
                return;
            }
            Answer::Ended(_) | Answer::Closing { .. } => {
                assert_eq!(self.framing, Framing::V1, "it did not ask for it");
                return;
            }
            Answer::InvalidRequest(_) => {
                self.invalid += 1;
                assert!(self.invalid <= 33, "it bears with any number of them");
            }
            _ => {}
        }
        self.take_turn(id);
    }

    /// Requests are answered in the order in which they came.
    fn take_turn(&mut self, id: Option<&RequestId>) {
        let Some(number) = id.and_then(|id| id.as_json().parse::<u64>().ok()) else {
            return;
        };
        while let Some(first) = self.waiting.pop_front() {
            if first == number {
                return;
            }
            assert_eq!(first, u64::MAX, "{number} is answered before it");
        }
        panic!("{number} is answered twice");
    }
}

fn signal(supply: &mut Supply<'_>) -> Signal {
    match supply.below(4) {
        0 => Signal::Superseded,
        1 => Signal::Ended(RevocationReason::Admin),
        2 => Signal::Forgotten,
        _ => Signal::GoingAway { reconnect_after: 1 },
    }
}
