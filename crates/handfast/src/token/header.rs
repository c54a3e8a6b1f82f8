//! The protected header of a token (RFC 7515 section 4).

use super::{is_there, object};
use crate::keys::{Algorithm, Key, KeyRing};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The `typ` that keeps every other kind of JWT out (RFC 8725 section 3.11).
pub(super) const TYPE: &str = "handfast+jwt";
/// The `typ` of a one-time ticket, so that neither passes for the other.
pub(super) const TICKET_TYPE: &str = "handfast-ticket+jwt";

/// The longest header that is read, in bytes, before it is decoded. Ours has 60 to 230.
const HEADER_BYTES_MAX: usize = 1024;

/// What a header must say. Members that it may have besides, such as `jwk` or `jku`, are never looked at
/// (RFC 8725 section 3.10).
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    kid: Cow<'a, str>,
    #[serde(borrow)]
    typ: Cow<'a, str>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// The header that a key puts before every token, encoded.
pub(crate) fn encode(algorithm: Algorithm, kid: &str) -> Box<str> {
    encode_as(TYPE, algorithm, kid)
}

/// The header of what a key signs as a JWT of this `typ`, encoded.
pub(super) fn encode_as(typ: &str, algorithm: Algorithm, kid: &str) -> Box<str> {
    #[derive(Serialize)]
    struct Ours<'a> {
        alg: &'a str,
        kid: &'a str,
        typ: &'a str,
    }
    let header = Ours {
        alg: algorithm.as_str(),
        kid,
        typ,
    };
    let json = serde_json::to_vec(&header).expect("three strings are JSON");
    URL_SAFE_NO_PAD.encode(json).into()
}

/// The key that a JWT of this `typ` with this header must be verified with; `None` where no such JWT is ours.
///
/// A header that handfast wrote is recognised as a whole. One that another holder of the key wrote may have its
/// members in another order, and is read.
pub(super) fn key<'a>(encoded: &str, typ: &str, ring: &'a KeyRing) -> Option<&'a Key> {
    ring.keys()
        .iter()
        .find(|key| typ == TYPE && key.header() == encoded)
        .or_else(|| read(encoded, typ, ring))
}

fn read<'a>(encoded: &str, typ: &str, ring: &'a KeyRing) -> Option<&'a Key> {
    if encoded.len() > HEADER_BYTES_MAX {
        return None;
    }
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let header: Header<'_> = object(&json)?;
    let key = ring.find(&header.kid)?;
    let ours = header.alg == key.algorithm().as_str() && header.typ == typ && !header.crit;
    ours.then_some(key)
}
