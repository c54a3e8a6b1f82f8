//! What a token says (RFC 7519 section 4).

use crate::random::Random128;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::{
    session::{Generation, SessionId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a verified token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Whose session it is.
    pub subject: Box<str>,
    /// The session.
    pub session: SessionId,
    /// The token's number in it.
    pub generation: Generation,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
}

/// The claims as JSON has them. Each stands once; what else may stand there is ignored.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims<'a> {
    #[serde(borrow)]
    pub(super) iss: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) aud: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) sub: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) sid: Cow<'a, str>,
    #[serde(rename = "gen")]
    pub(super) generation: u64,
    pub(super) iat: u64,
    pub(super) exp: u64,
    #[serde(default, skip_serializing)]
    pub(super) nbf: u64,
    #[serde(borrow)]
    pub(super) jti: Cow<'a, str>,
}

/// 16 bytes as 22 characters of base64url, without allocating.
pub(super) struct Text128([u8; 22]);

impl Text128 {
    pub(super) fn of(bytes: &Random128) -> Self {
        let mut text = [0; 22];
        URL_SAFE_NO_PAD
            .encode_slice(bytes, &mut text)
            .expect("16 bytes are 22 characters");
        Self(text)
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("base64url is ASCII")
    }
}
