//! Several nodes as they run in the world: real processes, a real PostgreSQL and Redis of the tests' own, and whatever
//! can be done to them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "a long run says how far it is")]

mod harness;
#[path = "../serving/http.rs"]
#[expect(dead_code, reason = "the tests of one server use the rest of it")]
mod http;

mod chaos;
mod clocks;
mod failover;
mod fanout;
mod outage;
mod twice;
