//! `connection.json`: the server's side of a connection.

use crate::{
    True,
    answers::{Delivered, Row, invalid_reason},
    framing::Name,
    messages::with_hash,
    rule::pushed_as,
};
use handfast_core::{
    connection::{Connection, Input, Output, Question, Reply, Signal},
    framing::{Frame, Framing},
    limits::{ConnectionLimits, TokenDelivery},
    message::{Answer, Carried, Envelope, Grant, Secret},
    session::{AttemptHash, Generation, Pushed, Refusal, RevocationReason, SessionId},
    time::{Moment, Now, Timestamp},
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

pub(crate) const FILE: &str = "connection.json";

const NONCE: &str = "3q2-7wAAAAAAAAAAAAAAAQ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    unix: u64,
    limits: Limits,
    cases: Vec<Case>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    unauthenticated_ms: Option<u64>,
    heartbeat_interval_ms: Option<u64>,
    heartbeat_timeout_ms: Option<u64>,
    invalid_requests: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    framing: Name,
    #[serde(default)]
    delivery: Delivered,
    #[serde(default)]
    application: bool,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    opening: Vec<Value>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    at: u64,
    unix: Option<u64>,
    text: Option<String>,
    binary: Option<String>,
    heard: Option<True>,
    pong: Option<True>,
    tick: Option<True>,
    cookie: Option<True>,
    reply: Option<Answered>,
    signal: Option<Signalled>,
    outputs: Vec<Value>,
    #[serde(default, deserialize_with = "stated")]
    deadline: Option<Value>,
    #[serde(default, deserialize_with = "stated")]
    takes_frames: Option<Value>,
    #[serde(default, deserialize_with = "stated")]
    bound: Option<Value>,
}

/// A member that stands there, be it `null`.
pub(crate) fn stated<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Answered {
    LoggedIn {
        subject: Box<str>,
        grant: Granted,
        registered: bool,
    },
    InvalidPassword(True),
    Invalid(String),
    Presented {
        subject: Box<str>,
        grant: Granted,
    },
    Refused(String),
    Pushed(Granted),
    NotPushed(String),
    Ended(True),
    Sessions(Vec<Row>),
    PasswordChanged(True),
    TooManyRequests(u64),
    Unavailable(u64),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Granted {
    session: String,
    generation: u64,
    issued_at: u64,
    expires_at: u64,
    refresh_at: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Signalled {
    Superseded(True),
    Revoked(String),
    GoingAway(u64),
}

impl Limits {
    fn or(self, defaults: Self) -> ConnectionLimits {
        let millis = |own: Option<u64>, default: Option<u64>| {
            Duration::from_millis(own.or(default).unwrap())
        };
        ConnectionLimits {
            unauthenticated: millis(self.unauthenticated_ms, defaults.unauthenticated_ms),
            heartbeat_interval: millis(self.heartbeat_interval_ms, defaults.heartbeat_interval_ms),
            heartbeat_timeout: millis(self.heartbeat_timeout_ms, defaults.heartbeat_timeout_ms),
            invalid_requests: self.invalid_requests.or(defaults.invalid_requests).unwrap(),
            ..ConnectionLimits::default()
        }
    }
}

impl From<Granted> for Grant {
    fn from(granted: Granted) -> Self {
        Self {
            session: SessionId::parse(&granted.session).unwrap(),
            generation: Generation::new(granted.generation).unwrap(),
            issued_at: Timestamp::from_unix(granted.issued_at),
            expires_at: Timestamp::from_unix(granted.expires_at),
            refresh_at: Timestamp::from_unix(granted.refresh_at),
        }
    }
}

impl From<Answered> for Reply {
    fn from(answered: Answered) -> Self {
        match answered {
            Answered::LoggedIn {
                subject,
                grant,
                registered,
            } => Self::LoggedIn {
                subject,
                grant: grant.into(),
                registered,
            },
            Answered::InvalidPassword(_) => Self::InvalidPassword,
            Answered::Invalid(reason) => Self::Invalid(invalid_reason(&reason)),
            Answered::Presented { subject, grant } => Self::Presented {
                subject,
                grant: grant.into(),
            },
            Answered::Refused(reason) => Self::Refused(Refusal::parse(&reason).unwrap()),
            Answered::Pushed(grant) => Self::Pushed(grant.into()),
            Answered::NotPushed(name) => {
                let outcomes = [Pushed::Unconfirmed, Pushed::NotOwner, Pushed::Ended];
                let outcome = outcomes.into_iter().find(|&other| pushed_as(other) == name);
                Self::NotPushed(outcome.unwrap())
            }
            Answered::Ended(_) => Self::Ended,
            Answered::Sessions(rows) => Self::Sessions(rows.into_iter().map(Into::into).collect()),
            Answered::PasswordChanged(_) => Self::PasswordChanged,
            Answered::TooManyRequests(retry_after) => Self::TooManyRequests { retry_after },
            Answered::Unavailable(retry_after) => Self::Unavailable { retry_after },
        }
    }
}

impl From<Signalled> for Signal {
    fn from(signalled: Signalled) -> Self {
        match signalled {
            Signalled::Superseded(_) => Self::Superseded,
            Signalled::Revoked(reason) => Self::Ended(RevocationReason::parse(&reason).unwrap()),
            Signalled::GoingAway(reconnect_after) => Self::GoingAway { reconnect_after },
        }
    }
}

/// A symbol for what a server would sign.
fn token(grant: &Grant) -> String {
    format!("{}/{}", grant.session, grant.generation)
}

fn sent(framing: Framing, answer: Envelope<Answer>) -> Value {
    let frame = framing.write_message(answer.body.to_json(answer.id.as_ref()));
    let json = match framing {
        Framing::Plain => &*frame,
        Framing::V1 => frame.strip_prefix('@').unwrap(),
    };
    json!({"send": serde_json::from_str::<Value>(json).unwrap()})
}

fn carried(delivery: TokenDelivery, grant: &Grant) -> Carried {
    let token = token(grant);
    match delivery {
        TokenDelivery::Message => Carried::Token(token.into()),
        TokenDelivery::Cookie => Carried::Ticket(format!("ticket {token}").into()),
    }
}

fn output(framing: Framing, delivery: TokenDelivery, output: Output) -> Value {
    match output {
        Output::Answer(envelope) => sent(framing, envelope),
        Output::Success(Envelope { id, body: grant }) => {
            let carried = carried(delivery, &grant);
            let body = Answer::Success { grant, carried };
            sent(framing, Envelope { id, body })
        }
        Output::Registered(Envelope { id, body: grant }) => {
            let carried = carried(delivery, &grant);
            let body = Answer::Registered { grant, carried };
            sent(framing, Envelope { id, body })
        }
        Output::Resumed(grant) => {
            let carried = Carried::Nothing;
            let body = Answer::Success { grant, carried };
            sent(framing, Envelope { id: None, body })
        }
        Output::Ping => json!({"ping": true}),
        Output::Application(Frame::Text(text)) => json!({"application": text}),
        Output::Application(Frame::Binary(bytes)) => {
            json!({"application_binary": crate::to_hex(&bytes)})
        }
        Output::Ask(question) => json!({"ask": asked(question)}),
        Output::Acknowledge {
            session,
            generation,
        } => json!({"acknowledge": {
            "session": session.to_text(),
            "generation": generation.number(),
        }}),
        Output::Close(closing) => json!({"close": [closing.code.number(), closing.reason]}),
    }
}

fn asked(question: Question) -> Value {
    match question {
        Question::Login {
            credentials,
            register,
        } => {
            let mut login = json!({
                "username": credentials.username,
                "password": credentials.password.expose(),
                "register": register,
            });
            if let Some(key) = credentials.key {
                login["key"] = serde_json::from_str(&key).unwrap();
            }
            json!({ "login": login })
        }
        Question::Present {
            token,
            attempt,
            proof,
            bound,
        } => json!({"present": presentation(&token, attempt, proof, bound)}),
        Question::Cookie => json!({"cookie": {}}),
        Question::Push { session } => json!({"push": {"session": session.to_text()}}),
        Question::Logout {
            session,
            everywhere,
        } => json!({"logout": {"session": session.to_text(), "everywhere": everywhere}}),
        Question::List => json!({"list": {}}),
        Question::Revoke { session } => json!({"revoke": {"session": session.to_text()}}),
        Question::ChangePassword {
            session,
            old_password,
            new_password,
        } => json!({"change_password": {
            "session": session.to_text(),
            "old_password": old_password.expose(),
            "new_password": new_password.expose(),
        }}),
    }
}

fn presentation(
    token: &Secret,
    attempt: Option<AttemptHash>,
    proof: Option<Secret>,
    bound: Option<SessionId>,
) -> Value {
    let mut value = json!({"token": token.expose()});
    if let Some(attempt) = attempt {
        value["attempt"] = crate::to_hex(attempt.as_bytes()).into();
    }
    if let Some(proof) = proof {
        value["proof"] = proof.expose().into();
    }
    if let Some(bound) = bound {
        value["bound"] = bound.to_text().into();
    }
    value
}

fn expected(mut outputs: Vec<Value>) -> Vec<Value> {
    for present in outputs
        .iter_mut()
        .filter_map(|it| it.pointer_mut("/ask/present"))
    {
        *present = with_hash(present.take());
    }
    outputs
}

fn take_input(connection: &mut Connection, now: Now, step: &mut Step) {
    let binary = step.binary.as_deref().map(crate::from_hex);
    let input = if let Some(text) = &step.text {
        Input::Text(text)
    } else if let Some(bytes) = &binary {
        Input::Binary(bytes)
    } else if step.cookie.is_some() {
        Input::Cookie
    } else if let Some(reply) = step.reply.take() {
        Input::Replied(reply.into())
    } else if let Some(signal) = step.signal.take() {
        Input::Signalled(signal.into())
    } else if step.pong.is_some() {
        Input::Pong
    } else if step.heard.is_some() {
        Input::Heard
    } else {
        assert!(step.tick.is_some(), "a step needs an input");
        Input::Tick
    };
    connection.handle(now, input);
}

fn outputs(connection: &mut Connection, framing: Framing, delivery: TokenDelivery) -> Vec<Value> {
    std::iter::from_fn(|| connection.poll())
        .map(|it| output(framing, delivery, it))
        .collect()
}

fn assert_state(connection: &Connection, step: &Step, place: &str) {
    let deadline = connection.deadline().map(Moment::as_millis);
    let bound = connection.bound().map(|(grant, _)| token(grant));
    let states = [
        ("deadline", json!(deadline), &step.deadline),
        (
            "takes_frames",
            json!(connection.takes_frames()),
            &step.takes_frames,
        ),
        ("bound", json!(bound), &step.bound),
    ];
    for (what, actual, expected) in states {
        if let Some(expected) = expected {
            assert_eq!(actual, *expected, "{place}: {what}");
        }
    }
}

#[test]
fn every_connection_goes_its_way() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.cases.iter().map(|case| &*case.name));
    for case in vectors.cases {
        let framing = case.framing.into();
        let delivery = case.delivery.into();
        let limits = Arc::new(ConnectionLimits {
            delivery,
            ..case.limits.or(vectors.limits)
        });
        // The wall clock, and the moment at which it showed that.
        let (mut shown, mut since) = (vectors.unix, 0);
        let mut now = Now {
            moment: Moment::from_millis(0),
            unix: Timestamp::from_unix(shown),
        };
        let mut connection = Connection::new(limits, framing, case.application, NONCE, now);
        let opening = outputs(&mut connection, framing, delivery);
        assert_eq!(opening, case.opening, "{}: the opening", case.name);
        for (number, mut step) in case.steps.into_iter().enumerate() {
            if let Some(unix) = step.unix {
                (shown, since) = (unix, step.at);
            }
            now.moment = Moment::from_millis(step.at);
            now.unix = Timestamp::from_unix(shown + (step.at - since) / 1000);
            take_input(&mut connection, now, &mut step);
            let place = format!("{}: step {} at {}", case.name, number + 1, step.at);
            let outputs = outputs(&mut connection, framing, delivery);
            assert_eq!(outputs, expected(step.outputs.split_off(0)), "{place}");
            assert_state(&connection, &step, &place);
        }
    }
}
