//! Refresh tokens: JSON Web Tokens (RFC 7519) in the compact serialisation of a JWS (RFC 7515 section 7.1).
//!
//! Only what handfast itself would have issued is accepted: one algorithm for each key, every claim there and of its
//! type, this issuer and this audience, no leeway. The signature is checked before anything of the payload is read.

mod claims;
mod header;
mod issuer;
#[cfg(test)]
mod tests;
mod ticket;

pub use claims::VerifiedToken;
pub(crate) use header::encode as encode_header;
pub use issuer::{NAME_BYTES_MAX, TokenIssuer};
pub(crate) use ticket::{BrowserHash, TICKET_TAKEN_FOR, Ticket};

use serde::{Deserialize, Deserializer, de::IgnoredAny};
use std::fmt;

/// A signed token: who holds it goes on with the session.
///
/// It does not print itself and cannot be compared; whoever exposes it answers for where it goes.
#[derive(Clone)]
pub struct Token(Box<str>);

impl Token {
    /// The token as the client gets it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The token as the client gets it, to keep.
    #[must_use]
    pub fn into_exposed(self) -> Box<str> {
        self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Reads a JSON object. Serde would take an array of the same values for it, and does not look whether members that
/// nobody asked for are UTF-8, as all of it must be (RFC 7519 section 7.2).
pub(crate) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    let json = std::str::from_utf8(json).ok()?;
    json.starts_with('{')
        .then(|| serde_json::from_str(json).ok())
        .flatten()
}

/// Whether a member is there, whatever it holds.
pub(crate) fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|IgnoredAny| true)
}
