//! The request that becomes a connection.

use crate::{
    client::PATIENCE,
    node::{Node, Plan},
};
use handfast::{AllowedOrigins, Serving};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// Sends a request's lines and gives the answer's status.
fn status(node: &Node, lines: &[&str]) -> u16 {
    let mut stream = TcpStream::connect(node.address).unwrap();
    let head = format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"));
    let head = if lines.iter().any(|line| line.starts_with("Connection:")) {
        format!("{}\r\n\r\n", lines.join("\r\n"))
    } else {
        head
    };
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    std::str::from_utf8(&answer[9..]).unwrap().parse().unwrap()
}

const GOOD: [&str; 6] = [
    "GET /ws/ HTTP/1.1",
    "Host: localhost:9001",
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// The good request, with one line replaced.
fn with(line: usize, replaced: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = GOOD.to_vec();
    lines[line] = replaced;
    lines
}

/// The good request, with one line more.
fn and(line: &str) -> Vec<&str> {
    [&GOOD[..], &[line]].concat()
}

#[test]
fn only_a_websocket_upgrade_is_upgraded() {
    let node = Node::start();
    assert_eq!(status(&node, &GOOD), 101);
    assert_eq!(status(&node, &with(0, "GET /ws HTTP/1.1")), 101);
    assert_eq!(status(&node, &with(0, "GET /elsewhere HTTP/1.1")), 404);
    assert_eq!(status(&node, &with(0, "POST /ws/ HTTP/1.1")), 426);
    assert_eq!(status(&node, &GOOD[..2]), 426);
    assert_eq!(status(&node, &with(3, "Upgrade: h2c")), 426);
    assert_eq!(status(&node, &with(4, "Sec-WebSocket-Version: 8")), 426);
    assert_eq!(status(&node, &with(5, "Sec-WebSocket-Key: c2hvcnQ=")), 400);
    assert_eq!(status(&node, &GOOD[..5]), 400);
}

#[test]
fn a_page_from_elsewhere_is_refused_at_the_door() {
    let allowed = AllowedOrigins::new(["https://app.example".to_owned()]);
    let node = Plan::with(|settings| settings.allowed_origins = allowed).start();
    assert_eq!(status(&node, &and("Origin: http://localhost:9001")), 101);
    assert_eq!(status(&node, &and("Origin: https://app.example")), 101);
    assert_eq!(status(&node, &and("Origin: https://evil.example")), 403);
    assert_eq!(status(&node, &and("Origin: null")), 403);
}

/// Sends bytes, and gives what comes until `end` does or the server hangs up.
fn exchange(node: &Node, bytes: &[u8], end: &str) -> String {
    let mut stream = TcpStream::connect(node.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(bytes).unwrap();
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) || read.is_empty() {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => read.extend(byte),
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&read)),
        }
    }
    String::from_utf8(read).unwrap()
}

#[test]
fn no_compression_is_agreed_to_however_it_is_offered() {
    let node = Node::start();
    let many = "x-webkit-deflate-frame, ".repeat(500);
    for offer in [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits; server_max_window_bits=8",
        "permessage-deflate; server_no_context_takeover, permessage-deflate",
        &many,
    ] {
        let extensions = format!("Sec-WebSocket-Extensions: {offer}");
        let head = format!("{}\r\n\r\n", and(&extensions).join("\r\n"));
        let answer = exchange(&node, head.as_bytes(), "\r\n\r\n").to_lowercase();
        assert!(answer.starts_with("http/1.1 101 "), "{answer}");
        assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
    }
}

#[test]
fn after_an_upgrade_that_is_refused_the_connection_still_speaks_http() {
    let node = Node::start();
    let refused = with(4, "Sec-WebSocket-Version: 8").join("\r\n");
    let next = "GET /elsewhere HTTP/1.1\r\nHost: localhost:9001\r\nConnection: close";
    let bytes = format!("{refused}\r\n\r\n{next}\r\n\r\n");
    let answers = exchange(&node, bytes.as_bytes(), "\0");
    let statuses: Vec<&str> = answers.matches("HTTP/1.1 ").collect();
    assert_eq!(statuses.len(), 2, "{answers}");
    assert!(answers.starts_with("HTTP/1.1 426 "), "{answers}");
    assert!(answers.contains("HTTP/1.1 404 "), "{answers}");
}

#[test]
fn a_request_that_two_readers_may_take_apart_differently_is_not_upgraded() {
    let node = Node::start();
    for line in [
        "Content-Length: 5",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +0",
        "Content-Length : 0",
        "X-Folded: one\r\n two",
        "Transfer-Encoding: identity",
    ] {
        assert_eq!(status(&node, &and(line)), 400, "{line:?}");
    }
    assert_eq!(status(&node, &and("Content-Length: 0")), 101);
}

#[test]
fn a_head_that_does_not_end_is_refused() {
    let node = Node::start();
    let long = format!("X-Long: {}", "x".repeat(16 * 1024));
    assert_eq!(status(&node, &and(&long)), 431);
    let many: Vec<String> = (0..200).map(|number| format!("X-{number}: x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(status(&node, &[&GOOD[..], &many].concat()), 431);
}

#[test]
fn who_connects_and_does_not_ask_is_hung_up_on() {
    // Long enough for whoever does ask, on a machine that has other things to do.
    let handshake = Duration::from_millis(500);
    let plan = Plan {
        serving: Serving {
            handshake,
            ..Serving::default()
        }
        .into(),
        ..Plan::default()
    };
    let node = plan.start();
    assert_eq!(exchange(&node, b"", "\0"), "", "who says nothing");
    let begun = exchange(&node, b"GET /ws/ HTTP/1.1\r\nHost: loc", "\0");
    assert!(!begun.contains(" 101 "), "who stops in the middle: {begun}");
    let asked = "GET /elsewhere HTTP/1.1\r\nHost: localhost:9001\r\n\r\n";
    let answered = exchange(&node, asked.as_bytes(), "\0");
    assert!(
        answered.starts_with("HTTP/1.1 404 "),
        "who asks once: {answered}"
    );
}

#[test]
fn what_a_client_sends_right_behind_its_request_is_read() {
    let node = Node::start();
    let mut stream = TcpStream::connect(node.address).unwrap();
    let mut bytes = format!("{}\r\n\r\n", GOOD.join("\r\n")).into_bytes();
    let message = br#"{"type":"Sessions"}"#;
    bytes.extend([
        0x81,
        0x80 | u8::try_from(message.len()).unwrap(),
        0,
        0,
        0,
        0,
    ]);
    bytes.extend(message);
    stream.write_all(&bytes).unwrap();
    let answer = br#"{"type":"NotLoggedIn"}"#;
    let mut read = Vec::new();
    while !read.ends_with(answer) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        read.extend(byte);
    }
}
