//! Sessions that are bound to a key: the key that a login names, and the proofs that a client makes with it.
//!
//! A proof is a JWS (RFC 7515) over this connection's nonce, its endpoint and the token that it comes with, in the way of
//! DPoP (RFC 9449). A token that was copied without its key, which a browser does not give away, opens nothing.

mod jwk;
mod nonce;
#[cfg(test)]
mod tests;

pub(crate) use jwk::{KeyRefused, PublicKey};
pub(crate) use nonce::Nonces;

use crate::token::{is_there, object};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::session::Thumbprint;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The `typ` that keeps every other kind of JWT out (RFC 8725 section 3.11).
const TYPE: &str = "handfast-proof+jwt";
/// The longest proof that is looked at, in bytes. Ours take about 500.
const PROOF_BYTES_MAX: usize = 2048;

/// What a proof must be about.
#[derive(Clone, Copy)]
pub(crate) struct Occasion<'a> {
    /// The token that it comes with.
    pub(crate) token: &'a str,
    pub(crate) nonces: &'a Nonces,
    /// The number of the connection that it came over.
    pub(crate) connection: u64,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    jwk: &'a RawValue,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    nonce: Cow<'a, str>,
    #[serde(borrow)]
    aud: Cow<'a, str>,
    #[serde(borrow)]
    ath: Cow<'a, str>,
}

/// The thumbprint of the key that made `proof`, if it was made for this occasion. Whether it is the session's key is for
/// the session rule to say.
pub(crate) fn verify(proof: &str, occasion: Occasion<'_>) -> Option<Thumbprint> {
    if proof.len() > PROOF_BYTES_MAX {
        return None;
    }
    let (message, signature) = proof.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let header = URL_SAFE_NO_PAD.decode(header).ok()?;
    let header: Header<'_> = object(&header)?;
    let key = PublicKey::parse(header.jwk.get()).ok()?;
    if header.typ != TYPE || header.alg != key.algorithm() || header.crit {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !key.verifies(message.as_bytes(), &signature) {
        return None;
    }
    // A dot too many is no character of base64url, so it ends here.
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Claims<'_> = object(&payload)?;
    let hash = digest(&SHA256, occasion.token.as_bytes());
    let fits = claims.ath == URL_SAFE_NO_PAD.encode(hash)
        && occasion.nonces.is_of(
            &claims.nonce,
            occasion.connection,
            nonce::host_of_url(&claims.aud)?,
        );
    fits.then(|| key.thumbprint())
}
