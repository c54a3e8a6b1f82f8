//! The library against real sockets: a node on its embedded ledger, and clients that know nothing but the protocol.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod node;

mod application;
mod audit;
mod bad_input;
mod cookie;
mod heartbeat;
mod key_bound;
mod limits;
mod login;
mod mistakes;
mod nodes;
mod operate;
mod outage;
mod reload;
mod resume;
mod sessions;
mod stop;
mod tls;
mod upgrade;
