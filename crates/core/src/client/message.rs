//! The server's messages as a client reads them, and the client's as it writes them.

use super::Stored;
use crate::{message::Secret, session::Generation, time::Timestamp};
use alloc::{borrow::Cow, boxed::Box, string::String};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Any message from a server: the fields that this client looks at. Unknown ones are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Incoming<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    pub(super) id: Option<u64>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
    session: Option<Box<str>>,
    generation: Option<u64>,
    expires_at: Option<u64>,
    refresh_at: Option<u64>,
    pub(super) reason: Option<Box<str>>,
    pub(super) retry_after: Option<u64>,
    pub(super) reconnect_after: Option<u64>,
}

impl Incoming<'_> {
    /// The token of a `Success` or `Registered`, if it is all there.
    pub(super) fn stored(&self) -> Option<Stored> {
        Some(Stored {
            session: self.session.clone()?,
            generation: Generation::new(self.generation?)?,
            token: Secret::new(self.token.as_deref()?),
            expires_at: Timestamp::from_unix(self.expires_at?),
            refresh_at: Timestamp::from_unix(self.refresh_at?),
        })
    }
}

impl fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What this client sends.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Outgoing<'a> {
    Login {
        id: u64,
        username: &'a str,
        password: &'a str,
    },
    Register {
        id: u64,
        username: &'a str,
        password: &'a str,
    },
    RefreshToken {
        id: u64,
        token: &'a str,
        attempt: &'a str,
    },
    Ack {
        generation: u64,
    },
    Logout {
        id: u64,
        everywhere: bool,
    },
}

impl Outgoing<'_> {
    pub(super) fn to_json(&self) -> String {
        // Strings and numbers: there is nothing that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
