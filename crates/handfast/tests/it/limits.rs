//! How many there may be.

use crate::{
    bad_input::{masked, send_raw},
    client::{Client, closed},
    node::{Node, Plan},
};
use handfast::Application;
use serde_json::json;
use std::io::{ErrorKind, Read as _, Write as _};
use tungstenite::{Message, error::Error};

/// A connection that the node has counted: an upgrade is answered before that.
fn settled(node: &Node) -> Client {
    let mut client = node.plain();
    let answer = client.ask(&json!({"type": "Sessions"}));
    assert_eq!(answer["type"], "NotLoggedIn");
    client
}

#[test]
fn an_address_has_only_so_many_connections() {
    let node = Plan::with(|settings| settings.addresses.connections = Some(3)).start();
    let clients: Vec<_> = (0..3).map(|_| settled(&node)).collect();
    assert_eq!(node.plain().closed(), closed(4429, "address"));
    drop(clients);
}

#[test]
fn a_login_gives_its_place_among_the_unauthenticated_back() {
    let node = Plan::with(|settings| settings.addresses.unauthenticated = Some(1)).start();
    let mut first = settled(&node);
    assert_eq!(node.plain().closed(), closed(4429, "address"));
    first.login("ada");
    let mut second = settled(&node);
    second.login("eve");
    first.ask(&json!({"type": "Logout"}));
    assert_eq!(
        node.plain().closed(),
        closed(4429, "address"),
        "after a logout it is one of them again"
    );
}

#[test]
fn a_full_node_says_so() {
    let node = Plan::with(|settings| settings.transport.connections = Some(1)).start();
    let mut first = settled(&node);
    assert_eq!(node.plain().closed(), closed(1013, "full"));
    first.login("ada");
}

#[test]
fn of_too_many_sessions_one_that_is_not_there_makes_room() {
    let node = Plan::with(|settings| settings.sessions_per_subject = Some(2)).start();
    let tokens = [node.v1().login("ada"), node.v1().login("ada")];
    let mut third = node.v1();
    third.login("ada");
    let answer = third.ask(&json!({"type": "Sessions"}));
    assert_eq!(answer["sessions"].as_array().unwrap().len(), 2);
    let answers = tokens.map(|login| node.v1().attempt(&login["token"], "an attempt key of ada"));
    let revoked = answers
        .iter()
        .filter(|answer| answer["reason"] == "revoked");
    assert_eq!(revoked.count(), 1);
}

#[test]
fn a_client_that_reads_nothing_is_given_up_and_the_others_do_not_notice() {
    let application = Application::program(|mut session| async move {
        while let Some(frame) = session.recv().await {
            if session.send(frame).is_err() {
                return;
            }
        }
    });
    let node = Plan {
        application,
        ..Plan::default()
    }
    .start();
    let mut deaf = node.v1();
    let login = deaf.login("ada");
    // The echoes fill the socket's buffers, then the queue; then the connection is gone.
    let frame = "x".repeat(60_000);
    let gone = (0..1_000).any(|_| deaf.socket.send(Message::text(frame.as_str())).is_err())
        || loop {
            match deaf.socket.read() {
                Ok(Message::Close(_)) => break true,
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => break false,
                Err(_) => break true,
            }
        };
    assert!(gone);
    let resumed = node.v1().attempt(&login["token"], "an attempt key of ada");
    assert_eq!(resumed["type"], "Success");
}

#[test]
fn a_client_that_pings_and_reads_nothing_is_given_up_and_the_others_do_not_notice() {
    let node = Node::start();
    let mut deaf = node.plain();
    let mut pings = Vec::new();
    for _ in 0..500 {
        pings.extend([0x89, 0x80 | 125, 0, 0, 0, 0]);
        pings.extend([b'x'; 125]);
    }
    // The pongs fill the socket's buffers, then the queue; then the connection is gone.
    let stream = deaf.socket.get_mut();
    let gone = (0..1_000).any(|_| stream.write_all(&pings).is_err());
    assert!(gone, "65 MB of pings were taken");
    assert_eq!(node.plain().login("ada")["type"], "Registered");
}

#[test]
fn a_client_that_pings_without_end_and_reads_the_pongs_is_answered_in_order() {
    let node = Node::start();
    let mut client = node.plain();
    for number in 0..2_000_u32 {
        let payload = number.to_be_bytes().to_vec();
        client
            .socket
            .send(Message::Ping(payload.clone().into()))
            .unwrap();
        assert_eq!(client.socket.read().unwrap(), Message::Pong(payload.into()));
    }
    assert_eq!(client.login("ada")["type"], "Registered");
}

#[test]
fn a_node_counts_its_connections() {
    let node = Node::start();
    let mut clients: Vec<_> = (0..5).map(|_| node.plain()).collect();
    for client in &mut clients {
        client.ask(&json!({"type": "Sessions"}));
    }
    assert_eq!(node.handfast.connections(), 5);
}

#[test]
fn a_connection_that_was_refused_is_answered_nothing_behind_its_close() {
    let node = Plan::with(|settings| settings.addresses.connections = Some(1)).start();
    let first = settled(&node);
    let mut refused = node.plain();
    send_raw(&mut refused, &masked(0x81, br#"{"type":"Sessions"}"#));
    send_raw(&mut refused, &masked(0x88, b""));
    assert_eq!(refused.closed(), closed(4429, "address"));
    let mut behind = Vec::new();
    let mut stream = refused.socket.into_inner();
    stream.read_to_end(&mut behind).unwrap();
    assert_eq!(String::from_utf8_lossy(&behind), "");
    drop(first);
}
