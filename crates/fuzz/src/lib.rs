//! What fuzzing feeds to handfast, and what must be true then.
//!
//! A target takes any bytes and panics where something does not hold that must. `fuzz/` hands these functions to
//! libFuzzer; the tests of this crate hand them the corpora and mutations of those, on any compiler.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a target tells by panicking"
)]

mod config_file;
mod connection;
mod frames;
mod messages;
mod node;
mod rule;
mod script;
mod supply;
mod token;
mod upgrade;

#[path = "../../server/src/config/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the program uses the rest of it")]
mod config;

/// Each target by itself: a program of libFuzzer's has only the code of its own, for after each input libFuzzer looks at
/// every edge of the code that there is.
pub mod targets {
    pub use crate::{
        config_file::target as config, connection::target as connection, frames::target as frames,
        messages::target as messages, rule::target as rule, token::target as token,
        upgrade::target as upgrade,
    };
}

/// A function that any bytes may be given to. It panics where something does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 7] = [
    ("config", targets::config),
    ("connection", targets::connection),
    ("frames", targets::frames),
    ("messages", targets::messages),
    ("rule", targets::rule),
    ("token", targets::token),
    ("upgrade", targets::upgrade),
];

/// Runs the target of this name, if there is one.
///
/// # Panics
/// Where something does not hold that must, and where there is no such target.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a target of this name");
    target(data);
}
