//! Tokens, tickets and proofs. Nothing is taken that was not signed whole, whoever signs is held to the protocol, and
//! nobody makes a proof without the key.

use crate::{node::Node, supply::Supply};
use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast::{
    fuzzing::Proofs,
    keys::{KeyFile, LiveKeys},
    token::TokenIssuer,
};
use handfast_core::{
    message::Grant,
    session::{Generation, Refusal, SessionId},
    time::Timestamp,
};
use serde_json::{Value, json, value::RawValue};
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, sync::Arc};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const SECRET: [u8; 32] = [7; 32];
const TOKEN: &str = "a.refresh.token";
const HOST: &str = "chat.example";

struct World {
    node: Node,
    issuer: TokenIssuer,
    /// One good token of each algorithm.
    tokens: Vec<String>,
    proofs: Proofs,
    pair: Ed25519KeyPair,
    /// A good proof.
    proof: String,
}

thread_local! {
    static WORLD: World = World::new();
}

/// Changes what is good, signs what is not, and shows both.
pub fn target(data: &[u8]) {
    WORLD.with(|world| {
        let mut supply = Supply::new(data);
        match supply.below(4) {
            0 => world.changed_token(supply),
            1 => world.signed_token(supply),
            2 => world.changed_proof(supply),
            _ => world.signed_proof(supply),
        }
    });
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Keys of every algorithm, the first of which signs; with each of them in turn in front.
fn issuers() -> Vec<TokenIssuer> {
    let oct = json!({"kty": "oct", "kid": "main", "alg": "HS256", "k": encode(SECRET)});
    // RFC 8037 appendix A.1, RFC 7515 appendix A.3.
    let okp = json!({
        "kty": "OKP", "kid": "ed", "alg": "EdDSA", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    });
    let ec = json!({
        "kty": "EC", "kid": "ec", "alg": "ES256", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    });
    let mut keys = vec![oct, okp, ec];
    let folder = tempfile::tempdir().expect("a folder");
    (0..keys.len())
        .map(|number| {
            let path = folder.path().join(format!("{number}.jwks"));
            fs::write(&path, json!({ "keys": keys }).to_string()).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
            keys.rotate_left(1);
            let ring = KeyFile::new(path).load().expect("keys");
            TokenIssuer::new(Arc::new(LiveKeys::new(ring)), "handfast", "handfast")
        })
        .collect()
}

fn grant() -> Grant {
    Grant {
        session: SessionId::from_bytes([5; 16]),
        generation: Generation::new(3).expect("a small number"),
        issued_at: NOW,
        expires_at: Timestamp::from_unix(NOW.as_unix() + 600),
        refresh_at: NOW,
    }
}

/// Replaces, removes or adds characters where the bytes say.
fn change(text: &str, supply: &mut Supply<'_>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=supply.below(4) {
        let at =
            usize::from(u16::from_be_bytes([supply.byte(), supply.byte()])) % (bytes.len() + 1);
        let byte = supply.byte();
        match supply.below(3) {
            0 if at < bytes.len() => bytes[at] = byte,
            1 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.insert(at, byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// These members of a JSON object. One that nobody asked for may have a value that nobody can read: half a surrogate pair,
/// or 1e999.
fn asked_for(json: &[u8], names: &[&str]) -> Value {
    let json = str::from_utf8(json).expect("UTF-8");
    let mut members: BTreeMap<String, &RawValue> = serde_json::from_str(json).expect("an object");
    members.retain(|name, _| names.contains(&name.as_str()));
    serde_json::to_value(members).expect("values that can be read")
}

impl World {
    fn new() -> Self {
        let issuers = issuers();
        let sign = |issuer: &TokenIssuer| issuer.sign("anna", &grant(), &[6; 16], NOW);
        let tokens = issuers
            .iter()
            .map(|it| sign(it).into_exposed().into())
            .collect();
        let pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a key");
        let proofs = Proofs::new();
        let mut world = Self {
            node: Node::start(|_| {}),
            issuer: issuers.into_iter().next().expect("an issuer"),
            tokens,
            proofs,
            pair,
            proof: String::new(),
        };
        world.proof = world.prove(&world.header().to_string(), &world.claims().to_string());
        assert!(world.proofs.verify(&world.proof, TOKEN).is_some());
        world
    }

    /// What was changed after it was signed is not ours.
    fn changed_token(&self, mut supply: Supply<'_>) {
        let which = usize::from(supply.below(3));
        let changed = change(&self.tokens[which], &mut supply);
        let verified = self.issuer.verify(&changed, NOW);
        if self.tokens.contains(&changed) {
            verified.expect("it is not changed");
        } else {
            assert_eq!(verified, Err(Refusal::Malformed), "{changed}");
        }
        assert!(!self.node.handfast.takes_ticket(&changed, NOW));
    }

    /// Who has the secret may write a header and claims of its own; they are held to the protocol.
    fn signed_token(&self, mut supply: Supply<'_>) {
        let header = if supply.flag() {
            br#"{"alg":"HS256","kid":"main","typ":"handfast+jwt"}"#
        } else {
            supply.some()
        };
        let claims = supply.rest();
        let message = format!("{}.{}", encode(header), encode(claims));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
        let signature = hmac::sign(&key, message.as_bytes());
        let token = format!("{message}.{}", encode(signature));
        let Ok(verified) = self.issuer.verify(&token, NOW) else {
            return;
        };
        let header = asked_for(header, &["alg", "kid", "typ", "crit"]);
        let claims = asked_for(
            claims,
            &[
                "iss", "aud", "sub", "sid", "gen", "iat", "exp", "nbf", "jti",
            ],
        );
        assert_eq!(
            (&header["alg"], &header["kid"]),
            (&json!("HS256"), &json!("main"))
        );
        assert_eq!(header["typ"], "handfast+jwt");
        assert!(header.get("crit").is_none());
        assert_eq!(
            (&claims["iss"], &claims["aud"]),
            (&json!("handfast"), &json!("handfast"))
        );
        assert_eq!(claims["sub"], *verified.subject);
        assert_eq!(claims["sid"], verified.session.to_text());
        assert_eq!(claims["gen"].as_u64(), Some(verified.generation.number()));
        assert_eq!(claims["iat"].as_u64(), Some(verified.issued_at.as_unix()));
        assert!(claims["exp"].as_u64().expect("a whole number") > NOW.as_unix());
        assert!(
            claims
                .get("nbf")
                .is_none_or(|nbf| nbf.as_u64() <= Some(NOW.as_unix()))
        );
        assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    }

    fn header(&self) -> Value {
        let x = encode(self.pair.public_key());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x});
        json!({"typ": "handfast-proof+jwt", "alg": "EdDSA", "jwk": jwk})
    }

    fn claims(&self) -> Value {
        json!({
            "nonce": self.proofs.nonce(HOST),
            "aud": format!("wss://{HOST}/ws/"),
            "ath": encode(digest(&SHA256, TOKEN.as_bytes())),
        })
    }

    fn prove(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(claims));
        let signature = self.pair.sign(message.as_bytes());
        format!("{message}.{}", encode(signature))
    }

    fn changed_proof(&self, mut supply: Supply<'_>) {
        let changed = change(&self.proof, &mut supply);
        let verified = self.proofs.verify(&changed, TOKEN).is_some();
        assert_eq!(verified, changed == self.proof, "{changed}");
        assert!(self.proofs.verify(&self.proof, &changed).is_none() || changed == TOKEN);
    }

    /// Whoever has a key may sign anything with it; it counts for this connection and token, and for this key.
    fn signed_proof(&self, mut supply: Supply<'_>) {
        let header = change(&self.header().to_string(), &mut supply);
        let claims = change(&self.claims().to_string(), &mut supply);
        let Some(thumbprint) = self.proofs.verify(&self.prove(&header, &claims), TOKEN) else {
            return;
        };
        assert_eq!(Some(thumbprint), self.proofs.verify(&self.proof, TOKEN));
        let claims: Value = serde_json::from_str(&claims).expect("claims in JSON");
        let good = self.claims();
        assert_eq!(
            (&claims["nonce"], &claims["ath"]),
            (&good["nonce"], &good["ath"])
        );
        let aud = claims["aud"].as_str().expect("a text").to_ascii_lowercase();
        assert!(aud.contains(HOST), "{aud}");
    }
}
