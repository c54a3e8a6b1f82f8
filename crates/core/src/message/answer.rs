//! What a server says.

use super::{InvalidRequest, RequestId};
use crate::{
    limits::TokenDelivery,
    session::{Generation, Refusal, RevocationReason, SessionId},
    time::Timestamp,
};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Serialize, Serializer, ser::SerializeStruct as _};

/// What a connection gets when its session begins, goes on or is rotated: all of a token but its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The session.
    pub session: SessionId,
    /// The token's generation.
    pub generation: Generation,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// When the token expires.
    pub expires_at: Timestamp,
    /// When the client should rotate it, if it wants to be in charge.
    pub refresh_at: Timestamp,
}

/// What a message has of the token that it tells of.
#[derive(Clone, Debug)]
pub enum Carried {
    /// The signed token.
    Token(Box<str>),
    /// A one-time ticket, to be exchanged for a cookie that holds the token.
    Ticket(Box<str>),
    /// Nothing: the answer to the upgrade request has set a cookie that holds it.
    Nothing,
}

/// One of a subject's sessions, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// The session.
    pub session: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its client last showed that it is there.
    pub last_seen_at: Timestamp,
    /// Whether a connection to this node is bound to it now.
    pub online: bool,
    /// The address that it was last presented from.
    pub address: Box<str>,
    /// What its client calls itself.
    pub agent: Box<str>,
    /// Whether it is the session of the connection that asks.
    pub current: bool,
}

/// A message from the server. Times are Unix seconds, spans are seconds.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The server's first frame in the `handfast.v1` framing.
    Hello {
        /// 128 random bits for the proofs of this connection, in base64url.
        nonce: Box<str>,
        /// The time between two pings.
        heartbeat: u64,
        /// How tokens reach the client.
        delivery: TokenDelivery,
    },
    /// The session begins, goes on or is rotated.
    Success {
        /// The token, and what stands beside it.
        grant: Grant,
        /// The token itself, or what leads to it.
        carried: Carried,
    },
    /// The account is new, and its first session begins.
    Registered {
        /// The token, and what stands beside it.
        grant: Grant,
        /// The token itself, or what leads to it.
        carried: Carried,
    },
    /// No such account, or not its password.
    InvalidPassword,
    /// This connection is authenticated already.
    AlreadyAuthorized {
        /// The subject.
        username: Box<str>,
    },
    /// A rate is exceeded.
    TooManyRequests {
        /// How long to wait.
        retry_after: u64,
    },
    /// The request cannot be understood or granted as it is.
    InvalidRequest(InvalidRequest),
    /// The token was refused.
    InvalidToken(Refusal),
    /// The session has ended, as asked.
    LoggedOut,
    /// This needs an authenticated connection.
    NotLoggedIn,
    /// The subject's sessions.
    Sessions(Vec<ListedSession>),
    /// The answer to a `Ping`.
    Pong,
    /// One of the subject's sessions has ended, as asked.
    Revoked(SessionId),
    /// The password is changed.
    PasswordChanged,
    /// The ledger cannot answer. Nothing was revoked or accepted.
    Unavailable {
        /// How long to wait.
        retry_after: u64,
    },
    /// The session has ended; a close follows. `None`: it is past its time.
    Ended(Option<RevocationReason>),
    /// The server is going away; a close follows.
    Closing {
        /// How long to wait before connecting again.
        reconnect_after: u64,
    },
}

impl Answer {
    /// The message's JSON text, with the `id` of the request that it answers.
    #[must_use]
    pub fn to_json(&self, id: Option<&RequestId>) -> String {
        // Strings, numbers and lists of them: there is nothing that could fail.
        let mut json = serde_json::to_string(self).unwrap_or_default();
        if let Some(id) = id {
            json.pop();
            json.push_str(",\"id\":");
            json.push_str(id.as_json());
            json.push('}');
        }
        json
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "Hello",
            Self::Success { .. } => "Success",
            Self::Registered { .. } => "Registered",
            Self::InvalidPassword => "InvalidPassword",
            Self::AlreadyAuthorized { .. } => "AlreadyAuthorized",
            Self::TooManyRequests { .. } => "TooManyRequests",
            Self::InvalidRequest(_) => "InvalidRequest",
            Self::InvalidToken(_) => "InvalidToken",
            Self::LoggedOut => "LoggedOut",
            Self::NotLoggedIn => "NotLoggedIn",
            Self::Sessions(_) => "Sessions",
            Self::Pong => "Pong",
            Self::Revoked(_) => "Revoked",
            Self::PasswordChanged => "PasswordChanged",
            Self::Unavailable { .. } => "Unavailable",
            Self::Ended(_) => "Ended",
            Self::Closing { .. } => "Closing",
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Answer", 6)?;
        object.serialize_field("type", self.kind())?;
        match self {
            Self::Hello {
                nonce,
                heartbeat,
                delivery,
            } => {
                object.serialize_field("protocol", crate::framing::V1)?;
                object.serialize_field("nonce", nonce)?;
                object.serialize_field("heartbeat", heartbeat)?;
                match delivery {
                    TokenDelivery::Message => {}
                    TokenDelivery::Cookie => object.serialize_field("delivery", "cookie")?,
                }
            }
            Self::Success { grant, carried } | Self::Registered { grant, carried } => {
                match carried {
                    Carried::Token(token) => object.serialize_field("token", token)?,
                    Carried::Ticket(ticket) => object.serialize_field("ticket", ticket)?,
                    Carried::Nothing => {}
                }
                object.serialize_field("expires_at", &grant.expires_at.as_unix())?;
                object.serialize_field("session", &grant.session.to_text())?;
                object.serialize_field("generation", &grant.generation.number())?;
                object.serialize_field("refresh_at", &grant.refresh_at.as_unix())?;
            }
            Self::AlreadyAuthorized { username } => object.serialize_field("username", username)?,
            Self::TooManyRequests { retry_after } | Self::Unavailable { retry_after } => {
                object.serialize_field("retry_after", retry_after)?;
            }
            Self::InvalidRequest(invalid) => {
                object.serialize_field("reason", invalid.reason.as_str())?;
                if let Some(field) = invalid.field {
                    object.serialize_field("field", field)?;
                }
            }
            Self::InvalidToken(refusal) => object.serialize_field("reason", refusal.as_str())?,
            Self::Sessions(sessions) => object.serialize_field("sessions", sessions)?,
            Self::Revoked(session) => object.serialize_field("session", &session.to_text())?,
            Self::Ended(reason) => {
                object.serialize_field(
                    "reason",
                    reason.map_or("expired", RevocationReason::as_str),
                )?;
            }
            Self::Closing { reconnect_after } => {
                object.serialize_field("reconnect_after", reconnect_after)?
            }
            Self::InvalidPassword
            | Self::LoggedOut
            | Self::NotLoggedIn
            | Self::Pong
            | Self::PasswordChanged => {}
        }
        object.end()
    }
}

impl Serialize for ListedSession {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("ListedSession", 7)?;
        object.serialize_field("session", &self.session.to_text())?;
        object.serialize_field("created_at", &self.created_at.as_unix())?;
        object.serialize_field("last_seen_at", &self.last_seen_at.as_unix())?;
        object.serialize_field("online", &self.online)?;
        object.serialize_field("address", &self.address)?;
        object.serialize_field("agent", &self.agent)?;
        object.serialize_field("current", &self.current)?;
        object.end()
    }
}
