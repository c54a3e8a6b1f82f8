//! More connections than a process may have files.

use crate::{
    client::{Client, login},
    server::{Server, log_of},
};
use serde_json::json;
use std::net::TcpStream;

/// How many files the server may have: few more than it has by itself.
const DESCRIPTORS: u64 = 96;
/// More connections than that.
const CROWD: usize = 200;

#[test]
fn who_is_connected_stays_when_the_descriptors_are_used_up_and_newcomers_get_in_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let mut ada = Client::connect(server.address).unwrap();
    assert_eq!(ada.ask(&login("ada")).unwrap()["type"], "Registered");
    server.limit_descriptors(DESCRIPTORS);
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| TcpStream::connect(server.address))
        .collect();
    server.wait_for("a connection could not be accepted");
    for _ in 0..10 {
        let answer = ada.ask(&json!({"type": "Sessions"})).unwrap();
        assert_eq!(answer["type"], "Sessions", "she is served as before");
    }
    drop(crowd);
    let mut eve = Client::connect(server.address).unwrap();
    assert_eq!(eve.ask(&login("eve")).unwrap()["type"], "Registered");
    let log = log_of(folder.path());
    let told = log.matches("a connection could not be accepted").count();
    assert!(told < CROWD, "it is told {told} times");
}
