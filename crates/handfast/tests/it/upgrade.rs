//! The request that becomes a connection.

use crate::node::{Node, Plan};
use handfast::AllowedOrigins;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
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
