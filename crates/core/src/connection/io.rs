//! What goes into the machine and what comes out.

use crate::{
    close::Closing,
    framing::Frame,
    message::{
        Answer, Credentials, Envelope, Grant, InvalidReason, InvalidRequest, ListedSession,
        Request, Secret,
    },
    session::{AttemptHash, Generation, Pushed, Refusal, RevocationReason, SessionId},
};
use alloc::{boxed::Box, vec::Vec};

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// A whole text message arrived.
    Text(&'a str),
    /// A whole binary message arrived.
    Binary(&'a [u8]),
    /// Something arrived that is no whole message: a ping, or a piece of one.
    Heard,
    /// A pong arrived.
    Pong,
    /// The upgrade request presented the token in a cookie. This comes before all else, and only in cookie delivery.
    Cookie,
    /// The question that was asked last is answered.
    Replied(Reply),
    /// Something happened elsewhere that concerns this connection.
    Signalled(Signal),
    /// Time has passed.
    Tick,
}

/// What happened elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Another connection owns the session now.
    Superseded,
    /// The session was revoked.
    Ended(RevocationReason),
    /// The session is not there any more: it ended so long ago that the ledger has forgotten it.
    Forgotten,
    /// The node is going away. A question that is being answered is answered first.
    GoingAway {
        /// How long the client should wait before it connects again, in seconds.
        reconnect_after: u64,
    },
}

/// What the driver must do.
#[derive(Debug)]
pub enum Output {
    /// Send an answer.
    Answer(Envelope<Answer>),
    /// Sign the granted token, or in cookie delivery a ticket for it, and send that as `Success`.
    Success(Envelope<Grant>),
    /// The same, as `Registered`.
    Registered(Envelope<Grant>),
    /// Send `Success` for the token that the answer to the upgrade request has set as a cookie.
    Resumed(Grant),
    /// Send a ping.
    Ping,
    /// Hand a frame to the application.
    Application(Frame),
    /// Answer this with one [`Reply`]. Nothing else is asked before that.
    Ask(Question),
    /// Tell the ledger that the owner holds this generation. Nobody waits for it.
    Acknowledge {
        /// The session.
        session: SessionId,
        /// The generation.
        generation: Generation,
    },
    /// Close the WebSocket. Nothing comes after this.
    Close(Closing),
}

/// What the machine needs to know or wants done.
#[derive(Debug)]
pub enum Question {
    /// Verify a login, and make this connection the owner of a new session.
    Login {
        /// What was typed, and the key that the session is to be bound to.
        credentials: Credentials,
        /// Whether the account is to be made.
        register: bool,
    },
    /// Verify a token, and decide on it by the session rule.
    Present {
        /// The token.
        token: Secret,
        /// The hash of the attempt key.
        attempt: Option<AttemptHash>,
        /// The proof of the session's key.
        proof: Option<Secret>,
        /// The session that this connection is bound to, the only one that it may present then.
        bound: Option<SessionId>,
    },
    /// Tell what the session rule decided on the token that the upgrade request presented.
    Cookie,
    /// Issue the next generation, unasked.
    Push {
        /// The session.
        session: SessionId,
    },
    /// End this session, or all of its subject's.
    Logout {
        /// The session.
        session: SessionId,
        /// Whether all.
        everywhere: bool,
    },
    /// List the subject's sessions.
    List,
    /// End one of the subject's sessions.
    Revoke {
        /// Which.
        session: SessionId,
    },
    /// Change the subject's password and end all sessions but this.
    ChangePassword {
        /// This session.
        session: SessionId,
        /// The password until now.
        old_password: Secret,
        /// The password from now on.
        new_password: Secret,
    },
}

/// The answer to a [`Question`].
#[derive(Debug)]
pub enum Reply {
    /// The login is right: this connection owns a new session.
    LoggedIn {
        /// The subject, in canonical form.
        subject: Box<str>,
        /// The new session and its first token.
        grant: Grant,
        /// Whether the account is new.
        registered: bool,
    },
    /// No such account, or not its password.
    InvalidPassword,
    /// The request cannot be granted as it is.
    Invalid(InvalidReason),
    /// The token was accepted: this connection owns its session.
    Presented {
        /// The subject.
        subject: Box<str>,
        /// The session and its next token.
        grant: Grant,
    },
    /// The token was refused.
    Refused(Refusal),
    /// The next generation is issued. So it is where the ledger says [`Pushed::Unconfirmed`]: it was issued before, and
    /// the answer was lost on its way from the ledger.
    Pushed(Grant),
    /// No generation was issued.
    NotPushed(Pushed),
    /// No generation was issued, for the session was revoked elsewhere.
    Gone(RevocationReason),
    /// What was to end has ended.
    Ended,
    /// The subject's sessions.
    Sessions(Vec<ListedSession>),
    /// The password is changed.
    PasswordChanged,
    /// A rate is exceeded.
    TooManyRequests {
        /// How long to wait, in seconds.
        retry_after: u64,
    },
    /// The ledger cannot answer.
    Unavailable {
        /// How long to wait, in seconds.
        retry_after: u64,
    },
}

/// What waits for a question to be answered.
#[derive(Debug)]
pub(super) enum Queued {
    Request(Envelope<Request>),
    Invalid(Envelope<InvalidRequest>),
    Application(Frame),
    GoingAway { reconnect_after: u64 },
}
