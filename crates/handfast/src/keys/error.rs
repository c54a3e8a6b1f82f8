//! What can be wrong with a key file.

use std::{io, path::PathBuf};
use thiserror::Error;

/// A key file that cannot be used, and why.
#[derive(Debug, Error)]
#[error("{}: {fault}", file.display())]
pub struct KeyFileError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: KeyFileFault,
}

/// What is wrong with a key file. No message holds anything that stands in the file but a `kid`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileFault {
    /// The operating system refused.
    #[error("cannot {action} it: {error}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        error: io::Error,
    },
    /// It is a folder, a socket or the like.
    #[error("it is not a file")]
    NotAFile,
    /// Others than its owner may read or write it.
    #[error("others may read or write it (mode {mode:04o}); remedy: chmod 600 {file}")]
    OpenToOthers {
        /// Its permission bits.
        mode: u32,
        /// Its name, for the remedy.
        file: String,
    },
    /// It is too large to be a key file.
    #[error("it is larger than {} bytes", super::file::KEY_FILE_BYTES)]
    TooLarge,
    /// It is not the JSON of a JWK Set (RFC 7517 section 5).
    #[error("it is not a JWK Set: line {line}, column {column} is not what stands there")]
    NotAJwkSet {
        /// The line, from 1 up.
        line: usize,
        /// The column, from 1 up.
        column: usize,
    },
    /// Two keys have one name.
    #[error("two keys have the kid {kid:?}; give each its own")]
    DuplicateKid {
        /// The name.
        kid: String,
    },
    /// One of its keys cannot be used.
    #[error("key {kid:?}: {fault}")]
    Key {
        /// The key's `kid`.
        kid: String,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// No key in it may sign.
    #[error("no key in it can sign; remedy: handfast keys rotate")]
    NoSigningKey,
}

/// What is wrong with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Its name is empty, or too long to stand in a token.
    #[error("a kid has 1 to {} bytes", super::jwk::KID_BYTES)]
    Kid,
    /// It is for something else than signatures.
    #[error("its use is not \"sig\"")]
    Use,
    /// Its type, curve and algorithm are none of the three that handfast knows.
    #[error(
        "its kty, crv and alg are not oct with HS256, OKP Ed25519 with EdDSA, or EC P-256 with ES256"
    )]
    Unsupported,
    /// A member that a key of its type has is missing.
    #[error("it has no {0:?}")]
    Missing(&'static str),
    /// A member is not base64url without padding, or has the wrong length.
    #[error("its {0:?} is not base64url of the right length")]
    Encoding(&'static str),
    /// A secret that could be guessed.
    #[error("its secret is shorter than 256 bits")]
    ShortSecret,
    /// The private and the public half do not belong together, or are not on the curve.
    #[error("its private and public halves do not belong together")]
    Mismatched,
}

impl KeyFileFault {
    pub(super) fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { action, error }
    }
}
