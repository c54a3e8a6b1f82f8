//! How many there may be.

use crate::{
    client::closed,
    node::{Node, Plan},
};
use serde_json::json;

#[test]
fn an_address_has_only_so_many_connections() {
    let node = Plan::with(|settings| settings.addresses.connections = Some(3)).start();
    let clients: Vec<_> = (0..3).map(|_| node.plain()).collect();
    assert_eq!(node.plain().closed(), closed(4429, "address"));
    drop(clients);
}

#[test]
fn a_login_gives_its_place_among_the_unauthenticated_back() {
    let node = Plan::with(|settings| settings.addresses.unauthenticated = Some(1)).start();
    let mut first = node.plain();
    assert_eq!(node.plain().closed(), closed(4429, "address"));
    first.login("ada");
    let mut second = node.plain();
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
    let mut first = node.plain();
    assert_eq!(node.plain().closed(), closed(1013, "full"));
    first.login("ada");
}

#[test]
fn of_too_many_sessions_the_longest_unseen_makes_room() {
    let node = Plan::with(|settings| settings.sessions_per_subject = Some(2)).start();
    let first = node.v1().login("ada");
    let mut second = node.v1();
    second.login("ada");
    let mut third = node.v1();
    third.login("ada");
    let answer = third.ask(&json!({"type": "Sessions"}));
    assert_eq!(answer["sessions"].as_array().unwrap().len(), 2);
    let oldest = node.v1().attempt(&first["token"], "an attempt key of ada");
    assert_eq!(oldest["reason"], "revoked");
}

#[test]
fn a_client_that_reads_nothing_is_given_up_and_the_others_do_not_notice() {
    let node = Plan::with(|settings| settings.transport.outgoing_bytes = 4 * 1024).start();
    let mut deaf = node.plain();
    let login = deaf.login("ada");
    let request = json!({"type": "Sessions", "id": "x".repeat(100)});
    // Its answers fill the socket's buffers, then the queue; then the connection is gone.
    let refused = (0..1_000_000).find(|_| {
        deaf.socket
            .send(tungstenite::Message::text(request.to_string()))
            .is_err()
    });
    assert!(refused.is_some());
    assert_eq!(node.plain().present(&login["token"])["type"], "Success");
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
