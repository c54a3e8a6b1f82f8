//! The program against a server that speaks the plain framing and checks what it is told, but keeps nothing.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be set up or read has failed its test"
)]

use std::{
    collections::HashSet,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Command, Output},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use tungstenite::{
    Message, WebSocket,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

/// How the server behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// It grants what it should, and pings first.
    Obliging,
    /// It refuses every login.
    Refusing,
    /// It closes every connection.
    Closing,
}

/// The tokens that may be presented, each once.
#[derive(Default)]
struct Tokens {
    valid: Mutex<HashSet<String>>,
    made: AtomicU64,
}

impl Tokens {
    fn make(&self) -> String {
        let token = format!(
            "header.{}.sig-nature_",
            self.made.fetch_add(1, Ordering::Relaxed)
        );
        self.valid.lock().unwrap().insert(token.clone());
        token
    }

    fn answer(&self, request: &serde_json::Value) -> String {
        let (kind, old) = (request["type"].as_str(), request["token"].as_str());
        let granted = match (kind, old) {
            (Some("Register"), _) => "Registered",
            (Some("Login"), _) => "Success",
            (Some("RefreshToken"), Some(old)) if self.valid.lock().unwrap().remove(old) => {
                "Success"
            }
            _ => return r#"{"type":"InvalidToken","reason":"unknown"}"#.to_owned(),
        };
        serde_json::json!({"type": granted, "expires_at": 4_000_000_000_u64, "token": self.make()})
            .to_string()
    }
}

fn serve(manner: Manner) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let tokens = Arc::new(Tokens::default());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let tokens = Arc::clone(&tokens);
            // A client that leaves without a word is not an error.
            thread::spawn(move || attend(stream.unwrap(), manner, &tokens).ok());
        }
    });
    address
}

fn attend(
    stream: TcpStream,
    manner: Manner,
    tokens: &Tokens,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut socket = tungstenite::accept(stream).map_err(|error| error.to_string())?;
    match manner {
        Manner::Obliging => socket.send(Message::Ping("still there?".into()))?,
        Manner::Refusing => {}
        Manner::Closing => return close(socket),
    }
    loop {
        let Message::Text(text) = socket.read()? else {
            continue;
        };
        let answer = match manner {
            Manner::Refusing => r#"{"type":"TooManyRequests","retry_after":7}"#.to_owned(),
            Manner::Obliging | Manner::Closing => tokens.answer(&serde_json::from_str(&text)?),
        };
        socket.send(Message::text(answer))?;
    }
}

fn close(mut socket: WebSocket<TcpStream>) -> Result<(), Box<dyn std::error::Error>> {
    socket.close(Some(CloseFrame {
        code: CloseCode::from(4429),
        reason: "address".into(),
    }))?;
    socket.flush()?;
    // Until the client has gone: closing earlier would take the close frame away from it.
    while socket.read().is_ok() {}
    Ok(())
}

fn load(address: SocketAddr, command: &str, options: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_handfast-load"))
        .arg(command)
        .arg("--url")
        .arg(format!("ws://{address}/ws/"))
        .args(["--rounds", "2", "--seconds", "0.1"])
        .args(options)
        .output()
        .unwrap()
}

/// Runs against an obliging server; gives the measurements.
fn measured(command: &str, options: &[&str]) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    let options = [options, &["--json", file.to_str().unwrap()]].concat();
    let output = load(serve(Manner::Obliging), command, &options);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    report["measurements"].as_array().unwrap().clone()
}

fn operations(measurement: &serde_json::Value) -> Vec<u64> {
    let rounds = measurement["rounds"].as_array().unwrap();
    rounds
        .iter()
        .map(|round| round["operations"].as_u64().unwrap())
        .collect()
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    assert!(output.stdout.is_empty(), "a report of nothing");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn resuming_presents_each_token_once_in_every_round() {
    for close in ["reset", "fin"] {
        let measurements = measured("resume", &["--clients", "3", "--close", close]);
        assert_eq!(measurements.len(), 1);
        let operations = operations(&measurements[0]);
        assert_eq!(operations.len(), 2);
        assert!(operations.iter().all(|count| *count > 0));
    }
}

#[test]
fn refreshing_presents_each_token_once_in_every_round() {
    let measurements = measured("refresh", &["--clients", "3"]);
    assert!(operations(&measurements[0]).iter().all(|count| *count > 0));
}

#[test]
fn registrations_and_logins_are_counted_apart() {
    let measurements = measured("login", &["--clients", "2", "--sources", "3"]);
    let names: Vec<&str> = measurements
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["registration, 2 clients", "login, 2 clients"]);
}

#[test]
fn at_a_fixed_rate_nothing_that_was_due_is_left_out() {
    for command in ["resume", "refresh", "login"] {
        let measurements = measured(command, &["--clients", "2", "--rate", "200"]);
        assert_eq!(measurements.len(), 3, "a row for each percentile");
        assert_eq!(operations(&measurements[0]), [20, 20]);
    }
}

#[test]
fn idle_connections_are_weighed_where_the_server_is_known() {
    let pid = std::process::id().to_string();
    let names = |options: &[&str]| {
        let measurements = measured("idle", options);
        measurements
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&["--connections", "5"]), ["pings of 5 connections"]);
    let weighed = names(&["--connections", "5", "--pid", &pid]);
    assert!(
        weighed.contains(&"idle, 5 connections, resident".to_owned()),
        "{weighed:?}"
    );
}

#[test]
fn a_refusal_is_told_with_the_servers_own_words() {
    let output = load(serve(Manner::Refusing), "resume", &["--clients", "1"]);
    let complaint = complaint(&output);
    assert!(
        complaint.contains(r#"{"type":"TooManyRequests","retry_after":7} to Login"#),
        "{complaint}"
    );
}

#[test]
fn a_close_is_told_with_its_code_and_what_helps() {
    let output = load(serve(Manner::Closing), "refresh", &["--clients", "1"]);
    let complaint = complaint(&output);
    assert!(
        complaint.contains("4429 (TooMany) \"address\""),
        "{complaint}"
    );
}

#[test]
fn a_server_that_is_not_there_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let complaint = complaint(&load(address, "resume", &[]));
    assert!(
        complaint.contains(&format!("cannot connect to {address}")),
        "{complaint}"
    );
}

#[test]
fn another_machine_is_refused_before_anything_is_sent() {
    let complaint = complaint(&load(([192, 0, 2, 1], 9001).into(), "resume", &[]));
    assert!(
        complaint.contains("192.0.2.1:9001 is not a loopback address"),
        "{complaint}"
    );
}
