//! `handfast doctor`.

use crate::{keys::with_key, program::Program};
use serde_json::Value;
use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt as _,
    thread,
};

/// The verdict on one thing, and all that was said.
fn verdict(program: &Program, check: &str, line: &str) -> (String, Vec<Value>) {
    let printed = program.run(&format!("doctor --json {line}"));
    let findings: Vec<Value> = serde_json::from_str(&printed.out).expect("it is JSON");
    let found = findings.iter().find(|finding| finding["check"] == check);
    let verdict = found.expect("it was looked at")["verdict"].as_str();
    (verdict.expect("it has a verdict").to_owned(), findings)
}

fn mode(program: &Program, name: &str, mode: u32) {
    fs::set_permissions(program.path(name), Permissions::from_mode(mode)).expect("it is ours");
}

/// Answers `requests` requests with `answer`.
fn answering(requests: usize, answer: &'static str) -> (u16, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    let thread = thread::spawn(move || {
        for stream in listener.incoming().take(requests) {
            let mut stream = stream.expect("the doctor asks");
            let mut lines = BufReader::new(stream.try_clone().expect("a clone")).lines();
            while lines
                .next()
                .is_some_and(|line| !line.expect("a line").is_empty())
            {}
            stream
                .write_all(answer.as_bytes())
                .expect("the doctor listens");
        }
    });
    (port, thread)
}

#[test]
fn before_the_first_start_nothing_is_wrong() {
    let printed = Program::new().run("doctor --listen 127.0.0.1:0");
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(
        printed
            .out
            .contains("handfast-data will be made at the first start")
    );
    assert!(printed.out.contains("\n0 failed, "), "{printed:?}");
}

#[test]
fn looking_changes_nothing() {
    let program = Program::new();
    program.run("doctor --listen 127.0.0.1:0");
    assert!(!program.path("handfast-data").exists());
}

#[test]
fn files_that_others_may_read_fail_with_the_command_that_mends_it() {
    let program = with_key(1_767_225_600);
    fs::write(program.path("handfast-data/accounts.db"), "").expect("the folder is ours");
    mode(&program, "handfast-data", 0o755);
    mode(&program, "handfast-data/keys.jwks", 0o644);
    mode(&program, "handfast-data/accounts.db", 0o640);
    let token = program.path("handfast-data/admin-token");
    fs::write(token, "0123456789012345678901").expect("the folder is ours");
    mode(&program, "handfast-data/admin-token", 0o644);
    for (check, expected) in [
        ("data folder", "warn"),
        ("keys", "fail"),
        ("accounts", "fail"),
        ("admin token", "fail"),
    ] {
        let (verdict, findings) = verdict(&program, check, "--listen 127.0.0.1:0");
        assert_eq!(verdict, expected, "{check}: {findings:?}");
    }
    let printed = program.run("doctor --listen 127.0.0.1:0");
    assert_eq!(printed.code, 1);
    assert!(
        printed.out.contains("  = chmod 700 handfast-data\n"),
        "{printed:?}"
    );
    assert!(
        printed
            .out
            .contains("  = chmod 600 handfast-data/accounts.db\n")
    );
}

#[test]
fn a_ledger_that_is_none_fails_and_is_left_as_it_is() {
    let program = with_key(1_767_225_600);
    let ledger = program.path("handfast-data/ledger.db");
    fs::write(
        &ledger,
        "this is no database, and long enough to be taken for one: ".repeat(99),
    )
    .expect("the folder is ours");
    mode(&program, "handfast-data/ledger.db", 0o600);
    let before = fs::read(&ledger).expect("it is there");
    let (verdict, findings) = verdict(&program, "ledger", "--listen 127.0.0.1:0");
    assert_eq!(verdict, "fail", "{findings:?}");
    assert_eq!(fs::read(&ledger).expect("it is there"), before);
}

#[test]
fn a_running_handfast_is_told_from_another_program() {
    let (port, handfast) = answering(
        2,
        "HTTP/1.1 200 OK\r\ncontent-type: application/jwk-set+json\r\n\r\n{\"keys\":[]}",
    );
    let listen = format!("--listen 127.0.0.1:{port}");
    let (found, findings) = verdict(&Program::new(), "listen", &listen);
    assert_eq!(found, "ok", "{findings:?}");
    handfast.join().expect("it answered");

    let (port, other) = answering(1, "HTTP/1.1 404 Not Found\r\n\r\n");
    let listen = format!("--listen 127.0.0.1:{port}");
    let (found, findings) = verdict(&Program::new(), "listen", &listen);
    assert_eq!(found, "fail", "{findings:?}");
    other.join().expect("it answered");
}

#[test]
fn what_the_world_can_reach_is_looked_at_more_closely() {
    let program = Program::new();
    assert_eq!(verdict(&program, "tls", "--listen 127.0.0.1:0").0, "ok");
    assert_eq!(verdict(&program, "tls", "--listen 0.0.0.0:0").0, "warn");
    assert_eq!(
        verdict(&program, "registration", "--listen 127.0.0.1:0").0,
        "ok"
    );
    assert_eq!(
        verdict(&program, "registration", "--listen 0.0.0.0:0").0,
        "warn"
    );
    for (name, value) in [
        ("HANDFAST_TRUSTED_PROXIES", "127.0.0.1"),
        ("HANDFAST_ALLOWED_ORIGINS", "https://chat.example.com"),
    ] {
        let proxied = Program::new().variable(name, value);
        let (found, _) = verdict(&proxied, "registration", "--listen 127.0.0.1:0");
        assert_eq!(found, "warn", "{name}");
    }
    let closed = program.variable("HANDFAST_REGISTRATION", "closed");
    assert_eq!(
        verdict(&closed, "registration", "--listen 0.0.0.0:0").0,
        "ok"
    );
}

#[test]
fn an_address_of_another_machine_fails() {
    // RFC 5737: documentation only, so no machine has it.
    let (found, findings) = verdict(&Program::new(), "listen", "--listen 192.0.2.1:9001");
    assert_eq!(found, "fail", "{findings:?}");
}

#[test]
fn a_certificate_that_is_none_fails() {
    let program = Program::new()
        .file("cert.pem", "nonsense")
        .variable("HANDFAST_TLS__CERT", "cert.pem")
        .variable("HANDFAST_TLS__KEY", "cert.pem");
    let (found, findings) = verdict(&program, "tls", "--listen 127.0.0.1:0");
    assert_eq!(found, "fail", "{findings:?}");
}

#[test]
fn doubts_about_the_configuration_are_repeated() {
    let program = Program::new().variable("HANDFAST_SESSION__MAX_LIFETIME", "1d");
    assert_eq!(
        verdict(&program, "configuration", "--listen 127.0.0.1:0").0,
        "warn"
    );
}

#[test]
fn a_certificate_is_told_with_its_end_and_one_that_has_ended_fails() {
    let certified = |year: i32| {
        let mut wanted = rcgen::CertificateParams::new(["localhost".to_owned()]).expect("a name");
        wanted.not_before = rcgen::date_time_ymd(2020, 1, 1);
        wanted.not_after = rcgen::date_time_ymd(year, 1, 1);
        let key = rcgen::KeyPair::generate().expect("a key");
        let made = wanted.self_signed(&key).expect("a certificate");
        let program = Program::new()
            .file("cert.pem", &made.pem())
            .file("key.pem", &key.serialize_pem())
            .variable("HANDFAST_TLS__CERT", "cert.pem")
            .variable("HANDFAST_TLS__KEY", "key.pem");
        mode(&program, "key.pem", 0o600);
        verdict(&program, "tls", "--listen 127.0.0.1:0")
    };
    let (found, findings) = certified(4000);
    assert_eq!(found, "ok", "{findings:?}");
    let (found, findings) = certified(2021);
    assert_eq!(found, "fail", "{findings:?}");
    let said = serde_json::to_string(&findings).expect("it is JSON");
    assert!(
        said.contains("has expired") && said.contains("renew it"),
        "{said}"
    );
}

#[test]
fn who_may_operate_is_told() {
    let local = "--listen 127.0.0.1:0";
    assert_eq!(verdict(&Program::new(), "admin", local).0, "ok");
    let insecure = Program::new().variable("HANDFAST_ADMIN__INSECURE", "true");
    let exposed = "--listen 127.0.0.1:0 --admin 0.0.0.0:9002";
    let (found, findings) = verdict(&insecure, "admin", exposed);
    assert_eq!(found, "warn", "{findings:?}");
}

#[test]
fn a_configuration_that_others_may_write_fails() {
    let program = Program::new().file("handfast.toml", "registration = \"closed\"\n");
    mode(&program, "handfast.toml", 0o664);
    let line = "--listen 127.0.0.1:0 --config handfast.toml";
    let printed = program.run(&format!("doctor {line}"));
    assert_eq!(printed.code, 1);
    assert!(
        printed.out.contains("  = chmod go-w handfast.toml\n"),
        "{printed:?}"
    );
    mode(&program, "handfast.toml", 0o644);
    assert_eq!(program.run(&format!("doctor {line}")).code, 0);
}

#[test]
fn a_record_that_cannot_be_kept_or_that_others_may_read_is_told() {
    let recorded = |path: &str| Program::new().variable("HANDFAST_AUDIT__PATH", path);
    let line = "--listen 127.0.0.1:0";
    assert_eq!(verdict(&Program::new(), "audit", line).0, "ok");
    assert_eq!(verdict(&recorded("audit.jsonl"), "audit", line).0, "ok");
    let (found, findings) = verdict(&recorded("nowhere/audit.jsonl"), "audit", line);
    assert_eq!(found, "fail", "{findings:?}");
    let open = recorded("audit.jsonl").file("audit.jsonl", "");
    mode(&open, "audit.jsonl", 0o644);
    let (found, findings) = verdict(&open, "audit", line);
    assert_eq!(found, "warn", "{findings:?}");
}

#[test]
fn a_collector_that_takes_nothing_is_told() {
    let traced = |port: u16| {
        let endpoint = format!("http://127.0.0.1:{port}");
        Program::new().variable("HANDFAST_OTLP__ENDPOINT", &endpoint)
    };
    let line = "--listen 127.0.0.1:0";
    let (port, answering) = answering(2, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(verdict(&traced(port), "traces", line).0, "ok");
    assert_eq!(verdict(&traced(port), "traces", line).0, "ok");
    answering.join().expect("it was asked");
    let (found, findings) = verdict(&traced(port), "traces", line);
    assert_eq!(found, "fail", "{findings:?}");
    let said = serde_json::to_string(&findings).expect("it is JSON");
    assert!(said.contains("cannot be reached"), "{said}");
    let (port, _answering) = self::answering(1, "HTTP/1.1 404 .\r\nContent-Length: 0\r\n\r\n");
    let (found, findings) = verdict(&traced(port), "traces", line);
    assert_eq!(found, "fail", "{findings:?}");
}
