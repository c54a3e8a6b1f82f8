//! A ledger that cannot be reached, or hardly.

use crate::harness::{Asker, Cluster, Plan, Way, login, present};
use handfast_ledger::conformance::service::Shutdown;
use serde_json::{Value, json};
use std::time::Duration;

/// How many clients come at once.
const CLIENTS: usize = 40;
/// How much every answer of a slow ledger is late, and every question.
const DELAY: Duration = Duration::from_millis(150);

fn attempt(name: &str, token: &Value) -> Value {
    present(token, &format!("the attempt of {name}"))
}

#[test]
fn a_node_without_its_ledger_keeps_its_connections_and_recovers_by_itself() {
    let cluster = Cluster::start(&Plan::default());
    let [cut, whole] = [&cluster.nodes[0], &cluster.nodes[1]];
    let (mut ada, of_ada) = Asker::logged_in(cut, "ada");
    let (_, of_bob) = Asker::logged_in(cut, "bob");
    cluster.to_ledger[0].set(Way::Cut);
    cut.until_ready(false);
    assert_eq!(cut.status("/healthz"), 200);
    assert_eq!(whole.status("/readyz"), 200);

    let mut newcomer = Asker::on(cut);
    for message in [login("cleo"), attempt("bob", &of_bob["token"])] {
        let answer = newcomer.ask(&message);
        assert_eq!(answer["type"], "Unavailable", "{answer}");
        assert!(answer["retry_after"].is_u64(), "{answer}");
    }
    // A live connection stays, and so does its session.
    let answer = ada.ask(&attempt("ada", &of_ada["token"]));
    assert_eq!(answer["type"], "Unavailable", "{answer}");
    let answer = ada.ask(&login("ada"));
    assert_eq!(answer["type"], "AlreadyAuthorized", "{answer}");
    let elsewhere = Asker::on(whole).ask(&attempt("bob", &of_bob["token"]));
    assert_eq!(elsewhere["type"], "Success", "{elsewhere}");

    cluster.to_ledger[0].set(Way::Open);
    cut.until_ready(true);
    let answer = ada.ask(&attempt("ada", &of_ada["token"]));
    assert_eq!(
        (&answer["type"], &answer["generation"]),
        (&json!("Success"), &json!(1))
    );
    let answer = newcomer.ask(&attempt("bob", &elsewhere["token"]));
    assert_eq!(answer["type"], "Success", "{answer}");
    Asker::logged_in(cut, "cleo");
}

#[test]
fn nodes_outlive_a_crash_of_their_database() {
    let cluster = Cluster::start(&Plan::default());
    let (mut ada, of_ada) = Asker::logged_in(&cluster.nodes[0], "ada");
    cluster.postgres().stop(Shutdown::Immediate);
    for node in &cluster.nodes {
        node.until_ready(false);
        assert_eq!(node.status("/healthz"), 200);
    }
    let answer = ada.ask(&attempt("ada", &of_ada["token"]));
    assert_eq!(answer["type"], "Unavailable", "{answer}");
    cluster.postgres().start_again();
    for node in &cluster.nodes {
        node.until_ready(true);
    }
    let answer = ada.ask(&attempt("ada", &of_ada["token"]));
    assert_eq!(answer["generation"], 1, "{answer}");
}

#[test]
fn a_ledger_that_hangs_is_unavailable_and_what_it_did_meanwhile_is_a_lost_reply() {
    let cluster = Cluster::start(&Plan::default());
    let node = &cluster.nodes[0];
    let (mut ada, of_ada) = Asker::logged_in(node, "ada");
    cluster.to_ledger[0].set(Way::Stalled);
    ada.send(&attempt("ada", &of_ada["token"]));
    assert_eq!(node.status("/healthz"), 200);
    let answer = ada.receive();
    assert_eq!(answer["type"], "Unavailable", "{answer}");
    cluster.to_ledger[0].set(Way::Open);
    node.until_ready(true);
    let answer = ada.ask(&attempt("ada", &of_ada["token"]));
    assert_eq!(answer["generation"], 1, "{answer}");
}

#[test]
fn a_slow_ledger_makes_clients_wait_and_fail_in_nothing() {
    let cluster = Cluster::start(&Plan::default());
    let node = &cluster.nodes[0];
    let (mut idle, _) = Asker::logged_in(node, "idle");
    let names: Vec<_> = (0..CLIENTS)
        .map(|number| format!("client-{number}"))
        .collect();
    let tokens: Vec<_> = names
        .iter()
        .map(|name| Asker::logged_in(node, name).1["token"].clone())
        .collect();
    cluster.to_ledger[0].set(Way::Slow(DELAY));
    let mut clients: Vec<_> = names.iter().map(|_| Asker::on(node)).collect();
    for ((client, name), token) in clients.iter_mut().zip(&names).zip(&tokens) {
        client.send(&attempt(name, token));
    }
    // Who does not need the ledger does not wait for it.
    assert_eq!(node.status("/healthz"), 200);
    assert_eq!(idle.ask(&login("idle"))["type"], "AlreadyAuthorized");
    for client in &mut clients {
        assert_eq!(client.receive()["generation"], 1);
    }
    assert_eq!(node.status("/readyz"), 200);
}
