//! The public keys that sessions are bound to (RFC 7517, RFC 8037).

use crate::token::{is_there, object};
use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::session::Thumbprint;
use serde::Deserialize;
use std::borrow::Cow;

/// Why a session is not bound to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRefused {
    /// It is a key of a kind that is not taken here.
    Unsupported,
    /// It is no public key.
    Invalid,
}

/// The members that matter; what else a JWK may have says how others should use it.
#[derive(Deserialize)]
struct Jwk<'a> {
    #[serde(borrow)]
    kty: Cow<'a, str>,
    #[serde(borrow)]
    crv: Option<Cow<'a, str>>,
    #[serde(borrow)]
    x: Option<Cow<'a, str>>,
    #[serde(borrow)]
    y: Option<Cow<'a, str>>,
    /// The private half, which no server should ever see.
    #[serde(default, deserialize_with = "is_there")]
    d: bool,
}

/// A key that verifies proofs: Ed25519, or ECDSA with P-256 and SHA-256.
pub(crate) struct PublicKey {
    kind: Kind,
    key: ParsedPublicKey,
    thumbprint: Thumbprint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ed25519,
    P256,
}

impl PublicKey {
    /// Reads a JWK.
    ///
    /// # Errors
    /// [`KeyRefused`], for what is no public key of a kind that is taken.
    pub(crate) fn parse(json: &str) -> Result<Self, KeyRefused> {
        let jwk: Jwk<'_> = object(json.as_bytes()).ok_or(KeyRefused::Invalid)?;
        if jwk.d {
            return Err(KeyRefused::Invalid);
        }
        let kind = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => Kind::Ed25519,
            ("EC", Some("P-256")) => Kind::P256,
            ("OKP" | "EC", None) => return Err(KeyRefused::Invalid),
            _ => return Err(KeyRefused::Unsupported),
        };
        let x = coordinate(jwk.x.as_deref())?;
        let parsed = match kind {
            Kind::Ed25519 => ParsedPublicKey::new(&ED25519, x),
            Kind::P256 => {
                let y = coordinate(jwk.y.as_deref())?;
                let point = [&[4], &x[..], &y[..]].concat();
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            }
        };
        Ok(Self {
            kind,
            key: parsed.map_err(|_| KeyRefused::Invalid)?,
            thumbprint: thumbprint(kind, &jwk),
        })
    }

    /// The name of its algorithm in a JWS (RFC 7518 section 3.1, RFC 8037 section 3.1).
    pub(super) const fn algorithm(&self) -> &'static str {
        match self.kind {
            Kind::Ed25519 => "EdDSA",
            Kind::P256 => "ES256",
        }
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }

    /// RFC 7638.
    pub(crate) const fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }
}

/// The members that make the key what it is, in the order of their names, without white space (RFC 7638 section 3). The
/// coordinates were decoded strictly, so that each has one text.
fn thumbprint(kind: Kind, jwk: &Jwk<'_>) -> Thumbprint {
    let (x, y) = (
        jwk.x.as_deref().unwrap_or_default(),
        jwk.y.as_deref().unwrap_or_default(),
    );
    let members = match kind {
        Kind::Ed25519 => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#),
        Kind::P256 => format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
    };
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, members.as_bytes()).as_ref());
    Thumbprint(bytes)
}

fn coordinate(text: Option<&str>) -> Result<[u8; 32], KeyRefused> {
    let bytes = URL_SAFE_NO_PAD
        .decode(text.ok_or(KeyRefused::Invalid)?)
        .map_err(|_| KeyRefused::Invalid)?;
    bytes.try_into().map_err(|_| KeyRefused::Invalid)
}
