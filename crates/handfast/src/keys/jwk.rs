//! The JWK Set as it stands in the file (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use super::{Algorithm, KeyFault};
use crate::random;
use aws_lc_rs::{
    encoding::AsBigEndian,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use zeroize::Zeroizing;

/// The longest `kid`, in bytes.
pub(super) const KID_BYTES: usize = 128;
/// The length of an HS256 secret and of a private key on either curve, in bytes.
const SECRET_BYTES: usize = 32;

/// The set.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PrivateJwkSet {
    pub(super) keys: Vec<PrivateJwk>,
}

/// One key of the set, its secret half included.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct PrivateJwk {
    pub(super) kty: String,
    pub(super) kid: String,
    pub(super) alg: String,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crv: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) x: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) y: Option<String>,
    /// The private key of a curve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) d: Option<SecretText>,
    /// The secret of an HMAC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) k: Option<SecretText>,
    /// When it was made, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) created_at: Option<u64>,
    /// From when on it signs, in Unix seconds; without it, from the moment on that it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sign_from: Option<u64>,
    /// Until when it verifies, in Unix seconds. A key with this member signs only while the ones before it wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verify_until: Option<u64>,
}

impl PrivateJwk {
    /// A new key.
    pub(super) fn generate(algorithm: Algorithm, created_at: u64) -> Self {
        let empty = Self {
            kty: String::new(),
            kid: URL_SAFE_NO_PAD.encode(random::bytes::<8>()),
            alg: algorithm.as_str().into(),
            usage: Some("sig".into()),
            crv: None,
            x: None,
            y: None,
            d: None,
            k: None,
            created_at: Some(created_at),
            sign_from: None,
            verify_until: None,
        };
        match algorithm {
            Algorithm::Hs256 => Self {
                kty: "oct".into(),
                k: Some(SecretText::encode(&random_secret()[..])),
                ..empty
            },
            Algorithm::EdDsa => {
                let seed = random_secret();
                let pair = Ed25519KeyPair::from_seed_unchecked(&seed[..])
                    .expect("every 32 bytes are an Ed25519 seed (RFC 8032 section 5.1.5)");
                Self {
                    kty: "OKP".into(),
                    crv: Some("Ed25519".into()),
                    x: Some(URL_SAFE_NO_PAD.encode(pair.public_key())),
                    d: Some(SecretText::encode(&seed[..])),
                    ..empty
                }
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                    .expect("the operating system gives randomness");
                let secret = pair
                    .private_key()
                    .as_be_bytes()
                    .expect("a P-256 key that was just made has a private half");
                let (x, y) = coordinates(pair.public_key().as_ref());
                Self {
                    kty: "EC".into(),
                    crv: Some("P-256".into()),
                    x: Some(x),
                    y: Some(y),
                    d: Some(SecretText::encode(secret.as_ref())),
                    ..empty
                }
            }
        }
    }

    /// The algorithm that its type, curve and `alg` agree on.
    pub(super) fn algorithm(&self) -> Result<Algorithm, KeyFault> {
        match (&*self.kty, self.crv.as_deref(), &*self.alg) {
            ("oct", None, "HS256") => Ok(Algorithm::Hs256),
            ("OKP", Some("Ed25519"), "EdDSA") => Ok(Algorithm::EdDsa),
            ("EC", Some("P-256"), "ES256") => Ok(Algorithm::Es256),
            _ => Err(KeyFault::Unsupported),
        }
    }
}

fn random_secret() -> Zeroizing<[u8; SECRET_BYTES]> {
    Zeroizing::new(random::bytes())
}

/// The two coordinates of an uncompressed point (SEC 1 section 2.3.3), as a JWK has them.
fn coordinates(point: &[u8]) -> (String, String) {
    let (_, coordinates) = point.split_at(1);
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// A text in the file that must not get out of it.
pub(super) struct SecretText(Zeroizing<String>);

impl SecretText {
    fn encode(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}
