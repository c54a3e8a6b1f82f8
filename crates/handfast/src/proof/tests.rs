use super::*;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

const TOKEN: &str = "a.refresh.token";
const URL: &str = "wss://chat.example/ws/";
const CONNECTION: u64 = 7;

/// The key pair of a client.
enum Pair {
    Ed25519(Ed25519KeyPair),
    P256(EcdsaKeyPair),
}

impl Pair {
    fn all() -> [Self; 2] {
        [
            Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
        ]
    }

    fn jwk(&self) -> Value {
        match self {
            Self::Ed25519(pair) => {
                let x = URL_SAFE_NO_PAD.encode(pair.public_key());
                json!({"kty": "OKP", "crv": "Ed25519", "x": x})
            }
            Self::P256(pair) => {
                let point = pair.public_key().as_ref();
                let [x, y] = [&point[1..33], &point[33..]].map(|it| URL_SAFE_NO_PAD.encode(it));
                json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
            }
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "EdDSA",
            Self::P256(_) => "ES256",
        }
    }

    fn header(&self) -> Value {
        json!({"typ": TYPE, "alg": self.algorithm(), "jwk": self.jwk()})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
        let message = format!("{header}.{claims}");
        let signature = match self {
            Self::Ed25519(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Self::P256(pair) => {
                let signature = pair.sign(&SystemRandom::new(), message.as_bytes());
                signature.unwrap().as_ref().to_vec()
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn claims(nonces: &Nonces) -> Value {
    let hash = digest(&SHA256, TOKEN.as_bytes());
    json!({
        "nonce": nonces.of(CONNECTION, "chat.example"),
        "aud": URL,
        "ath": URL_SAFE_NO_PAD.encode(hash),
    })
}

fn occasion(nonces: &Nonces) -> Occasion<'_> {
    Occasion {
        token: TOKEN,
        nonces,
        connection: CONNECTION,
    }
}

fn changed(value: &Value, member: &str, to: impl Into<Value>) -> Value {
    let mut value = value.clone();
    value[member] = to.into();
    value
}

#[test]
fn a_proof_of_either_kind_names_the_key_that_a_login_would_bind() {
    let nonces = Nonces::new();
    for pair in Pair::all() {
        let bound = PublicKey::parse(&pair.jwk().to_string()).unwrap();
        let proof = pair.sign(&pair.header(), &claims(&nonces));
        assert_eq!(verify(&proof, occasion(&nonces)), Some(bound.thumbprint()));
    }
}

#[test]
fn a_proof_made_for_another_occasion_proves_nothing() {
    let nonces = Nonces::new();
    for pair in Pair::all() {
        let good = claims(&nonces);
        let of_another_connection = nonces.of(CONNECTION + 1, "chat.example");
        for claims in [
            changed(&good, "nonce", of_another_connection),
            changed(&good, "aud", "wss://evil.example/ws/"),
            changed(&good, "aud", "chat.example"),
            changed(&good, "ath", URL_SAFE_NO_PAD.encode([0; 32])),
            changed(&good, "ath", Value::Null),
            json!({}),
        ] {
            let proof = pair.sign(&pair.header(), &claims);
            assert_eq!(verify(&proof, occasion(&nonces)), None, "{claims}");
        }
        let proof = pair.sign(&pair.header(), &good);
        let mut elsewhere = occasion(&nonces);
        elsewhere.token = "another.refresh.token";
        assert_eq!(verify(&proof, elsewhere), None);
    }
}

#[test]
fn a_proof_is_made_by_the_key_that_it_shows_with_the_algorithm_of_that_key() {
    let nonces = Nonces::new();
    let [one, other] = [Pair::all(), Pair::all()];
    for ((pair, stranger), wrong) in one.iter().zip(&other).zip(["ES256", "EdDSA"]) {
        let good = pair.header();
        for header in [
            changed(&good, "jwk", stranger.jwk()),
            changed(&good, "alg", wrong),
            changed(&good, "alg", "none"),
            changed(&good, "alg", "HS256"),
            changed(&good, "typ", "handfast+jwt"),
            changed(&good, "typ", "JWT"),
            changed(&good, "crit", json!(["exp"])),
            changed(&good, "jwk", Value::Null),
        ] {
            let proof = pair.sign(&header, &claims(&nonces));
            assert_eq!(verify(&proof, occasion(&nonces)), None, "{header}");
        }
    }
}

#[test]
fn what_is_no_proof_proves_nothing() {
    let nonces = Nonces::new();
    let [pair, _] = Pair::all();
    let proof = pair.sign(&pair.header(), &claims(&nonces));
    let (message, _) = proof.rsplit_once('.').unwrap();
    for text in [
        String::new(),
        "..".into(),
        message.into(),
        format!("{message}."),
        format!("{proof}A"),
        format!("{proof}."),
        format!("{message}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{proof}{}", "A".repeat(PROOF_BYTES_MAX)),
    ] {
        assert_eq!(verify(&text, occasion(&nonces)), None, "{text}");
    }
}

#[test]
fn a_thumbprint_is_the_one_of_the_standard() {
    // RFC 8037 appendix A.3.
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"ignored","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    let Thumbprint(bytes) = PublicKey::parse(jwk).unwrap().thumbprint();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(bytes),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn only_public_keys_of_the_two_kinds_are_taken() {
    let [ed25519, p256] = Pair::all().map(|pair| pair.jwk());
    let short = URL_SAFE_NO_PAD.encode([1; 31]);
    for (jwk, refused) in [
        (
            json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
            KeyRefused::Unsupported,
        ),
        (json!({"kty": "oct", "k": "AQAB"}), KeyRefused::Unsupported),
        (changed(&ed25519, "crv", "X25519"), KeyRefused::Unsupported),
        (changed(&p256, "crv", "P-384"), KeyRefused::Unsupported),
        (changed(&p256, "d", "AQAB"), KeyRefused::Invalid),
        (changed(&ed25519, "d", Value::Null), KeyRefused::Invalid),
        (changed(&ed25519, "x", short), KeyRefused::Invalid),
        (changed(&ed25519, "x", 1), KeyRefused::Invalid),
        (changed(&p256, "y", p256["x"].clone()), KeyRefused::Invalid),
        (changed(&p256, "y", Value::Null), KeyRefused::Invalid),
        (json!({"kty": "EC"}), KeyRefused::Invalid),
        (
            json!(["OKP", "Ed25519", ed25519["x"], null]),
            KeyRefused::Invalid,
        ),
        (json!({}), KeyRefused::Invalid),
    ] {
        let parsed = PublicKey::parse(&jwk.to_string()).map(|key| key.thumbprint());
        assert_eq!(parsed, Err(refused), "{jwk}");
    }
}
