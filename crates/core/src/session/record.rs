//! The record that a ledger keeps of a session.

use super::{ConnectionId, Generation, History, SessionId, Thumbprint};
use crate::time::Timestamp;
use alloc::boxed::Box;
use core::fmt;

/// Why a session ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RevocationReason {
    /// Its subject logged it out, on this device or from another.
    Logout,
    /// A consumed token was presented by somebody else: two parties hold this session.
    Reused,
    /// An operator ended it.
    Admin,
    /// Its subject changed the password on another connection.
    PasswordChanged,
    /// Its subject had more sessions than the limit, and this one was the longest unseen.
    Limit,
}

impl RevocationReason {
    /// Every reason, in the order of the protocol document.
    pub const ALL: [Self; 5] = [
        Self::Logout,
        Self::Reused,
        Self::Admin,
        Self::PasswordChanged,
        Self::Limit,
    ];

    /// The reason as it stands in `Ended` and in a close frame.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reused => "reused",
            Self::Admin => "admin",
            Self::PasswordChanged => "password_changed",
            Self::Limit => "limit",
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revocation {
    /// Why it ended.
    pub reason: RevocationReason,
    /// When it ended.
    pub at: Timestamp,
}

/// Everything about a session that the session rule reads or changes. Its size does not grow with the session's age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionRecord {
    /// The newest generation that the client has proved it holds.
    pub confirmed: Generation,
    /// The newest generation handed out.
    pub issued: Generation,
    /// By what the confirmed generation and those before it were consumed.
    pub history: History,
    /// When the token of the issued generation was issued.
    pub token_issued_at: Timestamp,
    /// When the token of the issued generation expires; answering it again does not move this.
    pub token_expires_at: Timestamp,
    /// The one connection that the session is bound to.
    pub owner: Option<ConnectionId>,
    /// When the session was made.
    pub created_at: Timestamp,
    /// When its client last showed that it is there.
    pub last_seen_at: Timestamp,
    /// When it ends whatever its client does.
    pub expires_at: Timestamp,
    /// Its end, if it was ended.
    pub revoked: Option<Revocation>,
    /// The key that it is bound to, if it is.
    pub key: Option<Thumbprint>,
}

impl SessionRecord {
    /// Whether a client may still go on with this session at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires_at.min(self.token_expires_at)
    }
}

/// A session: its record, whose it is, and what its subject will recognise it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name.
    pub session: SessionId,
    /// Whose it is.
    pub subject: Box<str>,
    /// The address that it was last presented from.
    pub address: Box<str>,
    /// The client's own description (the `User-Agent` header), cut to a bound.
    pub agent: Box<str>,
    /// Its state.
    pub record: SessionRecord,
}
