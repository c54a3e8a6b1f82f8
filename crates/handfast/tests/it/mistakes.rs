//! What breaks RFC 6455, and what came right before it.

use crate::{
    application::echo,
    bad_input::{masked, send_raw},
    client::{Client, closed},
    node::{Node, Plan},
};
use handfast::{Application, Frame, Session};
use serde_json::json;
use std::{future::Future, time::Duration};
use tokio::sync::{mpsc, watch};

const TEXT: u8 = 0x81;
const TEXT_BEGINS: u8 = 0x01;
const CONTINUES: u8 = 0x00;
const CONTINUES_AND_ENDS: u8 = 0x80;
const PING: u8 = 0x89;
/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);

/// What is closed is given `patience`.
fn patient(patience: Duration) -> Plan {
    Plan::with(|settings| settings.transport.close_handshake = patience)
}

/// A node with a program, which has all the time that it needs.
fn node<F: Future<Output = ()> + Send + 'static>(
    program: impl Fn(Session) -> F + Send + Sync + 'static,
) -> Node {
    Plan {
        application: Application::program(program),
        ..patient(NEVER)
    }
    .start()
}

fn logged_in(node: &Node) -> Client {
    let mut client = node.v1();
    client.login("ada");
    client
}

/// A right message, and a mistake right behind it.
fn right_and_wrong() -> Vec<u8> {
    [masked(TEXT, b"right"), masked(0x83, b"wrong")].concat()
}

/// A node whose program takes a frame, and then does nothing until it may drop its session.
struct Holding {
    node: Node,
    taken: mpsc::UnboundedReceiver<Frame>,
    may_drop: watch::Sender<bool>,
}

impl Holding {
    fn start(mut plan: Plan) -> Self {
        let (took, taken) = mpsc::unbounded_channel();
        let (may_drop, open) = watch::channel(false);
        plan.application = Application::program(move |mut session| {
            let (took, mut open) = (took.clone(), open.clone());
            async move {
                if let Some(frame) = session.recv().await {
                    assert_eq!(took.send(frame), Ok(()));
                }
                drop(open.wait_for(|open| *open).await);
                drop(session);
            }
        });
        Self {
            node: plan.start(),
            taken,
            may_drop,
        }
    }

    /// Waits until a program has taken a frame.
    fn took(&mut self) {
        let taken = self.node.block_on(self.taken.recv());
        assert_eq!(taken, Some(Frame::Text("right".into())));
    }
}

#[test]
fn what_came_right_before_a_mistake_is_answered_before_the_close() {
    let (received, mut receipts) = mpsc::unbounded_channel();
    let node = node(move |mut session| {
        let received = received.clone();
        async move {
            while let Some(frame) = session.recv().await {
                assert_eq!(received.send(frame.clone()), Ok(()));
                // Whoever answers late is waited for as well.
                tokio::task::yield_now().await;
                assert_eq!(session.send(frame), Ok(()));
            }
        }
    });
    let hello = masked(TEXT, b"hello");
    let in_fragments = [
        masked(TEXT_BEGINS, b"he"),
        masked(CONTINUES_AND_ENDS, b"llo"),
    ]
    .concat();
    for (right, wrong, code, reason) in [
        (&hello, masked(0xA1, b"hello"), 1002, "protocol_error"),
        (&hello, masked(0xB1, b"hello"), 1002, "protocol_error"),
        (&hello, masked(0x85, b""), 1002, "protocol_error"),
        (&hello, masked(0x87, b"hello"), 1002, "protocol_error"),
        (&hello, masked(0x8D, b""), 1002, "protocol_error"),
        (&hello, masked(CONTINUES, b"x"), 1002, "protocol_error"),
        (&in_fragments, masked(0x85, b""), 1002, "protocol_error"),
        (
            &in_fragments,
            masked(CONTINUES, b"x"),
            1002,
            "protocol_error",
        ),
        (&hello, masked(TEXT, &[0xFF]), 1007, "not_utf8"),
        (&hello, masked(TEXT_BEGINS, &[0xFF]), 1007, "not_utf8"),
        (
            &hello,
            vec![TEXT, 0xFF, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            1009,
            "too_big",
        ),
    ] {
        let behind = [masked(PING, b""), masked(TEXT, b"unread")].concat();
        let bytes = [&right[..], &wrong, &behind].concat();
        for pieces in [bytes.len(), 1] {
            let mut client = logged_in(&node);
            for piece in bytes.chunks(pieces) {
                send_raw(&mut client, piece);
            }
            assert_eq!(client.receive_frame(), "hello", "{bytes:02X?}");
            assert_eq!(client.closed(), closed(code, reason), "{bytes:02X?}");
            let received = node.block_on(receipts.recv());
            assert_eq!(received, Some(Frame::Text("hello".into())));
        }
    }
    assert!(receipts.try_recv().is_err(), "what came behind was read");
}

#[test]
fn a_mistake_closes_a_connection_whose_program_has_nothing_to_answer() {
    // It keeps its session, and never asks for a frame.
    let node = node(|session| async move {
        std::future::pending::<()>().await;
        drop(session);
    });
    let mut client = logged_in(&node);
    send_raw(&mut client, &masked(0x83, b"wrong"));
    assert_eq!(client.closed(), closed(1002, "protocol_error"));
}

#[test]
fn a_program_holds_up_the_close_after_a_mistake_only_so_long() {
    let holding = Holding::start(patient(Duration::from_millis(20)));
    let mut client = logged_in(&holding.node);
    send_raw(&mut client, &right_and_wrong());
    assert_eq!(client.closed(), closed(1002, "protocol_error"));
}

#[test]
fn a_program_that_drops_its_session_does_not_hold_up_the_close_after_a_mistake() {
    let mut holding = Holding::start(patient(NEVER));
    let mut client = logged_in(&holding.node);
    send_raw(&mut client, &right_and_wrong());
    holding.took();
    holding.may_drop.send_replace(true);
    assert_eq!(client.closed(), closed(1002, "protocol_error"));
}

#[test]
fn a_session_that_ends_is_closed_at_once_whatever_a_program_still_holds_up() {
    let mut holding = Holding::start(patient(NEVER));
    let mut client = holding.node.v1();
    let login = client.login("ada");
    send_raw(&mut client, &right_and_wrong());
    holding.took();
    let mut other = holding.node.v1();
    let taken_over = other.attempt(&login["token"], "an attempt key of ada");
    assert_eq!(taken_over["type"], "Success");
    assert_eq!(client.closed(), closed(4409, "superseded"));

    send_raw(&mut other, &right_and_wrong());
    holding.took();
    let revoke = json!({"type": "Revoke", "session": login["session"]});
    assert_eq!(logged_in(&holding.node).ask(&revoke)["type"], "Revoked");
    assert_eq!(other.receive()["type"], "Ended");
    assert_eq!(other.closed(), closed(4403, "logout"));
}

#[test]
fn a_session_past_its_time_is_not_held_open_by_a_program_either() {
    let mut plan = patient(NEVER);
    plan.settings.tokens.session_lifetime = Duration::from_secs(2);
    let holding = Holding::start(plan);
    let mut client = logged_in(&holding.node);
    send_raw(&mut client, &right_and_wrong());
    assert_eq!(client.closed(), closed(1002, "protocol_error"));
}

/// A frame that announces `length` bytes, and what has come of it.
fn begun(first: u8, length: u16, come: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = vec![first, 0x80 | 126];
    bytes.extend(length.to_be_bytes());
    bytes.extend(mask);
    let masked = come.iter().zip(mask.iter().cycle());
    bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
    bytes
}

#[test]
fn a_text_is_refused_as_soon_as_it_cannot_become_utf8_any_more() {
    let node = Node::start();
    let long = [&[b'x'; 4_000][..], &[0xF4, 0x90]].concat();
    let in_frames = |begin: &[u8], rest: &[u8]| {
        [
            masked(TEXT_BEGINS, begin),
            masked(PING, &[0xFF]),
            begun(CONTINUES, 200, rest),
        ]
        .concat()
    };
    for (bytes, pinged) in [
        (begun(TEXT, 200, b"\xCE\xBA\xE1\xBD\xB9\xF4\x90"), false),
        (begun(TEXT, 200, &[0xFF]), false),
        (begun(TEXT, 200, &[b'x', 0xED, 0xA0]), false),
        (begun(TEXT, 4_096, &long), false),
        (begun(TEXT_BEGINS, 200, &[0xC3, 0xC3]), false),
        (in_frames(b"fine", &[0x80]), true),
        (in_frames(&[0xF0, 0x9F], &[0x98, 0x41]), true),
        (in_frames(b"", &[0xC0]), true),
    ] {
        for pieces in [bytes.len(), 1] {
            let mut client = node.plain();
            for piece in bytes.chunks(pieces) {
                send_raw(&mut client, piece);
            }
            if pinged {
                let pong = tungstenite::Message::Pong(vec![0xFF].into());
                assert_eq!(client.socket.read().unwrap(), pong);
            }
            assert_eq!(client.closed(), closed(1007, "not_utf8"), "{bytes:02X?}");
        }
    }
}

#[test]
fn a_text_longer_than_what_is_read_at_once_is_refused_at_its_first_bad_byte_as_well() {
    let node = Node::start();
    let mut client = node.plain();
    client.login("ada");
    let come = [&"é".repeat(25_000).into_bytes()[..], &[0xFF]].concat();
    send_raw(&mut client, &begun(TEXT, 60_000, &come));
    assert_eq!(client.closed(), closed(1007, "not_utf8"));
}

#[test]
fn a_text_that_is_cut_within_its_characters_is_taken_all_the_same() {
    let node = node(echo);
    let mut client = logged_in(&node);
    let text = "é€😀 and so on";
    for cut in 0..=text.len() {
        let (begin, rest) = text.as_bytes().split_at(cut);
        let frames = [masked(TEXT_BEGINS, begin), masked(CONTINUES_AND_ENDS, rest)];
        for byte in frames.concat() {
            send_raw(&mut client, &[byte]);
        }
        assert_eq!(client.receive_frame(), text, "cut at {cut}");
    }
}
