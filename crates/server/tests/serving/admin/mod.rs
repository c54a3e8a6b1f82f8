//! What operators ask, endpoint by endpoint, over real HTTP.

mod access;
mod introspect;
mod metrics;
mod openapi;
mod sessions;
mod subjects;

use crate::{
    client::{Client, login},
    server::Server,
};
use serde_json::Value;

/// Logs in on a connection of its own.
fn logged_in(server: &Server, username: &str) -> (Client, Value) {
    let mut client = Client::connect(server.address).unwrap();
    let answer = client.ask(&login(username)).unwrap();
    (client, answer)
}
