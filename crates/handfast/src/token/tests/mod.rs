//! What RFC 8725 warns of, and what else could pass for a token.

mod claims;
mod header;
mod issued;
mod shape;
mod signature;
mod ticket;
mod time;

use super::{Token, TokenIssuer};
use crate::keys::{Algorithm, KeyFile, KeyRing, LiveKeys};
use aws_lc_rs::hmac;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use handfast_core::{
    message::Grant,
    session::{Generation, Refusal, SessionId},
    time::Timestamp,
};
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    sync::Arc,
};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const SECRET: [u8; 32] = [7; 32];
const OTHER_SECRET: [u8; 32] = [8; 32];
const SESSION: [u8; 16] = [5; 16];
const ID: [u8; 16] = [6; 16];
/// RFC 8037 appendix A.1.
const ED25519: [&str; 2] = [
    "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
];
/// RFC 7515 appendix A.3.
const P256: [&str; 3] = [
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
];

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn hs256_key(kid: &str, secret: &[u8]) -> Value {
    json!({ "kty": "oct", "kid": kid, "alg": "HS256", "k": b64(secret) })
}

/// The key that signs has the kid `main`; every algorithm and another secret are there too.
fn all_keys() -> Vec<Value> {
    let [x, d] = ED25519;
    let ed25519 = json!({
        "kty": "OKP", "kid": "ed", "alg": "EdDSA", "crv": "Ed25519", "x": x, "d": d,
    });
    let [x, y, d] = P256;
    let p256 = json!({
        "kty": "EC", "kid": "ec", "alg": "ES256", "crv": "P-256", "x": x, "y": y, "d": d,
    });
    let other = hs256_key("other", &OTHER_SECRET);
    vec![hs256_key("main", &SECRET), other, ed25519, p256]
}

fn ring(keys: &[Value]) -> KeyRing {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.jwks");
    fs::write(&file, json!({ "keys": keys }).to_string()).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    KeyFile::new(file).load().unwrap()
}

fn issuer_with(keys: &[Value]) -> TokenIssuer {
    let keys = Arc::new(LiveKeys::new(ring(keys)));
    TokenIssuer::new(keys, "handfast", "handfast")
}

fn issuer() -> TokenIssuer {
    issuer_with(&all_keys())
}

fn grant() -> Grant {
    Grant {
        session: SessionId::from_bytes(SESSION),
        generation: Generation::new(3).unwrap(),
        issued_at: NOW,
        expires_at: Timestamp::from_unix(NOW.as_unix() + 600),
        refresh_at: NOW,
    }
}

fn token() -> Token {
    issuer().sign("anna", &grant(), &ID, NOW)
}

fn header() -> Value {
    json!({ "alg": "HS256", "kid": "main", "typ": "handfast+jwt" })
}

fn claims() -> Value {
    json!({
        "iss": "handfast", "aud": "handfast", "sub": "anna", "sid": b64(SESSION), "gen": 3,
        "iat": NOW.as_unix(), "exp": NOW.as_unix() + 600, "jti": b64(ID),
    })
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

fn hmac(algorithm: hmac::Algorithm, secret: &[u8], message: &str) -> Vec<u8> {
    let key = hmac::Key::new(algorithm, secret);
    hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
}

/// A token of these texts, signed with the secret of the key `main`.
fn signed(header: impl ToString, claims: impl ToString) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = hmac(hmac::HMAC_SHA256, &SECRET, &message);
    format!("{message}.{}", b64(signature))
}

#[track_caller]
fn accepted(text: &str) {
    let verified = issuer().verify(text, NOW).expect(text);
    assert_eq!(&*verified.subject, "anna");
    assert_eq!(verified.session, SessionId::from_bytes(SESSION));
    assert_eq!(verified.generation, Generation::new(3).unwrap());
    assert_eq!(verified.issued_at, NOW);
    assert_eq!(verified.expires_at, grant().expires_at);
}

#[track_caller]
fn malformed(text: &str) {
    assert_eq!(
        issuer().verify(text, NOW),
        Err(Refusal::Malformed),
        "{text}"
    );
}
