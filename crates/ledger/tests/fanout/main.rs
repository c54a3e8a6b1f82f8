//! Every medium passes the suite, against real servers where it needs one.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod in_process;
mod nats;
mod postgres;
mod redis;
