//! What a client should not send.

use crate::{
    client::{Client, closed},
    node::{Node, Plan},
};
use serde_json::{Value, json};
use std::io::Write as _;
use tungstenite::{
    Message,
    protocol::frame::{
        Frame, FrameHeader,
        coding::{Data, OpCode},
    },
};

/// A connection that is still good for a login was not changed by what came before.
fn still_good(client: &mut Client) {
    assert_eq!(client.login("ada")["type"], "Registered");
}

#[test]
fn what_is_no_request_is_answered_by_name_and_changes_nothing() {
    let node = Node::start();
    let mut client = node.plain();
    let deep = format!("{}{}", "[".repeat(1500), "]".repeat(1500));
    for (frame, reason) in [
        ("", "not_json"),
        ("hello", "not_json"),
        ("{\"type\":\"Login\"", "not_json"),
        ("[]", "not_an_object"),
        ("null", "not_an_object"),
        (&deep, "not_an_object"),
        ("{}", "missing_type"),
        ("{\"type\":\"Dance\"}", "unknown_type"),
        ("{\"type\":7}", "wrong_field"),
        ("{\"type\":\"Login\"}", "missing_field"),
        (
            "{\"type\":\"Login\",\"username\":[],\"password\":\"x\"}",
            "wrong_field",
        ),
        (
            "{\"type\":\"Login\",\"type\":\"Logout\"}",
            "duplicate_field",
        ),
        ("{\"type\":\"Ack\",\"generation\":-1}", "wrong_field"),
        ("{\"type\":\"Ack\",\"generation\":1e400}", "wrong_field"),
        (
            "{\"type\":\"RefreshToken\",\"token\":\"x\",\"attempt\":\"short\"}",
            "wrong_field",
        ),
        (
            "{\"type\":\"Login\",\"username\":\"\",\"password\":\"correct horse\"}",
            "username_invalid",
        ),
        (
            "{\"type\":\"Login\",\"username\":\"a b\",\"password\":\"correct horse\"}",
            "username_invalid",
        ),
    ] {
        client.send_frame(frame);
        let answer = client.receive();
        assert_eq!(
            (&answer["type"], &answer["reason"]),
            (&json!("InvalidRequest"), &json!(reason)),
            "{frame}"
        );
    }
    still_good(&mut client);
}

#[test]
fn a_password_longer_than_its_bound_is_refused_before_it_is_hashed() {
    let node = Node::start();
    let mut client = node.plain();
    let login = json!({"type": "Login", "username": "ada", "password": "x".repeat(1025)});
    assert_eq!(client.ask(&login)["reason"], "password_too_long");
    still_good(&mut client);
}

#[test]
fn a_binary_frame_is_no_message_in_the_plain_framing() {
    let node = Node::start();
    let mut client = node.plain();
    client.socket.send(Message::binary(b"{}".to_vec())).unwrap();
    assert_eq!(client.receive()["reason"], "binary_message");
    still_good(&mut client);
}

#[test]
fn application_frames_that_nobody_takes_are_refused() {
    let node = Node::start();
    let mut client = node.v1();
    client.send_frame("hello");
    assert_eq!(client.receive()["reason"], "application_frame");
    client.login("ada");
    client.send_frame("@@hello");
    assert_eq!(client.receive()["reason"], "application_frame");
    client.socket.send(Message::binary(vec![1, 2, 3])).unwrap();
    assert_eq!(client.receive()["reason"], "application_frame");
}

#[test]
fn a_client_that_sends_nothing_but_nonsense_is_closed() {
    let node = Node::start();
    let mut client = node.plain();
    for _ in 0..32 {
        client.send_frame("nonsense");
        assert_eq!(client.receive()["type"], "InvalidRequest");
    }
    client.send_frame("nonsense");
    assert_eq!(client.receive()["type"], "InvalidRequest");
    assert_eq!(client.closed(), closed(4400, "invalid_requests"));
}

/// Sends bytes that a well-behaved WebSocket library would not.
pub(crate) fn send_raw(client: &mut Client, bytes: &[u8]) {
    client.socket.get_mut().write_all(bytes).unwrap();
}

/// Sends a message of the `handfast.v1` framing and a close frame in one piece.
pub(crate) fn send_and_close(client: &mut Client, message: &Value) {
    let message = masked(0x81, format!("@{message}").as_bytes());
    let close = masked(0x88, &1000_u16.to_be_bytes());
    send_raw(client, &[message, close].concat());
}

/// A final frame, or what else its first byte says, with a mask that changes nothing.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![
        first,
        0x80 | u8::try_from(payload.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    bytes.extend_from_slice(payload);
    bytes
}

#[test]
fn frames_against_the_websocket_protocol_close_the_connection() {
    let node = Node::start();
    for (bytes, expected) in [
        (vec![0x81, 0x02, b'{', b'}'], closed(1002, "protocol_error")),
        (masked(0xC1, b"{}"), closed(1002, "protocol_error")),
        (masked(0x83, b"{}"), closed(1002, "protocol_error")),
        (masked(0x80, b"{}"), closed(1002, "protocol_error")),
        (masked(0x09, b""), closed(1002, "protocol_error")),
        (masked(0x81, &[0xFF, 0xFE]), closed(1007, "not_utf8")),
        (masked(0x81, &[0xED, 0xA0, 0x80]), closed(1007, "not_utf8")),
    ] {
        let mut client = node.plain();
        send_raw(&mut client, &bytes);
        assert_eq!(client.closed(), expected, "{bytes:02X?}");
    }
    still_good(&mut node.plain());
}

#[test]
fn a_message_over_its_bound_closes_the_connection() {
    let node = Node::start();
    let long = |bytes| json!({"type": "Logout", "token": "x".repeat(bytes)}).to_string();
    let mut stranger = node.plain();
    stranger.send_frame(&long(5_000));
    assert_eq!(stranger.closed(), closed(1009, "too_big"));

    let mut client = node.plain();
    client.login("ada");
    client.send_frame(&long(60_000));
    assert_eq!(
        client.receive()["type"],
        "LoggedOut",
        "after a login messages may be longer"
    );
    client.login("ada");
    client.send_frame(&long(70_000));
    assert_eq!(client.closed(), closed(1009, "too_big"));
}

#[test]
fn a_length_beyond_the_bound_is_refused_as_soon_as_it_is_announced() {
    let node = Node::start();
    for length in [4_097, 65_537, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX] {
        let mut client = node.plain();
        let mut header = vec![0x81, 0xFF];
        header.extend(length.to_be_bytes());
        header.extend([0; 4]);
        send_raw(&mut client, &header);
        assert_eq!(client.closed(), closed(1009, "too_big"), "{length}");
    }
    let mut client = node.plain();
    send_raw(&mut client, &masked(0x01, &[b'x'; 125]));
    for _ in 0..32 {
        send_raw(&mut client, &masked(0x00, &[b'x'; 125]));
    }
    assert_eq!(client.closed(), closed(1009, "too_big"), "the sum counts");
    still_good(&mut node.plain());
}

#[test]
fn control_frames_that_are_long_or_cut_into_pieces_close_the_connection() {
    let node = Node::start();
    for first in [0x88, 0x89, 0x8A] {
        let mut long = vec![first, 0xFE, 0, 126, 0, 0, 0, 0];
        long.extend([0; 126]);
        let piece = masked(first & 0x7F, b"");
        for bytes in [long, piece] {
            let mut client = node.plain();
            send_raw(&mut client, &bytes);
            let expected = closed(1002, "protocol_error");
            assert_eq!(client.closed(), expected, "{:02X?}", &bytes[..2]);
        }
    }
    still_good(&mut node.plain());
}

#[test]
fn a_message_in_pieces_is_one_message() {
    let node = Node::start();
    let mut client = node.plain();
    client.login("ada");
    let text = json!({"type": "Sessions"}).to_string();
    let (first, last) = text.split_at(5);
    for (piece, opcode, is_final) in [
        (first, Data::Text, false),
        ("", Data::Continue, false),
        (last, Data::Continue, true),
    ] {
        let header = FrameHeader {
            opcode: OpCode::Data(opcode),
            is_final,
            ..FrameHeader::default()
        };
        client
            .socket
            .send(Message::Frame(Frame::from_payload(
                header,
                piece.as_bytes().to_vec().into(),
            )))
            .unwrap();
        if is_final {
            break;
        }
        // Control frames may come between the pieces of a message (RFC 6455 section 5.4).
        client.socket.send(Message::Ping(vec![1].into())).unwrap();
        assert_eq!(client.socket.read().unwrap(), Message::Pong(vec![1].into()));
    }
    assert_eq!(client.receive()["type"], "Sessions");
}

#[test]
fn a_message_cut_into_endless_pieces_closes_the_connection() {
    let node = Plan::with(|settings| settings.transport.fragments_per_message = 16).start();
    let mut client = node.plain();
    send_raw(&mut client, &masked(0x01, b"{"));
    for _ in 0..16 {
        send_raw(&mut client, &masked(0x00, b""));
    }
    assert_eq!(client.closed(), closed(4400, "fragments"));
}

#[test]
fn a_message_that_does_not_end_in_time_closes_the_connection() {
    let node =
        Plan::with(|settings| settings.transport.message = std::time::Duration::from_millis(20))
            .start();
    let mut client = node.plain();
    send_raw(&mut client, &[0x81, 0x85, 0, 0]);
    assert_eq!(client.closed(), closed(4400, "slow_message"));
}

#[test]
fn messages_that_come_byte_by_byte_are_answered_like_any_other() {
    let node = Node::start();
    let mut client = node.plain();
    for byte in masked(0x81, br#"{"type":"Sessions","id":1}"#) {
        send_raw(&mut client, &[byte]);
    }
    assert_eq!(client.receive(), json!({"type": "NotLoggedIn", "id": 1}));
}

#[test]
fn requests_that_come_all_at_once_are_answered_in_their_order() {
    let node = Node::start();
    let mut client = node.plain();
    let mut bytes = Vec::new();
    let login = json!({"type": "Login", "id": 0, "username": "ada", "password": "correct horse"});
    bytes.extend(masked(0x81, login.to_string().as_bytes()));
    for id in 1..50 {
        bytes.extend(masked(
            0x81,
            json!({"type": "Sessions", "id": id}).to_string().as_bytes(),
        ));
    }
    bytes.extend(masked(
        0x81,
        json!({"type": "Logout", "id": 50}).to_string().as_bytes(),
    ));
    bytes.extend(masked(
        0x81,
        json!({"type": "Logout", "id": 51}).to_string().as_bytes(),
    ));
    send_raw(&mut client, &bytes);
    let answers: Vec<Value> = (0..52).map(|_| client.receive()).collect();
    assert!(
        answers
            .iter()
            .enumerate()
            .all(|(index, answer)| answer["id"] == index),
        "{answers:?}"
    );
    assert_eq!(
        (&answers[50]["type"], &answers[51]["type"]),
        (&json!("LoggedOut"), &json!("NotLoggedIn"))
    );
}
