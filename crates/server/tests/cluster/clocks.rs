//! Nodes that do not agree on the time of day.

use crate::{
    harness::{Asker, Cluster, Connection, Node, PATIENCE, Plan, login, present},
    http::{self, exchanging},
};
use serde_json::{Value, json};
use tungstenite::{
    client::IntoClientRequest as _,
    http::header::{COOKIE, ORIGIN, SET_COOKIE},
};

const APART: &[&str] = &["-30s", "+30s"];

#[test]
fn what_one_node_gave_out_another_one_takes_whose_clock_is_a_minute_away() {
    let cluster = Cluster::start(&Plan {
        clocks: APART,
        ..Plan::default()
    });
    let [(_, early), (_, late)] = [0, 1].map(|at| Asker::logged_in(&cluster.nodes[at], "ada"));
    let expires_at = |answer: &Value| answer["expires_at"].as_u64().unwrap();
    // Otherwise nothing is tested here.
    assert!(expires_at(&late) - expires_at(&early) >= 50);
    for (mut answer, first) in [(early, 1), (late, 0)] {
        for step in 0..6 {
            let node = &cluster.nodes[(first + step) % 2];
            let generation = answer["generation"].as_u64().unwrap();
            let attempt = format!("the attempt of ada at {generation}");
            answer = Asker::on(node).ask(&present(&answer["token"], &attempt));
            assert_eq!(answer["generation"], json!(generation + 1), "{answer}");
        }
    }
}

#[test]
fn a_cookie_is_set_by_another_node_than_the_one_that_gave_the_ticket_out() {
    let cluster = Cluster::start(&Plan {
        clocks: APART,
        variables: &[("HANDFAST_DELIVERY", "cookie")],
        ..Plan::default()
    });
    for (number, giver) in cluster.nodes.iter().enumerate() {
        let taker = &cluster.nodes[1 - number];
        let (mut connection, browser) = upgrade(giver, "");
        let answer = connection.ask(&login("ada"));
        let session = exchange(taker, &browser, &answer["ticket"]);
        let (mut connection, _) = upgrade(taker, &format!("{browser}; {session}"));
        let resumed = connection.receive();
        assert_eq!(resumed["type"], "Success", "{resumed}");
        assert_eq!(resumed["session"], answer["session"]);
    }
}

/// Connects with these cookies, as a page of the node's own would. Gives the first cookie that is set.
fn upgrade(node: &Node, cookies: &str) -> (Asker, String) {
    let address = node.address();
    let url = format!("ws://{address}/ws/?attempt=an-attempt-key-of-ada");
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert(ORIGIN, format!("http://{address}").parse().unwrap());
    headers.insert(COOKIE, cookies.parse().unwrap());
    let (connection, headers) = Connection::requesting(address, request, PATIENCE).unwrap();
    let set = headers[SET_COOKIE].to_str().unwrap();
    (Asker(connection), pair(set))
}

/// A cookie without its attributes.
fn pair(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

/// Exchanges a ticket, and gives the cookie that is set.
fn exchange(node: &Node, cookies: &str, ticket: &Value) -> String {
    let answer = http::ask(node.address(), exchanging(cookies, ticket));
    assert_eq!(answer.status, 200, "{answer:?}");
    pair(answer.header("set-cookie").unwrap())
}
