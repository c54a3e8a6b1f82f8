//! The record of what happened: its file, its loss, and asking for it.

use crate::{
    client::{Client, login, present, signature},
    http::{self, Answer, Request},
    server::{Server, log_of, wait_for_log},
};
use serde_json::{Value, json};
use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("audit.jsonl")
}

/// A server that records into [`file`], with another setting.
fn start(folder: &TempDir, name: &str, value: &str) -> Server {
    let path = file(folder);
    let path = path.to_str().unwrap();
    let node = ("HANDFAST_AUDIT__NODE", "web1");
    Server::start(
        folder.path(),
        &[("HANDFAST_AUDIT__PATH", path), node, (name, value)],
    )
}

fn recording(folder: &TempDir) -> Server {
    start(folder, "HANDFAST_AUDIT__KEEP", "off")
}

fn asked(server: &Server, query: &str) -> Answer {
    server.operate(Request::get(&format!("/admin/v1/audit{query}")))
}

/// The records that fit `query`, each as its event and what is particular to it.
fn events(server: &Server, query: &str) -> Vec<String> {
    let answer = asked(server, query).json();
    let records = answer["records"].as_array().unwrap();
    let detail = |record: &Value, name: &str| {
        let value = record[name].as_str();
        value.map(|value| format!(" {value}")).unwrap_or_default()
    };
    records
        .iter()
        .map(|record| {
            let details = ["outcome", "reason", "by"].map(|name| detail(record, name));
            format!("{}{}", record["event"].as_str().unwrap(), details.concat())
        })
        .collect()
}

fn logged_in(server: &Server, username: &str) -> Value {
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login(username)).unwrap()
}

#[test]
fn what_happens_is_recorded_and_found_by_user_session_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let server = recording(&folder);
    let ada = logged_in(&server, "Ada");
    logged_in(&server, "bob");
    let mut client = Client::connect(server.address).unwrap();
    let wrong = json!({"type": "Login", "username": "ada", "password": "a wrong password"});
    client.ask(&wrong).unwrap();
    client
        .ask(&present(&ada["token"], "an attempt key of ada"))
        .unwrap();
    let session = ada["session"].as_str().unwrap();
    let path = format!("/admin/v1/sessions/{session}");
    assert_eq!(server.operate(Request::new("DELETE", &path)).status, 200);
    let of_ada = [
        "registered",
        "login_refused invalid_password",
        "presented advanced",
        "revoked admin operator",
    ];
    assert_eq!(events(&server, "?subject=ADA"), of_ada);
    let of_session = [
        "registered",
        "presented advanced",
        "revoked admin operator",
        "operated token",
    ];
    assert_eq!(events(&server, &format!("?session={session}")), of_session);
    assert_eq!(events(&server, "?subject=bob"), ["registered"]);
    assert_eq!(events(&server, "?until=1000000000"), [""; 0]);
    let last = asked(&server, "?subject=ada&limit=1").json();
    assert_eq!(last["complete"], false);
    let last = &last["records"][0];
    assert_eq!(last["event"], "revoked");
    assert_eq!(
        (&last["node"], &last["subject"]),
        (&json!("web1"), &json!("ada"))
    );
    let operated = asked(&server, &format!("?session={session}&limit=1")).json();
    assert_eq!(operated["records"][0]["request"], format!("DELETE {path}"));
    assert_eq!(operated["records"][0]["address"], "127.0.0.1");
    let mode = file(&folder).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn no_password_token_or_attempt_key_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let server = recording(&folder);
    let ada = logged_in(&server, "ada");
    let mut client = Client::connect(server.address).unwrap();
    let next = client
        .ask(&present(&ada["token"], "an attempt key of ada"))
        .unwrap();
    let changed = json!({"type": "ChangePassword", "old_password": "correct horse", "new_password": "battery staple"});
    assert_eq!(client.ask(&changed).unwrap()["type"], "PasswordChanged");
    let made = json!({"subject": "bob", "password": "hunter hunter"});
    server.operate(Request::new("POST", "/admin/v1/subjects").json(&made));
    server.signal("TERM");
    assert!(server.ended());
    let record = fs::read_to_string(file(&folder)).unwrap();
    for secret in [
        "correct horse",
        "battery staple",
        "hunter",
        "attempt key",
        signature(&ada),
        signature(&next),
    ] {
        assert!(!record.contains(secret), "{secret} is recorded");
    }
    for happened in [
        "\"password_changed\"",
        "\"subject\":\"bob\"",
        "\"started\"",
        "\"stopped\"",
    ] {
        assert!(
            record.contains(happened),
            "{happened} is not recorded: {record}"
        );
    }
}

#[test]
fn a_file_that_is_renamed_is_begun_anew_and_still_found() {
    let folder = tempfile::tempdir().unwrap();
    let server = recording(&folder);
    logged_in(&server, "ada");
    assert_eq!(events(&server, "?subject=ada"), ["registered"]);
    fs::rename(file(&folder), folder.path().join("audit.jsonl.1")).unwrap();
    logged_in(&server, "ada");
    assert_eq!(events(&server, "?subject=ada"), ["registered", "logged_in"]);
    fs::rename(file(&folder), folder.path().join("audit.jsonl-20260203")).unwrap();
    server.signal("HUP");
    wait_for_log(folder.path(), "reloaded", 0);
    logged_in(&server, "ada");
    assert_eq!(
        events(&server, "?subject=ada"),
        ["registered", "logged_in", "logged_in"]
    );
    let now = fs::read_to_string(file(&folder)).unwrap();
    assert_eq!(now.matches("logged_in").count(), 1, "{now}");
}

/// Lets the file be a disk that is full: every write to it fails with ENOSPC.
fn fill(path: &Path) {
    symlink("/dev/full", path).unwrap();
}

/// Lets there be room again, and has the server try at once.
fn make_room(folder: &TempDir, server: &Server) {
    fs::remove_file(file(folder)).unwrap();
    server.signal("HUP");
    wait_for_log(folder.path(), "what happens is recorded again", 0);
}

fn metric(server: &Server, name: &str) -> String {
    let scraped = server.operate(Request::get("/metrics")).body;
    let line = scraped
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {scraped}"))
        .to_owned()
}

#[test]
fn a_full_disk_keeps_nobody_out_and_what_happened_meanwhile_is_written_later() {
    let folder = tempfile::tempdir().unwrap();
    fill(&file(&folder));
    let server = recording(&folder);
    wait_for_log(folder.path(), "what happens cannot be recorded", 0);
    assert_eq!(logged_in(&server, "ada")["type"], "Registered");
    let (status, text) = server.get("/readyz");
    assert_eq!(status, 200);
    assert!(
        text.contains("ready, but") && text.contains("No space left"),
        "{text}"
    );
    assert_eq!(metric(&server, "handfast_audit_failing"), "1.0");
    make_room(&folder, &server);
    assert_eq!(events(&server, "?subject=ada"), ["registered"]);
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(metric(&server, "handfast_audit_failing"), "0.0");
    let told = log_of(folder.path()).matches("cannot be recorded").count();
    assert_eq!(told, 1, "an outage is logged once");
}

#[test]
fn with_refuse_a_full_disk_lets_nobody_in_and_everybody_out() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder, "HANDFAST_AUDIT__ON_FAILURE", "refuse");
    let mut inside = Client::connect(server.address).unwrap();
    inside.ask(&login("ada")).unwrap();
    fs::rename(file(&folder), folder.path().join("audit.jsonl.1")).unwrap();
    fill(&file(&folder));
    // Nobody knows of the full disk before something is to be written.
    logged_in(&server, "bob");
    wait_for_log(folder.path(), "what happens cannot be recorded", 0);
    assert_eq!(logged_in(&server, "eve")["type"], "Unavailable");
    assert_eq!(server.get("/readyz").0, 503);
    assert_eq!(
        inside.ask(&json!({"type": "Logout"})).unwrap()["type"],
        "LoggedOut"
    );
    make_room(&folder, &server);
    assert_eq!(logged_in(&server, "eve")["type"], "Registered");
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(events(&server, "?subject=eve"), ["registered"]);
    assert_eq!(
        events(&server, "?subject=ada"),
        ["registered", "revoked logout self"]
    );
}

#[test]
fn the_record_on_stdout_comes_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[("HANDFAST_AUDIT__PATH", "-")]);
    let mut next = || serde_json::from_str::<Value>(&server.line()).unwrap();
    assert_eq!(next()["event"], "started");
    logged_in(&server, "ada");
    let record = serde_json::from_str::<Value>(&server.line()).unwrap();
    assert_eq!(
        (&record["event"], &record["subject"]),
        (&json!("registered"), &json!("ada"))
    );
    let (status, code, _) = asked(&server, "").problem();
    assert_eq!((status, code.as_str()), (404, "no_record"));
}

#[test]
fn an_operator_without_the_token_is_recorded_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = recording(&folder);
    let request = Request::get("/admin/v1/subjects");
    for request in [request.clone().bearer("wrong"), request] {
        assert_eq!(http::ask(server.admin(), request).status, 401);
    }
    let refused = [
        "operator_refused token_wrong",
        "operator_refused token_missing",
    ];
    assert_eq!(events(&server, "?limit=2"), refused);
}

#[test]
fn a_question_that_does_not_fit_is_answered_with_the_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = recording(&folder);
    for (query, field) in [
        ("?subject=a b", "subject"),
        ("?session=short", "session"),
        ("?since=yesterday", "since"),
        ("?until=-1", "until"),
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?user=ada", "user"),
    ] {
        let (status, _, named) = asked(&server, &query.replace(' ', "+")).problem();
        assert_eq!((status, named.as_deref()), (422, Some(field)), "{query}");
    }
    let silent = tempfile::tempdir().unwrap();
    let silent = Server::start(silent.path(), &[]);
    let (status, code, _) = asked(&silent, "").problem();
    assert_eq!((status, code.as_str()), (404, "no_record"));
}
