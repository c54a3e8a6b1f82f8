//! What must never be written down.

use crate::{
    client::{Client, login, present, signature},
    server::{Server, log_of},
};

#[test]
fn no_password_token_or_attempt_key_reaches_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(
        folder.path(),
        &[
            ("HANDFAST_LOG__LEVEL", "trace"),
            ("HANDFAST_DRAIN__SPREAD", "0s"),
        ],
    );
    let mut client = Client::connect(server.address).unwrap();
    let first = client.ask(&login("ada")).unwrap();
    let attempt = "an attempt key that is a secret";
    let second = client.ask(&present(&first["token"], attempt)).unwrap();
    let refused = client
        .ask(&present(
            &first["token"],
            "another attempt key that is a secret",
        ))
        .unwrap();
    assert_eq!(refused["reason"], "reused");
    client.ask(&serde_json::json!({"type": "Login", "username": "ada", "password": "a wrong password"})).unwrap();
    server.signal("TERM");
    assert!(server.ended());

    let log = log_of(folder.path());
    for secret in [
        "correct horse",
        "a wrong password",
        attempt,
        "another attempt key",
        signature(&first),
        signature(&second),
    ] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}
