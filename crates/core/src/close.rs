//! Close codes, and what each means for a client.

use crate::session::RevocationReason;
use core::fmt;

/// The status code of a close frame (RFC 6455 section 7.4) that this protocol uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// 1000: the client is done.
    Normal = 1000,
    /// 1001: the server is going away; another one may be there already.
    GoingAway = 1001,
    /// 1002: the client broke the WebSocket protocol.
    ProtocolError = 1002,
    /// 1007: a text frame was not UTF-8.
    NotUtf8 = 1007,
    /// 1009: a message was longer than its limit.
    TooBig = 1009,
    /// 1011: the server met a condition that it did not expect.
    Internal = 1011,
    /// 1013: the server, or the way to this client, is overloaded.
    TryAgainLater = 1013,
    /// 4400: the client misused this protocol.
    Misuse = 4400,
    /// 4401: the connection was not authenticated in time.
    NotAuthenticatedInTime = 4401,
    /// 4403: the session was revoked.
    Revoked = 4403,
    /// 4408: the connection missed its heartbeat.
    HeartbeatMissed = 4408,
    /// 4409: a newer connection of the same session took over.
    Superseded = 4409,
    /// 4410: the session, or its token, is past its time.
    Expired = 4410,
    /// 4429: too many connections from this address.
    TooMany = 4429,
}

/// What a client does after a close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterClose {
    /// Connect again by itself, with backoff, and present the stored token.
    Reconnect,
    /// The same, but only where a session is stored that can go on. Without one a connection serves nobody before
    /// somebody logs in, so the client rests until then.
    Resume,
    /// Forget the session: its token is dead. A person may log in again.
    Forget,
    /// Keep the session and stay away until a person asks: another connection has it, or this one did wrong. A client that
    /// may have been [`CloseCode::Superseded`] by a presentation of its own connects again instead.
    Stay,
}

impl CloseCode {
    /// Every code, in the order of the protocol document.
    pub const ALL: [Self; 14] = [
        Self::Normal,
        Self::GoingAway,
        Self::ProtocolError,
        Self::NotUtf8,
        Self::TooBig,
        Self::Internal,
        Self::TryAgainLater,
        Self::Misuse,
        Self::NotAuthenticatedInTime,
        Self::Revoked,
        Self::HeartbeatMissed,
        Self::Superseded,
        Self::Expired,
        Self::TooMany,
    ];

    /// The code's number.
    #[must_use]
    #[expect(
        clippy::as_conversions,
        reason = "the one way to read an enum's discriminant; repr(u16) makes it exact"
    )]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// What a client does after this code. After any other code, and after none: [`AfterClose::Reconnect`].
    #[must_use]
    pub const fn after(self) -> AfterClose {
        match self {
            Self::GoingAway
            | Self::Internal
            | Self::TryAgainLater
            | Self::HeartbeatMissed
            | Self::TooMany => AfterClose::Reconnect,
            Self::NotAuthenticatedInTime => AfterClose::Resume,
            Self::Revoked | Self::Expired => AfterClose::Forget,
            Self::Normal
            | Self::ProtocolError
            | Self::NotUtf8
            | Self::TooBig
            | Self::Misuse
            | Self::Superseded => AfterClose::Stay,
        }
    }

    /// What a client does after the code `number`, or after a connection that broke without one.
    #[must_use]
    pub fn after_number(number: Option<u16>) -> AfterClose {
        let known = Self::ALL
            .into_iter()
            .find(|code| Some(code.number()) == number);
        known.map_or(AfterClose::Reconnect, Self::after)
    }
}

/// A close frame's code and reason text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Closing {
    /// The code.
    pub code: CloseCode,
    /// The text: a word that programs may read, at most 123 bytes (RFC 6455 section 5.5).
    pub reason: &'static str,
}

impl Closing {
    /// A close with a code and a word that says more.
    #[must_use]
    pub const fn new(code: CloseCode, reason: &'static str) -> Self {
        Self { code, reason }
    }

    /// The close of a connection whose session was revoked.
    #[must_use]
    pub const fn revoked(reason: RevocationReason) -> Self {
        Self::new(CloseCode::Revoked, reason.as_str())
    }
}

impl fmt::Display for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code.number(), self.reason)
    }
}
