//! Requests as spans of [`tracing`], for whoever collects traces.
//!
//! Each request of a client is a span of the target [`REQUEST`]: from its receipt until its answer is written down. What
//! it spends its time on are spans of [`STEP`] and [`STAGE`] beneath it. Those of requests that any number of clients
//! make all the time are of the level `DEBUG`, as all steps and stages are; those of logins and their like are of
//! `INFO`. A connection is no span: it may live for days, and would be told of only then.
//!
//! Fields have the names of OpenTelemetry's conventions where there are any. They say what came of a request and to
//! which session, and never hold a token, a key, a password or the name of a user. `otel.kind` and `otel.status_code`
//! are for `tracing-opentelemetry`.

use crate::address::client_address;
use crate::node::Node;
use axum::{
    extract::{ConnectInfo, Request},
    http::{HeaderMap, StatusCode},
};
use handfast_core::{
    connection::{Question, Reply},
    session::{ConnectionId, Presented, Pushed, SessionId},
};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};
use tracing::{Level, Span, field::Empty, span::Entered};

pub use handfast_ledger::trace::{STAGE, STEP, is_on};

/// The target of the spans of requests.
pub const REQUEST: &str = "handfast::request";
/// The field of a request's span that says which trace its connection's upgrade was part of: the `traceparent` of W3C
/// Trace Context, as it came. It is no parent: a connection outlives every trace.
pub const CAUSE: &str = "handfast.traceparent";

/// The header of W3C Trace Context (section 3.2).
const TRACEPARENT: &str = "traceparent";
/// Its length in version 00: two digits, two ids of 32 and 16, two digits of flags, and what is between them.
const TRACEPARENT_CHARS: usize = 55;

/// The trace that an upgrade request was part of, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent(Box<str>);

impl TraceParent {
    /// Reads it, where requests are followed at all.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        if !is_on() {
            return None;
        }
        Self::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
    }

    /// Takes version 00, which any later one may be read as, but for what it has behind it.
    fn parse(text: &str) -> Option<Self> {
        let text = text.get(..TRACEPARENT_CHARS)?;
        let mut parts = text.split('-');
        let lengths = [2, 32, 16, 2];
        let is_right = lengths.iter().all(|length| {
            let part = parts.next().unwrap_or_default();
            part.len() == *length
                && part
                    .bytes()
                    .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
        });
        let is_empty = |id: &str| id.bytes().all(|it| it == b'0');
        let is_none = text.starts_with("ff") || is_empty(&text[3..35]) || is_empty(&text[36..52]);
        (is_right && parts.next().is_none() && !is_none).then(|| Self(text.into()))
    }
}

/// What a client calls itself, and with it, in no more space, the trace that its upgrade was part of.
#[derive(Clone, Debug)]
pub(crate) enum Agent {
    Alone(Box<str>),
    Traced(Box<(Box<str>, TraceParent)>),
}

const _: () = assert!(size_of::<Agent>() == size_of::<Box<str>>());

impl Agent {
    pub(crate) fn new(name: Box<str>, trace: Option<TraceParent>) -> Self {
        match trace {
            None => Self::Alone(name),
            Some(trace) => Self::Traced(Box::new((name, trace))),
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Alone(name) => name,
            Self::Traced(traced) => &traced.0,
        }
    }

    fn trace(&self) -> Option<&str> {
        match self {
            Self::Alone(_) => None,
            Self::Traced(traced) => Some(&traced.1.0),
        }
    }
}

/// Who makes a request over a connection.
pub(crate) struct Origin<'a> {
    pub(crate) connection: ConnectionId,
    pub(crate) address: IpAddr,
    pub(crate) agent: &'a Agent,
}

/// A request, as far as somebody follows it. Dropping it ends its span; where it was not answered, nobody waited.
pub(crate) struct Followed(Option<Box<Open>>);

struct Open {
    span: Span,
    is_answered: bool,
}

/// The span of a request over a connection.
macro_rules! over_connection {
    ($level:expr, $name:literal, $origin:expr) => {
        tracing::span!(
            target: REQUEST,
            parent: None,
            $level,
            $name,
            otel.kind = "server",
            otel.status_code = Empty,
            network.protocol.name = "websocket",
            client.address = %$origin.address,
            session.id = Empty,
            "error.type" = Empty,
            handfast.outcome = Empty,
            handfast.decision = Empty,
            handfast.generation = Empty,
            handfast.node = format_args!("{:016x}", $origin.connection.node),
            handfast.connection = signed($origin.connection.number),
            handfast.traceparent = $origin.agent.trace(),
        )
    };
}

impl Followed {
    /// Nobody follows.
    pub(crate) const fn by_nobody() -> Self {
        Self(None)
    }

    /// The request that a question came from.
    pub(crate) fn over_connection(question: &Question, origin: &Origin<'_>) -> Self {
        let (span, session) = match question {
            Question::Cookie => return Self(None),
            Question::Present { bound, .. } => (
                over_connection!(Level::DEBUG, "RefreshToken", origin),
                *bound,
            ),
            Question::Push { session } => (
                over_connection!(Level::DEBUG, "Push", origin),
                Some(*session),
            ),
            Question::Login {
                register: false, ..
            } => (over_connection!(Level::INFO, "Login", origin), None),
            Question::Login { register: true, .. } => {
                (over_connection!(Level::INFO, "Register", origin), None)
            }
            Question::Logout { session, .. } => (
                over_connection!(Level::INFO, "Logout", origin),
                Some(*session),
            ),
            Question::List => (over_connection!(Level::INFO, "Sessions", origin), None),
            Question::Revoke { session } => (
                over_connection!(Level::INFO, "Revoke", origin),
                Some(*session),
            ),
            Question::ChangePassword { session, .. } => (
                over_connection!(Level::INFO, "ChangePassword", origin),
                Some(*session),
            ),
        };
        let followed = Self::of(span);
        if let Some(session) = session {
            followed.session(session);
        }
        followed
    }

    /// The exchange of a ticket.
    pub(crate) fn exchange(node: &Node, request: &Request) -> Self {
        Self::of(tracing::debug_span!(
            target: REQUEST,
            parent: None,
            "POST /session/cookie",
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = "POST",
            http.route = "/session/cookie",
            http.response.status_code = Empty,
            client.address = peer(node, request).map(tracing::field::display),
            session.id = Empty,
            "error.type" = Empty,
            handfast.outcome = Empty,
        ))
    }

    fn of(span: Span) -> Self {
        let open = |span| {
            Box::new(Open {
                span,
                is_answered: false,
            })
        };
        Self((!span.is_disabled()).then(|| open(span)))
    }

    /// Makes this the current span, within which its steps are made.
    pub(crate) fn enter(&self) -> Option<Entered<'_>> {
        self.0.as_ref().map(|open| open.span.enter())
    }

    /// Says that it goes on until now: a span ends when it was last current.
    pub(crate) fn touch(&self) {
        drop(self.enter());
    }

    /// The span, to run what has a task of its own in it.
    pub(crate) fn span(&self) -> Span {
        self.0
            .as_ref()
            .map_or_else(Span::none, |open| open.span.clone())
    }

    /// Notes which session it is about.
    pub(crate) fn session(&self, session: SessionId) {
        if let Some(open) = &self.0 {
            open.span
                .record("session.id", tracing::field::display(session));
        }
    }

    /// Notes what the session rule made of it.
    pub(crate) fn decided(&self, presented: Presented) {
        if let Some(open) = &self.0 {
            open.span.record("handfast.decision", presented.as_str());
        }
    }

    /// Notes what it is answered.
    pub(crate) fn answered(&mut self, reply: &Reply) {
        let Some(open) = &mut self.0 else { return };
        match reply {
            Reply::LoggedIn { grant, .. }
            | Reply::Presented { grant, .. }
            | Reply::Pushed(grant) => {
                let generation = signed(grant.generation.number());
                open.span.record("handfast.generation", generation);
                // Of the others it was known before. What is recorded twice is there twice.
                if matches!(reply, Reply::LoggedIn { .. }) {
                    open.span
                        .record("session.id", tracing::field::display(grant.session));
                }
            }
            Reply::InvalidPassword
            | Reply::Invalid(_)
            | Reply::Refused(_)
            | Reply::NotPushed(_)
            | Reply::Gone(_)
            | Reply::Ended
            | Reply::Sessions(_)
            | Reply::PasswordChanged
            | Reply::TooManyRequests { .. }
            | Reply::Unavailable { .. } => {}
        }
        open.end(Outcome::of(reply));
    }

    /// Notes the status that it is answered with over HTTP.
    pub(crate) fn answered_over_http(&mut self, status: StatusCode) {
        let Some(open) = &mut self.0 else { return };
        let code = status.as_u16();
        open.span
            .record("http.response.status_code", i64::from(code));
        open.end(match code {
            ..400 => Outcome::Success,
            400..500 => Outcome::Refused(status.as_str()),
            500.. => Outcome::Unavailable,
        });
    }
}

impl Open {
    fn end(&mut self, outcome: Outcome<'_>) {
        self.is_answered = true;
        self.span.record("handfast.outcome", outcome.as_str());
        match outcome {
            Outcome::Success | Outcome::Registered | Outcome::Abandoned => {}
            // A client that is refused is no fault of the server.
            Outcome::Refused(reason) => {
                self.span.record("error.type", reason);
            }
            Outcome::Unavailable => {
                self.span.record("error.type", outcome.as_str());
                self.span.record("otel.status_code", "ERROR");
            }
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if !self.is_answered {
            self.end(Outcome::Abandoned);
        }
    }
}

impl fmt::Debug for Followed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Followed(…)")
    }
}

/// What came of a request.
#[derive(Clone, Copy)]
enum Outcome<'a> {
    Success,
    Registered,
    Refused(&'a str),
    Unavailable,
    Abandoned,
}

impl Outcome<'static> {
    fn of(reply: &Reply) -> Self {
        match reply {
            Reply::LoggedIn {
                registered: true, ..
            } => Self::Registered,
            Reply::LoggedIn {
                registered: false, ..
            }
            | Reply::Presented { .. }
            | Reply::Pushed(_)
            | Reply::Ended
            | Reply::Sessions(_)
            | Reply::PasswordChanged => Self::Success,
            Reply::InvalidPassword => Self::Refused("invalid_password"),
            Reply::Invalid(reason) => Self::Refused(reason.as_str()),
            Reply::Refused(refusal) => Self::Refused(refusal.as_str()),
            Reply::NotPushed(pushed) => Self::Refused(match pushed {
                Pushed::Issued | Pushed::Unconfirmed => "unconfirmed",
                Pushed::NotOwner => "not_owner",
                Pushed::Ended => "ended",
            }),
            Reply::Gone(_) => Self::Refused("revoked"),
            Reply::TooManyRequests { .. } => Self::Refused("too_many"),
            Reply::Unavailable { .. } => Self::Unavailable,
        }
    }
}

impl Outcome<'_> {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Registered => "registered",
            Self::Refused(_) => "refused",
            Self::Unavailable => "unavailable",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Numbers of connections are counted up from one.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn peer(node: &Node, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let settings = node.settings.current();
    let proxies = &settings.trusted_proxies;
    Some(client_address(peer.ip(), request.headers(), proxies))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_as_the_standard_writes_it_and_as_nothing_else() {
        let right = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(TraceParent::parse(right), Some(TraceParent(right.into())));
        let later = format!("01{}-what-is-new", &right[2..]);
        assert_eq!(
            TraceParent::parse(&later),
            Some(TraceParent(later[..TRACEPARENT_CHARS].into()))
        );
        for wrong in [
            "",
            "00",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331_01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b71692033-0101",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-é1",
        ] {
            assert_eq!(TraceParent::parse(wrong), None, "{wrong}");
        }
    }
}
