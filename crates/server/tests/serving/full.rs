//! A disk without room under a running server.

use crate::{
    client::{Client, login, present},
    server::{Server, log_of, wait_for_log},
};
use serde_json::{Value, json};

const FAILS: &str = "the ledger cannot store";
const RECOVERS: &str = "the ledger stores again";

fn ask(server: &Server, message: &Value) -> Value {
    let mut client = Client::connect(server.address).unwrap();
    client.ask(message).unwrap()
}

#[test]
fn a_full_disk_is_told_once_and_closes_nobody_and_the_server_recovers_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    // The beat reads the log of changes, which a full disk does not keep from.
    let server = Server::start(
        folder.path(),
        &[
            ("HANDFAST_HEARTBEAT__INTERVAL", "1s"),
            ("HANDFAST_LIMITS__LOGINS_PER_ACCOUNT", "off"),
        ],
    );
    let mut client = Client::connect(server.address).unwrap();
    let token = client.ask(&login("ada")).unwrap()["token"].clone();
    server.limit_files(Some(200_000));
    while ask(&server, &login("ada"))["type"] == "Success" {}
    // There may be room yet for what is smaller than a session.
    while server.get("/readyz").0 == 200 {}

    let told = log_of(folder.path()).matches(FAILS).count();
    for _ in 0..20 {
        assert_eq!(ask(&server, &login("ada"))["type"], "Unavailable");
        let attempt = present(&token, "an attempt key of ada");
        assert_eq!(ask(&server, &attempt)["type"], "Unavailable");
        assert_eq!(
            client.ask(&json!({"type": "Sessions"})).unwrap()["type"],
            "Sessions"
        );
    }
    let (status, reason) = server.get("/readyz");
    assert_eq!(status, 503);
    assert!(reason.starts_with("the ledger cannot answer: "), "{reason}");
    assert_eq!(server.get("/healthz").0, 200);
    let log = log_of(folder.path());
    assert_eq!(log.matches(FAILS).count(), told, "{log}");
    assert!(log.matches(RECOVERS).count() < told, "{log}");

    server.limit_files(None);
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    wait_for_log(folder.path(), RECOVERS, told - 1);
    assert_eq!(ask(&server, &login("ada"))["type"], "Success");
    let next = client
        .ask(&present(&token, "an attempt key of ada"))
        .unwrap();
    assert_eq!(
        (&next["type"], &next["generation"]),
        (&json!("Success"), &json!(1))
    );
}
