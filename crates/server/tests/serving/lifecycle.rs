//! Starting, being asked how it goes, reloading, stopping.

use crate::{
    client::{Client, login, present},
    server::{Server, log_of, wait_for_log},
};
use serde_json::{Value, json};
use std::{net::TcpListener, process::Command};

#[test]
fn a_server_says_that_it_is_well_and_ready_and_shows_no_secret_key() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    assert_eq!(server.get("/healthz"), (200, "ok\n".to_owned()));
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    let (status, keys) = server.get("/.well-known/jwks.json");
    assert_eq!(
        (status, serde_json::from_str::<Value>(&keys).unwrap()),
        (200, json!({"keys": []}))
    );
    assert_eq!(server.get("/").0, 200);
}

#[test]
fn the_public_key_of_an_asymmetric_algorithm_is_served_without_its_private_part() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_TOKEN__ALGORITHM", "EdDSA")]);
    let (_, keys) = server.get("/.well-known/jwks.json");
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let key = &keys["keys"][0];
    assert_eq!(
        (&key["kty"], &key["crv"]),
        (&json!("OKP"), &json!("Ed25519"))
    );
    assert!(key.get("d").is_none(), "{key}");
}

#[test]
fn the_demo_page_can_be_switched_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_DEMO_PAGE", "false")]);
    assert_eq!(server.get("/").0, 404);
}

#[test]
fn told_to_stop_a_server_closes_its_connections_and_ends_content() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_DRAIN__SPREAD", "0s")]);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    server.signal("TERM");
    assert_eq!(client.closed(), 1001);
    assert!(server.ended());
}

#[test]
fn told_to_stop_a_server_that_waits_for_its_ledger_ends_content() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path(), &[]);
    for signal in ["TERM", "INT"] {
        assert!(Server::waits_in_vain(folder.path(), signal), "{signal}");
    }
}

#[test]
fn told_to_stop_a_server_whose_database_does_not_answer_ends_content() {
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let is_content = Server::starts_in_vain(folder.path(), &hangs, signal);
        assert!(is_content, "{signal}: {}", log_of(folder.path()));
    }
}

#[test]
fn a_server_that_is_told_to_stop_says_so_to_load_balancers_first() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_DRAIN__DELAY", "1h")]);
    let mut client = Client::connect(server.address).unwrap();
    let token = client.ask(&login("ada")).unwrap()["token"].clone();
    server.signal("TERM");
    wait_for_log(folder.path(), "not ready any more", 0);
    assert_eq!(server.get("/readyz"), (503, "stopping\n".to_owned()));
    assert_eq!(server.get("/healthz").0, 200);
    let mut late = Client::connect(server.address).unwrap();
    let answer = late.ask(&present(&token, "an attempt key of ada"));
    assert_eq!(answer.unwrap()["type"], "Success");
    server.signal("TERM");
    assert!(server.ended(), "told again, it does not wait for the delay");
}

#[test]
fn a_server_that_is_told_to_stop_again_stops_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_DRAIN__SPREAD", "1h")]);
    let clients: Vec<_> = (0..20)
        .map(|_| Client::connect(server.address).unwrap())
        .collect();
    server.signal("INT");
    wait_for_log(folder.path(), "not ready any more", 0);
    server.signal("INT");
    assert!(server.ended());
    assert!(log_of(folder.path()).contains("stopping at once"));
    drop(clients);
}

#[test]
fn keys_are_rotated_under_a_running_server_and_old_tokens_stay_good() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut client = Client::connect(server.address).unwrap();
    let first = client.ask(&login("ada")).unwrap();
    let rotated = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(["keys", "rotate", "--activate-after", "0s", "--data"])
        .arg(folder.path().join("data"))
        .env_clear()
        .status()
        .unwrap();
    assert!(rotated.success());
    server.signal("HUP");
    let kid = |answer: &Value| {
        answer["token"]
            .as_str()
            .unwrap()
            .split('.')
            .next()
            .unwrap()
            .to_owned()
    };
    let mut token = first.clone();
    // The signal is heard at some time; every token until then and after it is good.
    while kid(&token) == kid(&first) {
        token = client
            .ask(&present(
                &token["token"],
                &format!("the attempt of ada at {}", token["generation"]),
            ))
            .unwrap();
        assert_eq!(token["type"], "Success", "{token}");
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(folder.path(), &[]);
    let second = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(folder.path().join("data"))
        .env_clear()
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("in use by another handfast"), "{said}");
}

#[test]
fn a_place_where_another_listens_stops_the_start_and_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let taken = server.address.to_string();
    let second = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(["serve", "--listen", &taken, "--data"])
        .arg(folder.path().join("other"))
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&taken) && said.contains("--listen"), "{said}");
}

#[test]
fn a_damaged_database_stops_the_start_by_name_and_stays_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let garbage =
        b"this is no database at all, but long enough to be looked at closely".repeat(100);
    std::fs::write(data.join("ledger.db"), &garbage).unwrap();
    let start = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--data",
        ])
        .arg(&data)
        .env_clear()
        .output()
        .unwrap();
    assert!(!start.status.success());
    let said = String::from_utf8(start.stderr).unwrap();
    assert!(said.contains("ledger.db"), "{said}");
    assert_eq!(std::fs::read(data.join("ledger.db")).unwrap(), garbage);
}

#[test]
fn a_log_says_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_DRAIN__SPREAD", "0s")]);
    server.signal("TERM");
    assert!(server.ended());
    assert!(log_of(folder.path()).contains("stopping"));
}
