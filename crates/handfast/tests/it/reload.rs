//! What an operator changes while the node runs.

use crate::{
    client::{Client, closed},
    node::{Node, Plan},
};
use handfast::{AllowedOrigins, Serving, Settings, TokenDelivery};
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};
use tungstenite::{client::IntoClientRequest as _, error::Error};

/// The node's settings, but for what `change` does to them.
fn change(node: &Node, change: impl FnOnce(&mut Settings)) {
    let mut settings = Plan::default().settings;
    change(&mut settings);
    node.handfast.change_settings(settings);
}

/// The status of an upgrade request of a page of `origin`.
fn status(node: &Node, origin: &str) -> u16 {
    let mut request = format!("ws://{}/ws/", node.address)
        .into_client_request()
        .unwrap();
    request
        .headers_mut()
        .insert("Origin", origin.parse().unwrap());
    let stream = TcpStream::connect(node.address).unwrap();
    match tungstenite::client(request, stream) {
        Ok((_, response)) => response.status().as_u16(),
        Err(tungstenite::HandshakeError::Failure(Error::Http(response))) => {
            response.status().as_u16()
        }
        Err(error) => panic!("{error}"),
    }
}

fn lifetime(answer: &Value) -> u64 {
    answer["expires_at"].as_u64().unwrap() - answer["refresh_at"].as_u64().unwrap()
}

#[test]
fn pages_of_an_origin_may_come_from_the_moment_on_that_it_is_allowed() {
    let node = Node::start();
    assert_eq!(status(&node, "https://app.example"), 403);
    let allowed = AllowedOrigins::new(["https://app.example".to_owned()]);
    change(&node, |settings| settings.allowed_origins = allowed);
    assert_eq!(status(&node, "https://app.example"), 101);
    change(&node, |_| {});
    assert_eq!(status(&node, "https://app.example"), 403);
}

#[test]
fn a_proxy_is_believed_from_the_moment_on_that_it_is_trusted() {
    let node = Plan::with(|settings| settings.addresses.connections = Some(1)).start();
    let mut first = node.plain_from("192.0.2.1");
    first.login("ada");
    let second = "192.0.2.2";
    assert_eq!(node.plain_from(second).closed(), closed(4429, "address"));
    change(&node, |settings| {
        settings.addresses.connections = Some(1);
        settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    });
    node.plain_from(second).login("eve");
}

#[test]
fn a_lower_limit_holds_for_who_comes_and_closes_nobody() {
    let node = Node::start();
    let mut clients: Vec<_> = (0..3).map(|_| node.v1()).collect();
    for client in &mut clients {
        client.login("ada");
    }
    change(&node, |settings| settings.addresses.connections = Some(2));
    assert_eq!(node.plain().closed(), closed(4429, "address"));
    for client in &mut clients {
        assert_eq!(client.ask(&json!({"type": "Ping"}))["type"], "Pong");
    }
}

#[test]
fn a_rate_counts_what_was_taken_before_it_was_changed() {
    let node = Node::start();
    let login = |password: &str| {
        let login = json!({"type": "Login", "username": "ada", "password": password});
        node.plain().ask(&login)["type"].clone()
    };
    assert_eq!(login("correct horse"), "Registered");
    let second = Duration::from_secs(3600);
    let rate = |count| {
        Some(handfast::Rate {
            count,
            window: second,
        })
    };
    change(&node, |settings| {
        settings.rates.logins_per_account = rate(1);
    });
    assert_eq!(login("correct horse"), "Success");
    assert_eq!(login("correct horse"), "TooManyRequests");
    change(&node, |settings| {
        settings.rates.logins_per_account = rate(2);
    });
    assert_eq!(login("correct horse"), "Success");
    assert_eq!(login("correct horse"), "TooManyRequests");
}

#[test]
fn the_longest_message_is_another_one_on_connections_that_are_open_too() {
    let node = Node::start();
    let mut client = node.plain();
    client.login("ada");
    let long = format!("{{\"type\":\"Ping\",\"pad\":\"{}\"}}", "x".repeat(2000));
    client.send_frame(&long);
    assert_eq!(client.receive()["type"], "Pong");
    change(&node, |settings| settings.transport.message_bytes = 1000);
    client.send_frame(&long);
    assert_eq!(client.closed_at_last().code, 1009);
}

#[test]
fn tokens_live_as_long_as_was_said_last_and_older_ones_as_long_as_they_said() {
    let node = Node::start();
    let mut client = node.v1();
    let before = client.login("ada");
    change(&node, |settings| {
        settings.tokens.lifetime = Duration::from_secs(3600);
        settings.connection.refresh_after = Duration::from_secs(60);
    });
    let after = client.attempt(&before["token"], "an attempt key of ada");
    assert_eq!(after["type"], "Success");
    assert_eq!(lifetime(&before), 7 * 86_400 - 600);
    assert_eq!(lifetime(&after), 3600 - 60);
    assert_eq!(lifetime(&node.v1().login("eve")), 3600 - 60);
}

#[test]
fn a_connection_keeps_the_heartbeat_that_it_was_told() {
    let node = Node::start();
    let mut before = node.v1();
    change(&node, |settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(50);
        settings.connection.heartbeat_timeout = Duration::from_millis(50);
    });
    // It stays silent, and is closed; a connection from before that is as silent is not.
    let mut after = Client::connect(node.address, Some("handfast.v1"));
    assert_eq!(after.receive()["heartbeat"], 0);
    let stream = after.socket.get_mut();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes.ends_with(b"heartbeat"));
    assert_eq!(before.ask(&json!({"type": "Ping"}))["type"], "Pong");
}

#[test]
fn how_tokens_are_delivered_stays_what_it_was() {
    let node = Node::start();
    change(&node, |settings| {
        settings.connection.delivery = TokenDelivery::Cookie;
    });
    assert!(node.v1().login("ada")["token"].is_string());
}

#[test]
fn who_connects_gets_the_time_for_its_request_that_was_said_last() {
    let plan = Plan::default();
    let serving = plan.serving.clone();
    let node = plan.start();
    serving.replace(Serving {
        handshake: Duration::from_millis(50),
        ..Serving::default()
    });
    let mut slow = TcpStream::connect(node.address).unwrap();
    slow.write_all(b"GET /ws/ HTT").unwrap();
    let mut answer = Vec::new();
    slow.read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408"));
}
