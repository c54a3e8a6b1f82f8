//! The server's messages as a client reads them, and the client's as it writes them.

use super::Stored;
use crate::{message::Secret, session::Generation, time::Timestamp};
use alloc::{borrow::Cow, boxed::Box, string::String};
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};

/// Any message from a server: the fields that this client looks at. Unknown ones are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Incoming<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(deserialize_with = "own_id")]
    pub(super) id: Option<u64>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
    pub(super) session: Option<Box<str>>,
    generation: Option<u64>,
    expires_at: Option<u64>,
    refresh_at: Option<u64>,
    pub(super) reason: Option<Box<str>>,
    pub(super) retry_after: Option<u64>,
    pub(super) reconnect_after: Option<u64>,
}

/// What a message needs to be an answer at all.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(default, deserialize_with = "own_id")]
    id: Option<u64>,
}

/// An `id` as this client gives them. Any other answers a request that the host made by itself.
fn own_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Own(u64),
        Other(IgnoredAny),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Own(id) => Some(id),
        Id::Other(IgnoredAny) => None,
    })
}

impl<'a> Incoming<'a> {
    /// Reads a message. One whose fields cannot be read is taken without them: it may still answer a request, and who
    /// waits for that must not wait for ever.
    pub(super) fn read(json: &'a str) -> Option<Self> {
        serde_json::from_str(json).ok().or_else(|| {
            let Head { kind, id } = serde_json::from_str(json).ok()?;
            Some(Self {
                kind,
                id,
                ..Self::default()
            })
        })
    }

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
