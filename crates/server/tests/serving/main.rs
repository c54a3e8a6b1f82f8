//! The program as it serves: real processes, real files, real sockets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod collector;
#[path = "../cluster/harness/dice.rs"]
#[expect(dead_code, reason = "the tests of several nodes use the rest of it")]
mod dice;
mod http;
mod server;

mod admin;
mod audit;
mod backup;
mod cookie;
mod crash;
mod deployed;
mod exhaustion;
mod full;
mod health;
mod lifecycle;
mod operator;
mod postgres;
mod proxy;
mod reload;
mod rolling;
mod secrets;
mod service;
mod traces;
mod watching;
