//! Sessions that are bound to a key.

use crate::{
    client::{Client, closed},
    node::Node,
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The key of a client.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|it| URL_SAFE_NO_PAD.encode(it));
        json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})
    }

    /// A proof for the connection that said `hello`.
    fn prove(&self, hello: &Value, endpoint: &str, token: &Value) -> String {
        let header = json!({"typ": "handfast-proof+jwt", "alg": "ES256", "jwk": self.jwk()});
        let hash = digest(&SHA256, token.as_str().unwrap().as_bytes());
        let claims = json!({
            "nonce": hello["nonce"],
            "aud": endpoint,
            "ath": URL_SAFE_NO_PAD.encode(hash),
        });
        let [header, claims] = [header, claims].map(|it| URL_SAFE_NO_PAD.encode(it.to_string()));
        let message = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.unwrap().as_ref());
        format!("{message}.{signature}")
    }
}

/// A new connection, and its `Hello`.
fn connect(node: &Node) -> (Client, Value) {
    let mut client = Client::connect(node.address, Some("handfast.v1"));
    let hello = client.receive();
    (client, hello)
}

fn endpoint(address: SocketAddr) -> String {
    format!("ws://{address}/ws/")
}

fn login(client: &mut Client, key: &Key) -> Value {
    let answer = client.ask(&json!({
        "type": "Login",
        "username": "ada",
        "password": "correct horse",
        "key": key.jwk(),
    }));
    assert_eq!(answer["type"], "Registered", "{answer}");
    answer["token"].clone()
}

fn present(client: &mut Client, token: &Value, proof: &str) -> Value {
    client.ask(&json!({"type": "RefreshToken", "token": token, "proof": proof}))
}

#[test]
fn who_has_the_key_goes_on_and_may_repeat_itself() {
    let node = Node::start();
    let key = Key::new();
    let token = login(&mut connect(&node).0, &key);
    for _ in 0..3 {
        let (mut client, hello) = connect(&node);
        let proof = key.prove(&hello, &endpoint(node.address), &token);
        let answer = present(&mut client, &token, &proof);
        assert_eq!(answer["type"], "Success", "{answer}");
        assert_eq!(answer["generation"], 1, "a lost answer is given again");
    }
}

#[test]
fn a_copied_token_opens_nothing_and_its_owner_notices_nothing() {
    let node = Node::start();
    let (key, thiefs) = (Key::new(), Key::new());
    let (mut owner, _) = connect(&node);
    let token = login(&mut owner, &key);
    let required = json!({"type": "InvalidToken", "reason": "proof_required"});

    let (mut thief, hello) = connect(&node);
    let here = endpoint(node.address);
    assert_eq!(thief.present(&token), required);
    assert_eq!(thief.attempt(&token, "an attempt key of a thief"), required);
    let with_another_key = thiefs.prove(&hello, &here, &token);
    assert_eq!(present(&mut thief, &token, &with_another_key), required);

    assert_eq!(owner.ask(&json!({"type": "Ping"})), json!({"type": "Pong"}));
    let (mut returning, hello) = connect(&node);
    let proof = key.prove(&hello, &here, &token);
    assert_eq!(present(&mut returning, &token, &proof)["type"], "Success");
    assert_eq!(owner.closed(), closed(4409, "superseded"));
}

#[test]
fn whoever_copied_a_token_cannot_use_up_how_often_its_owner_may_come_back() {
    let node = Node::start();
    let (key, thiefs) = (Key::new(), Key::new());
    let token = login(&mut connect(&node).0, &key);
    let (mut thief, hello) = connect(&node);
    let here = endpoint(node.address);
    let with_another_key = thiefs.prove(&hello, &here, &token);
    let mut tire = |present: &dyn Fn(&mut Client) -> Value| {
        while present(&mut thief)["type"] != "TooManyRequests" {}
    };
    tire(&|thief| thief.present(&token));
    tire(&|thief| present(thief, &token, &with_another_key));

    let (mut returning, hello) = connect(&node);
    let proof = key.prove(&hello, &here, &token);
    assert_eq!(present(&mut returning, &token, &proof)["type"], "Success");
}

#[test]
fn keys_that_are_made_up_lift_no_rate() {
    let node = Node::start();
    let (mut client, hello) = connect(&node);
    let mut token = client.login("ada")["token"].clone();
    let here = endpoint(node.address);
    let mut presented = 0;
    loop {
        let answer = present(
            &mut client,
            &token,
            &Key::new().prove(&hello, &here, &token),
        );
        if answer["type"] == "TooManyRequests" {
            break;
        }
        token = answer["token"].clone();
        presented += 1;
        assert!(presented <= 12, "six for all, and six for this connection");
    }
}

#[test]
fn a_proof_counts_once_only_where_it_was_made_for() {
    let node = Node::start();
    let key = Key::new();
    let token = login(&mut connect(&node).0, &key);
    let (_, of_another_connection) = connect(&node);
    let (mut client, hello) = connect(&node);
    let here = endpoint(node.address);
    for proof in [
        key.prove(&of_another_connection, &here, &token),
        key.prove(&hello, "wss://evil.example/ws/", &token),
        key.prove(&hello, &here, &json!("another.token.altogether")),
        "no.proof.at-all".into(),
    ] {
        let answer = present(&mut client, &token, &proof);
        assert_eq!(answer["reason"], "proof_required", "{answer}");
    }
}

#[test]
fn a_session_without_a_key_does_not_look_at_proofs() {
    let node = Node::start();
    let key = Key::new();
    let token = connect(&node).0.login("ada")["token"].clone();
    let (mut client, hello) = connect(&node);
    let proof = key.prove(&hello, &endpoint(node.address), &token);
    let answer = client.ask(&json!({
        "type": "RefreshToken",
        "token": token,
        "attempt": "an attempt key of ada",
        "proof": proof,
    }));
    assert_eq!(answer["type"], "Success", "{answer}");
    let (mut again, _) = connect(&node);
    let answer = again.attempt(&token, "an attempt key of ada");
    assert_eq!(answer["generation"], 1, "the attempt key was what counted");
}

#[test]
fn a_key_that_is_none_makes_no_session() {
    let node = Node::start();
    let (mut client, _) = connect(&node);
    let mut refused = |key: Value| {
        client.ask(&json!({
            "type": "Login",
            "username": "ada",
            "password": "correct horse",
            "key": key,
        }))["reason"]
            .clone()
    };
    assert_eq!(refused(json!({"kty": "RSA"})), "key_unsupported");
    assert_eq!(refused(json!({"kty": "EC", "crv": "P-256"})), "key_invalid");
    assert_eq!(refused(json!("a key")), "wrong_field");
    let mut private = Key::new().jwk();
    private["d"] = "AQAB".into();
    assert_eq!(refused(private), "key_invalid");
    let plain = node.plain().ask(&json!({
        "type": "Login",
        "username": "ada",
        "password": "correct horse",
        "key": Key::new().jwk(),
    }));
    assert_eq!(
        plain["reason"], "key_unsupported",
        "there is no nonce there"
    );
    assert_eq!(
        node.plain().login("ada")["type"],
        "Registered",
        "no account was made"
    );
}
