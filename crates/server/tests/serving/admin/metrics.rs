//! `/metrics`.

use super::{Ledger, logged_in};
use crate::{
    client::{Client, login, present},
    http::{self, Request},
    server::Server,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
};

/// The samples that are scraped without the token, by their names with labels.
fn scraped(server: &Server) -> BTreeMap<String, f64> {
    let answer = http::ask(server.admin(), Request::get("/metrics"));
    assert_eq!(answer.status, 200);
    let media_type = answer.header("content-type").unwrap();
    assert_eq!(media_type, "text/plain; version=0.0.4; charset=utf-8");
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

#[test]
fn what_happens_is_counted_by_what_came_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let (mut client, first) = logged_in(&server, "ada");
    let (mut other, _) = logged_in(&server, "ada");
    let second = client
        .ask(&present(&first["token"], "an attempt key of ada's"))
        .unwrap();
    assert_eq!(second["type"], "Success");
    let mut stranger = Client::connect(server.address).unwrap();
    let wrong = json!({"type": "Login", "username": "ada", "password": "a wrong one"});
    stranger.ask(&wrong).unwrap();
    stranger
        .ask(&json!({"type": "RefreshToken", "token": "nonsense"}))
        .unwrap();
    let answer = stranger
        .ask(&present(&first["token"], "an attempt key of nobody's"))
        .unwrap();
    assert_eq!(answer["reason"], "reused");
    assert_eq!(client.closed(), 4403);
    server.operate(Request::new("DELETE", "/admin/v1/subjects/ada/sessions"));
    assert_eq!(other.closed(), 4403);
    http::ask(server.admin(), Request::get("/admin/v1/subjects"));

    let scraped = scraped(&server);
    let version = env!("CARGO_PKG_VERSION");
    for (name, expected) in [
        ("handfast_logins_total{result=\"registered\"}", 1.0),
        ("handfast_logins_total{result=\"success\"}", 1.0),
        ("handfast_logins_total{result=\"invalid_password\"}", 1.0),
        ("handfast_presentations_total{outcome=\"advanced\"}", 1.0),
        ("handfast_presentations_total{outcome=\"malformed\"}", 1.0),
        ("handfast_presentations_total{outcome=\"reused\"}", 1.0),
        ("handfast_revocations_total{reason=\"reused\"}", 1.0),
        ("handfast_revocations_total{reason=\"admin\"}", 1.0),
        ("handfast_closes_total{code=\"4403\"}", 2.0),
        ("handfast_closes_total{code=\"4409\"}", 0.0),
        ("handfast_authenticated_connections", 0.0),
        ("handfast_admin_refused_total", 1.0),
        (
            &format!("handfast_build_info{{version=\"{version}\"}}"),
            1.0,
        ),
    ] {
        assert_eq!(scraped.get(name), Some(&expected), "{name} in {scraped:#?}");
    }
    assert!(scraped["handfast_connections"] >= 1.0);
    let batches = scraped["handfast_ledger_batch_intents_count"];
    assert!(batches >= 5.0);
    assert_eq!(
        scraped["handfast_ledger_transaction_seconds_count"],
        batches
    );
    assert!(scraped["process_resident_memory_bytes"] > 1e6);
    assert!(scraped["process_open_fds"] < scraped["process_max_fds"]);
}

#[test]
fn who_owns_a_session_is_counted_while_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let authenticated = || scraped(&server)["handfast_authenticated_connections"];
    let (mut client, answer) = logged_in(&server, "ada");
    let (_other, _) = logged_in(&server, "bob");
    assert_eq!(authenticated(), 2.0);
    let mut newer = Client::connect(server.address).unwrap();
    newer
        .ask(&present(&answer["token"], "an attempt key of ada's"))
        .unwrap();
    assert_eq!(client.closed(), 4409);
    assert_eq!(authenticated(), 2.0);
    newer.ask(&json!({"type": "Logout"})).unwrap();
    assert_eq!(authenticated(), 1.0);
}

#[test]
fn open_metrics_are_given_to_who_asks_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    let answer = http::ask(
        server.admin(),
        Request::get("/metrics").header("Accept", accept),
    );
    let media_type = answer.header("content-type").unwrap();
    assert!(media_type.starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    assert!(
        answer
            .body
            .contains("# UNIT handfast_ledger_transaction_seconds seconds\n")
    );
}

#[test]
fn ten_thousand_users_add_no_series() {
    const USERS: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let variables = [("HANDFAST_REGISTRATION", "closed")];
    let server = Server::start(folder.path(), &variables);
    let before = scraped(&server);
    let mut client = Client::connect(server.address).unwrap();
    for user in 0..USERS {
        let answer = client.ask(&login(&format!("user-{user}"))).unwrap();
        assert_eq!(answer["type"], "InvalidPassword");
    }
    let after = scraped(&server);
    assert!(before.keys().eq(after.keys()));
    let refused = after["handfast_logins_total{result=\"invalid_password\"}"];
    assert_eq!(refused, 10_000.0);
}

#[test]
fn what_is_scraped_is_as_promtool_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("audit.jsonl");
    let record = [("HANDFAST_AUDIT__PATH", record.to_str().unwrap())];
    // There nodes tell each other, which is measured, too.
    let server = Ledger::Postgres.serve(&record);
    logged_in(&server, "ada");
    let text = http::ask(server.admin(), Request::get("/metrics")).body;
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("`cargo xtask test --only tests` installs promtool");
    let mut stdin = promtool.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let checked = promtool.wait_with_output().unwrap();
    let said = [checked.stdout, checked.stderr].concat();
    assert_eq!(String::from_utf8(said).unwrap(), "", "{text}");
    assert!(checked.status.success());
}
