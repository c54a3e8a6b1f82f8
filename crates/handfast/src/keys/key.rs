//! One key, prepared for use.

use super::{
    Algorithm, KeyFault,
    jwk::{KID_BYTES, PrivateJwk},
};
use crate::token::encode_header;
use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
        Ed25519KeyPair, ParsedPublicKey,
    },
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::time::Timestamp;
use serde::Serialize;
use std::fmt;
use zeroize::Zeroizing;

/// The longest signature of any algorithm, in bytes.
pub(crate) const SIGNATURE_BYTES_MAX: usize = 64;

/// A key that verifies tokens, and may sign them.
///
/// The algorithm is the key's own: what a token says of it is compared, never obeyed (RFC 8725 section 3.1).
pub struct Key {
    id: Box<str>,
    header: Box<str>,
    algorithm: Algorithm,
    created_at: Option<Timestamp>,
    sign_from: Option<Timestamp>,
    verify_until: Option<Timestamp>,
    pair: Pair,
    public: Option<PublicJwk>,
}

/// A signature, of whichever length its algorithm gives it.
#[derive(Clone, Copy)]
pub(crate) struct Signature {
    bytes: [u8; SIGNATURE_BYTES_MAX],
    length: usize,
}

/// What signs and verifies. An asymmetric key that came without its private half only verifies.
enum Pair {
    Hs256(Box<hmac::Key>),
    EdDsa(Option<Ed25519KeyPair>, ParsedPublicKey),
    Es256(Option<EcdsaKeyPair>, ParsedPublicKey),
}

/// A key as others may see it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PublicJwk {
    kty: &'static str,
    kid: Box<str>,
    alg: &'static str,
    #[serde(rename = "use")]
    usage: &'static str,
    crv: &'static str,
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
}

impl Key {
    /// Prepares a key of the file.
    pub(super) fn prepare(jwk: &PrivateJwk) -> Result<Self, KeyFault> {
        if jwk.kid.is_empty() || jwk.kid.len() > KID_BYTES {
            return Err(KeyFault::Kid);
        }
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(KeyFault::Use);
        }
        let algorithm = jwk.algorithm()?;
        Ok(Self {
            id: jwk.kid.as_str().into(),
            header: encode_header(algorithm, &jwk.kid),
            algorithm,
            created_at: jwk.created_at.map(Timestamp::from_unix),
            sign_from: jwk.sign_from.map(Timestamp::from_unix),
            verify_until: jwk.verify_until.map(Timestamp::from_unix),
            pair: Pair::prepare(algorithm, jwk)?,
            public: PublicJwk::of(algorithm, jwk),
        })
    }

    /// Its name, which a token's `kid` carries.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The algorithm that it is pinned to.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// When it was made, if the file says so.
    #[must_use]
    pub const fn created_at(&self) -> Option<Timestamp> {
        self.created_at
    }

    /// From when on it signs, if it waits for a time: until then every node can get to know it.
    #[must_use]
    pub const fn sign_from(&self) -> Option<Timestamp> {
        self.sign_from
    }

    /// Until when it verifies. `None` for a key that was not retired.
    #[must_use]
    pub const fn verify_until(&self) -> Option<Timestamp> {
        self.verify_until
    }

    /// Whether it may sign: it was not retired, and its private half is there.
    #[must_use]
    pub const fn can_sign(&self) -> bool {
        self.verify_until.is_none() && self.pair.can_sign()
    }

    /// Whether its private half is there.
    pub(super) const fn is_whole(&self) -> bool {
        self.pair.can_sign()
    }

    /// Whether it still verifies: a key that was retired does so until the last token that it signed has expired.
    #[must_use]
    pub fn verifies_at(&self, now: Timestamp) -> bool {
        self.verify_until.is_none_or(|end| now < end)
    }

    /// The header that it puts before every token, encoded.
    pub(crate) fn header(&self) -> &str {
        &self.header
    }

    pub(super) const fn public(&self) -> Option<&PublicJwk> {
        self.public.as_ref()
    }

    /// Signs, with the signing key of a ring; `None` with a key that came without its private half.
    ///
    /// # Panics
    /// If the operating system has no randomness to give to an ES256 signature.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Signature> {
        match &self.pair {
            Pair::Hs256(key) => Some(Signature::of(hmac::sign(key, message).as_ref())),
            Pair::EdDsa(pair, _) => pair
                .as_ref()
                .map(|pair| Signature::of(pair.sign(message).as_ref())),
            Pair::Es256(pair, _) => pair.as_ref().map(|pair| {
                let signature = pair
                    .sign(&SystemRandom::new(), message)
                    .expect("the operating system gives randomness");
                Signature::of(signature.as_ref())
            }),
        }
    }

    /// Whether `signature` is this key's signature of `message`, in constant time where the key is a secret.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.pair {
            Pair::Hs256(key) => hmac::verify(key, message, signature).is_ok(),
            Pair::EdDsa(_, public) | Pair::Es256(_, public) => {
                public.verify_sig(message, signature).is_ok()
            }
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("created_at", &self.created_at)
            .field("sign_from", &self.sign_from)
            .field("verify_until", &self.verify_until)
            .finish_non_exhaustive()
    }
}

impl Pair {
    fn prepare(algorithm: Algorithm, jwk: &PrivateJwk) -> Result<Self, KeyFault> {
        match algorithm {
            Algorithm::Hs256 => {
                let secret = jwk.k.as_ref().ok_or(KeyFault::Missing("k"))?;
                let secret = decode(secret.expose(), "k")?;
                if secret.len() < 32 {
                    return Err(KeyFault::ShortSecret);
                }
                let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
                Ok(Self::Hs256(Box::new(key)))
            }
            Algorithm::EdDsa => {
                let public = member(jwk.x.as_deref(), "x")?;
                let private = private_half(jwk)?
                    .map(|seed| Ed25519KeyPair::from_seed_and_public_key(&seed[..], &public[..]))
                    .transpose()
                    .map_err(|_| KeyFault::Mismatched)?;
                let public = ParsedPublicKey::new(&ED25519, &public[..])
                    .map_err(|_| KeyFault::Mismatched)?;
                Ok(Self::EdDsa(private, public))
            }
            Algorithm::Es256 => {
                let (x, y) = (
                    member(jwk.x.as_deref(), "x")?,
                    member(jwk.y.as_deref(), "y")?,
                );
                let point = [&[4], &x[..], &y[..]].concat();
                let private = private_half(jwk)?
                    .map(|secret| {
                        EcdsaKeyPair::from_private_key_and_public_key(
                            &ECDSA_P256_SHA256_FIXED_SIGNING,
                            &secret[..],
                            &point,
                        )
                    })
                    .transpose()
                    .map_err(|_| KeyFault::Mismatched)?;
                let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point)
                    .map_err(|_| KeyFault::Mismatched)?;
                Ok(Self::Es256(private, public))
            }
        }
    }

    const fn can_sign(&self) -> bool {
        match self {
            Self::Hs256(_) => true,
            Self::EdDsa(private, _) => private.is_some(),
            Self::Es256(private, _) => private.is_some(),
        }
    }
}

impl PublicJwk {
    /// `None` for a secret, which has no public half.
    fn of(algorithm: Algorithm, jwk: &PrivateJwk) -> Option<Self> {
        let (kty, crv) = match algorithm {
            Algorithm::Hs256 => return None,
            Algorithm::EdDsa => ("OKP", "Ed25519"),
            Algorithm::Es256 => ("EC", "P-256"),
        };
        Some(Self {
            kty,
            kid: jwk.kid.as_str().into(),
            alg: algorithm.as_str(),
            usage: "sig",
            crv,
            x: jwk.x.clone()?,
            y: jwk.y.clone(),
        })
    }
}

impl Signature {
    fn of(signature: &[u8]) -> Self {
        let mut bytes = [0; SIGNATURE_BYTES_MAX];
        let length = signature.len();
        bytes[..length].copy_from_slice(signature);
        Self { bytes, length }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn private_half(jwk: &PrivateJwk) -> Result<Option<Zeroizing<[u8; 32]>>, KeyFault> {
    jwk.d
        .as_ref()
        .map(|secret| member(Some(secret.expose()), "d").map(Zeroizing::new))
        .transpose()
}

fn member(text: Option<&str>, name: &'static str) -> Result<[u8; 32], KeyFault> {
    let bytes = decode(text.ok_or(KeyFault::Missing(name))?, name)?;
    <[u8; 32]>::try_from(&bytes[..]).map_err(|_| KeyFault::Encoding(name))
}

fn decode(text: &str, name: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyFault> {
    URL_SAFE_NO_PAD
        .decode(text)
        .map(Zeroizing::new)
        .map_err(|_| KeyFault::Encoding(name))
}
