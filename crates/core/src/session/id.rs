//! The names of sessions, connections and generations.

use alloc::string::String;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use core::fmt;

/// The name of a session: 128 random bits, written as 22 characters of base64url (RFC 4648 section 5).
///
/// It is no secret: it stands in tokens, lists and logs, and opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; 16]);

/// A text that is not the name of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSessionId;

impl SessionId {
    /// The session with these bytes for a name; for a new one, 16 bytes from a cryptographic source.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes of the name.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the 22 characters that [`fmt::Display`] writes.
    ///
    /// # Errors
    /// [`InvalidSessionId`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionId> {
        let mut bytes = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
            Ok(16) => Ok(Self(bytes)),
            Ok(_) | Err(_) => Err(InvalidSessionId),
        }
    }

    /// The name as a JSON string's content.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_text())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for InvalidSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a session is named by 22 characters of base64url")
    }
}

impl core::error::Error for InvalidSessionId {}

/// The name of one connection: the run of the node that accepted it, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// 64 random bits that a node draws when it starts, so that no name is ever used again.
    pub node: u64,
    /// The connection's number on that node, from 0 up.
    pub number: u64,
}

impl ConnectionId {
    /// The name as bytes, big-endian, node first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.node) << 64 | u128::from(self.number)).to_be_bytes()
    }

    /// Reads what [`Self::to_bytes`] wrote.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, number @ ..] = bytes;
        Self {
            node: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            number: u64::from_be_bytes(number),
        }
    }
}

/// The number of a refresh token within its session, from 0 up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// What a login hands out.
    pub const FIRST: Self = Self(0);
    /// The largest generation that every JSON reader keeps exactly: 2^53 - 1 (RFC 8259 section 6).
    pub const MAX: Self = Self(9_007_199_254_740_991);

    /// Generation `number`, if it is one.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number <= Self::MAX.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The generation's number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The generation after this one. At one rotation a millisecond, [`Self::MAX`] is 285,000 years away.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// How many generations this is ahead of `earlier`; `None` if it is behind.
    #[must_use]
    pub const fn ahead_of(self, earlier: Self) -> Option<u64> {
        self.0.checked_sub(earlier.0)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The SHA-256 thumbprint of a public key (RFC 7638).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Thumbprint(pub [u8; 32]);
