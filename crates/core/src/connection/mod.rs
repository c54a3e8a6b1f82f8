//! The server's side of one WebSocket, without the WebSocket.
//!
//! A driver feeds [`Connection::handle`] with what happened and then drains [`Connection::poll`]; it wakes the machine
//! with [`Input::Tick`] when [`Connection::deadline`] has come. The machine asks one [`Question`] at a time and
//! understands nothing but its answer until that has come, so an answer can never meet a state that it was not meant
//! for.

mod beat;
mod io;
mod reply;
mod request;

pub use io::{Input, Output, Question, Reply, Signal};

use crate::{
    close::{CloseCode, Closing},
    framing::Framing,
    limits::ConnectionLimits,
    message::{Answer, Envelope, Grant, RequestId},
    session::SessionId,
    time::{Moment, Now},
};
use alloc::{boxed::Box, collections::VecDeque, sync::Arc};
use io::Queued;

/// One connection, from its upgrade to its close.
#[derive(Debug)]
pub struct Connection {
    limits: Arc<ConnectionLimits>,
    framing: Framing,
    /// Whether somebody takes the application's frames.
    application: bool,
    invalid_requests: u32,
    /// How many pings went out while the client was not read, less the pongs that came since. Of as many the pongs may
    /// still wait unread.
    unread_pings: u16,
    state: State,
    /// The question that is being answered, and the request that it came from.
    asked: Option<Box<Asked>>,
    /// What came while a question was being answered.
    queued: Option<Box<Queued>>,
    outputs: VecDeque<Output>,
    heard_at: Moment,
    beat_at: Moment,
}

#[derive(Debug)]
enum State {
    /// Nobody is logged in. The connection may stay like this until the given moment.
    Unauthenticated { until: Moment },
    /// The connection owns a session.
    Bound(Bound),
    /// A close is on its way: nothing else will happen.
    Closed,
}

/// The session that a connection owns, and its token.
#[derive(Debug)]
struct Bound {
    subject: Box<str>,
    grant: Grant,
    expires: Moment,
    refresh: Moment,
    delivery: Delivery,
}

/// Whether the client is known to hold the newest token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    Confirmed,
    /// The client asked for it; it will show that it has it by presenting or acknowledging it.
    Answered {
        pongs_due: u16,
    },
    /// The server sends it unasked, and again on every beat until it is confirmed.
    Pushed {
        pongs_due: u16,
    },
}

impl Delivery {
    /// The same token is sent once more. The pongs that stand for its `Ack` are counted from the first time.
    const fn again(self, pongs_due: u16) -> Self {
        match self {
            Self::Confirmed => Self::Pushed { pongs_due },
            Self::Answered { pongs_due } | Self::Pushed { pongs_due } => Self::Pushed { pongs_due },
        }
    }
}

/// What was asked, and what it will need when the answer comes.
#[derive(Debug)]
struct Asked {
    id: Option<RequestId>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Login,
    Present,
    Cookie,
    Push,
    Logout,
    List,
    Revoke(SessionId),
    ChangePassword,
}

/// How many pongs after a token was sent stand for its `Ack` in the plain framing, where none wait unread before it. The
/// first may answer a ping that was under way already.
const PONGS_FOR_ACK: u16 = 2;

impl Connection {
    /// A connection whose upgrade is done.
    ///
    /// `nonce` is 128 random bits in base64url, for `Hello`; `application` says whether somebody takes the
    /// application's frames.
    #[must_use]
    pub fn new(
        limits: Arc<ConnectionLimits>,
        framing: Framing,
        application: bool,
        nonce: &str,
        now: Now,
    ) -> Self {
        let mut connection = Self {
            framing,
            application,
            invalid_requests: 0,
            unread_pings: 0,
            state: State::Unauthenticated {
                until: now.moment.after(limits.unauthenticated),
            },
            asked: None,
            queued: None,
            outputs: VecDeque::new(),
            heard_at: now.moment,
            beat_at: now.moment.after(limits.heartbeat_interval),
            limits,
        };
        if framing == Framing::V1 {
            let heartbeat = connection.limits.heartbeat_interval.as_secs();
            connection.answer(
                None,
                Answer::Hello {
                    nonce: nonce.into(),
                    heartbeat,
                    delivery: connection.limits.delivery,
                },
            );
        }
        connection
    }

    /// Takes in what happened. Drain [`Self::poll`] afterwards.
    pub fn handle(&mut self, now: Now, input: Input<'_>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        match input {
            Input::Text(text) => {
                self.heard_at = now.moment;
                self.take_text(text);
            }
            Input::Binary(bytes) => {
                self.heard_at = now.moment;
                self.take_binary(bytes);
            }
            Input::Heard => self.heard_at = now.moment,
            Input::Pong => {
                self.heard_at = now.moment;
                self.unread_pings = self.unread_pings.saturating_sub(1);
                self.count_pong();
            }
            Input::Cookie => self.take_cookie(),
            Input::Replied(reply) => self.take_reply(now, reply),
            Input::Signalled(signal) => self.take_signal(signal),
            Input::Tick => self.tick(now),
        }
    }

    /// What the driver must do next, oldest first.
    ///
    /// What waited takes its turn only when all before it is done, so that what [`Self::bound`] says fits every output.
    pub fn poll(&mut self) -> Option<Output> {
        if self.outputs.is_empty() {
            self.take_queued();
        }
        let output = self.outputs.pop_front();
        if self.outputs.is_empty() {
            // An idle connection keeps no buffer.
            self.outputs = VecDeque::new();
        }
        output
    }

    /// When to wake the machine with [`Input::Tick`], unless something happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        let own = match &self.state {
            State::Unauthenticated { until } => *until,
            State::Bound(bound) => bound.expires,
            State::Closed => return None,
        };
        let next = own.min(self.beat_at);
        Some(self.silent_until().map_or(next, |until| next.min(until)))
    }

    /// Whether the machine takes another frame. It does not while one waits for a question to be answered; pongs,
    /// replies, signals and ticks it always takes.
    #[must_use]
    pub fn takes_frames(&self) -> bool {
        self.queued.is_none() && !matches!(self.state, State::Closed)
    }

    /// The session that the connection owns.
    #[must_use]
    pub fn bound(&self) -> Option<(&Grant, &str)> {
        match &self.state {
            State::Bound(bound) => Some((&bound.grant, &bound.subject)),
            State::Unauthenticated { .. } | State::Closed => None,
        }
    }

    /// Whether the connection's WebSocket is to be closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn answer(&mut self, id: Option<RequestId>, answer: Answer) {
        self.outputs
            .push_back(Output::Answer(Envelope { id, body: answer }));
    }

    fn ask(&mut self, id: Option<RequestId>, kind: Kind, question: Question) {
        self.asked = Some(Box::new(Asked { id, kind }));
        self.outputs.push_back(Output::Ask(question));
    }

    fn close(&mut self, closing: Closing) {
        self.asked = None;
        self.queued = None;
        self.state = State::Closed;
        self.outputs.push_back(Output::Close(closing));
    }

    fn take_signal(&mut self, signal: Signal) {
        match signal {
            Signal::Superseded => self.close(Closing::new(CloseCode::Superseded, "superseded")),
            Signal::Ended(reason) => {
                self.announce(Answer::Ended(Some(reason)));
                self.close(Closing::revoked(reason));
            }
            Signal::Forgotten => self.expire(),
            // What the ledger may have decided already must reach the client first; whatever else waits must not.
            Signal::GoingAway { reconnect_after } if self.asked.is_some() => {
                self.queued = Some(Box::new(Queued::GoingAway { reconnect_after }));
            }
            Signal::GoingAway { reconnect_after } => self.go_away(reconnect_after),
        }
    }

    fn go_away(&mut self, reconnect_after: u64) {
        self.announce(Answer::Closing { reconnect_after });
        self.close(Closing::new(CloseCode::GoingAway, "going_away"));
    }

    /// Sends what a client of the plain framing would not expect.
    fn announce(&mut self, answer: Answer) {
        match self.framing {
            Framing::Plain => {}
            Framing::V1 => self.answer(None, answer),
        }
    }

    fn take_queued(&mut self) {
        if self.asked.is_some() {
            return;
        }
        if let Some(queued) = self.queued.take() {
            self.take_turn(*queued);
        }
    }
}

impl Bound {
    fn new(subject: Box<str>, grant: Grant, delivery: Delivery, now: Now) -> Self {
        Self {
            subject,
            grant,
            expires: now.moment_of(grant.expires_at),
            refresh: now.moment_of(grant.refresh_at),
            delivery,
        }
    }
}
