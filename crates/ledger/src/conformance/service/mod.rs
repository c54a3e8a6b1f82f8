//! Servers that tests start for themselves on free ports of the loopback address, and that nobody else uses.
//!
//! A server ends, and its folder goes, when its value is dropped; and just as well when the process of the tests ends
//! in any other way. That is because a shell starts the server and then waits for the end of its own input, which is a
//! pipe from the tests.

mod nats;
mod postgres;
mod process;
mod redis;

pub use nats::NatsServer;
pub use postgres::{DatabaseUrl, PostgresServer, Shutdown};
pub use process::{Process, Program};
pub use redis::RedisServer;
