//! The algorithms that a key may be pinned to.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The algorithm that a key is pinned to (RFC 7518 section 3.1, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC with SHA-256: who can verify a token can also make one. The fastest, and enough where only handfast does
    /// either.
    #[default]
    #[serde(rename = "HS256")]
    Hs256,
    /// Ed25519: others can verify without being able to make a token.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// ECDSA on the curve P-256 with SHA-256: the same, for verifiers that know no Ed25519.
    #[serde(rename = "ES256")]
    Es256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::Hs256, Self::EdDsa, Self::Es256];

    /// The algorithm as it stands in a token's `alg`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
        }
    }

    /// The length of its signatures, in bytes (RFC 7518 sections 3.2 and 3.4, RFC 8032 section 5.1.6).
    #[must_use]
    pub const fn signature_bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::EdDsa | Self::Es256 => 64,
        }
    }

    /// Reads what [`Self::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
