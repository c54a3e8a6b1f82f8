//! `answers.json`: what an answer is written as.

use handfast_core::{
    limits::TokenDelivery,
    message::{
        Answer, Carried, Grant, InvalidReason, InvalidRequest, ListedSession, Request, RequestId,
    },
    session::{Generation, Refusal, RevocationReason, SessionId},
    time::Timestamp,
};
use serde::Deserialize;

pub(crate) const FILE: &str = "answers.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    answer: Described,
    id: Option<String>,
    json: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
enum Described {
    Hello {
        nonce: Box<str>,
        heartbeat: u64,
        #[serde(default)]
        delivery: Delivered,
    },
    Success(Token),
    Registered(Token),
    InvalidPassword,
    AlreadyAuthorized {
        username: Box<str>,
    },
    TooManyRequests {
        retry_after: u64,
    },
    Unavailable {
        retry_after: u64,
    },
    InvalidRequest {
        reason: String,
        field: Option<String>,
    },
    InvalidToken {
        reason: String,
    },
    LoggedOut,
    NotLoggedIn,
    Sessions {
        sessions: Vec<Row>,
    },
    Revoked {
        session: String,
    },
    PasswordChanged,
    Pong,
    Ended {
        reason: String,
    },
    Closing {
        reconnect_after: u64,
    },
}

#[derive(Deserialize)]
struct Token {
    token: Option<Box<str>>,
    ticket: Option<Box<str>>,
    session: String,
    generation: u64,
    expires_at: u64,
    refresh_at: u64,
}

/// How tokens reach the client.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivered {
    #[default]
    Message,
    Cookie,
}

impl From<Delivered> for TokenDelivery {
    fn from(delivered: Delivered) -> Self {
        match delivered {
            Delivered::Message => Self::Message,
            Delivered::Cookie => Self::Cookie,
        }
    }
}

/// One session of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    session: String,
    created_at: u64,
    last_seen_at: u64,
    online: bool,
    address: Box<str>,
    agent: Box<str>,
    current: bool,
}

impl From<Row> for ListedSession {
    fn from(row: Row) -> Self {
        Self {
            session: SessionId::parse(&row.session).unwrap(),
            created_at: Timestamp::from_unix(row.created_at),
            last_seen_at: Timestamp::from_unix(row.last_seen_at),
            online: row.online,
            address: row.address,
            agent: row.agent,
            current: row.current,
        }
    }
}

impl Token {
    fn carried(&self) -> Carried {
        match (self.token.clone(), self.ticket.clone()) {
            (Some(token), None) => Carried::Token(token),
            (None, Some(ticket)) => Carried::Ticket(ticket),
            (None, None) => Carried::Nothing,
            (Some(_), Some(_)) => panic!("a token or a ticket, please"),
        }
    }

    fn grant(&self) -> Grant {
        Grant {
            session: SessionId::parse(&self.session).unwrap(),
            generation: Generation::new(self.generation).unwrap(),
            issued_at: Timestamp::default(),
            expires_at: Timestamp::from_unix(self.expires_at),
            refresh_at: Timestamp::from_unix(self.refresh_at),
        }
    }
}

impl From<Described> for Answer {
    fn from(described: Described) -> Self {
        match described {
            Described::Hello {
                nonce,
                heartbeat,
                delivery,
            } => Self::Hello {
                nonce,
                heartbeat,
                delivery: delivery.into(),
            },
            Described::Success(token) => Self::Success {
                grant: token.grant(),
                carried: token.carried(),
            },
            Described::Registered(token) => Self::Registered {
                grant: token.grant(),
                carried: token.carried(),
            },
            Described::InvalidPassword => Self::InvalidPassword,
            Described::AlreadyAuthorized { username } => Self::AlreadyAuthorized { username },
            Described::TooManyRequests { retry_after } => Self::TooManyRequests { retry_after },
            Described::Unavailable { retry_after } => Self::Unavailable { retry_after },
            Described::InvalidRequest { reason, field } => Self::InvalidRequest(InvalidRequest {
                reason: invalid_reason(&reason),
                field: field.map(|field| &*field.leak()),
            }),
            Described::InvalidToken { reason } => {
                Self::InvalidToken(Refusal::parse(&reason).unwrap())
            }
            Described::LoggedOut => Self::LoggedOut,
            Described::NotLoggedIn => Self::NotLoggedIn,
            Described::Sessions { sessions } => {
                Self::Sessions(sessions.into_iter().map(ListedSession::from).collect())
            }
            Described::Revoked { session } => Self::Revoked(SessionId::parse(&session).unwrap()),
            Described::PasswordChanged => Self::PasswordChanged,
            Described::Pong => Self::Pong,
            Described::Ended { reason } => Self::Ended(
                (reason != "expired").then(|| RevocationReason::parse(&reason).unwrap()),
            ),
            Described::Closing { reconnect_after } => Self::Closing { reconnect_after },
        }
    }
}

/// The reasons that a server has, by their names.
pub(crate) fn invalid_reason(name: &str) -> InvalidReason {
    let reasons = [
        InvalidReason::NotJson,
        InvalidReason::NotAnObject,
        InvalidReason::MissingType,
        InvalidReason::UnknownType,
        InvalidReason::MissingField,
        InvalidReason::WrongField,
        InvalidReason::DuplicateField,
        InvalidReason::BinaryMessage,
        InvalidReason::ApplicationFrame,
        InvalidReason::UsernameInvalid,
        InvalidReason::UsernameTaken,
        InvalidReason::RegistrationClosed,
        InvalidReason::PasswordTooShort,
        InvalidReason::PasswordTooLong,
        InvalidReason::KeyUnsupported,
        InvalidReason::UnknownSession,
        InvalidReason::OtherSession,
        InvalidReason::CookieDelivery,
        InvalidReason::CookieDeliveryOff,
    ];
    reasons
        .into_iter()
        .find(|reason| reason.as_str() == name)
        .unwrap_or_else(|| panic!("{name} is no reason"))
}

/// An `id` as a request brings it.
fn request_id(json: &str) -> RequestId {
    let text = format!("{{\"type\":\"Sessions\",\"id\":{json}}}");
    Request::parse(&text).unwrap().id.unwrap()
}

#[test]
fn an_answer_is_written_as_its_text() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.cases.iter().map(|case| &*case.name));
    for case in vectors.cases {
        let id = case.id.as_deref().map(request_id);
        let json = Answer::from(case.answer).to_json(id.as_ref());
        assert_eq!(json, case.json, "{}", case.name);
    }
}
