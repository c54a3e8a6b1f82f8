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

/// A function that any bytes may be given to. It panics where something does not hold.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 7] = [
    ("config", config_file::target),
    ("connection", connection::target),
    ("frames", frames::target),
    ("messages", messages::target),
    ("rule", rule::target),
    ("token", token::target),
    ("upgrade", upgrade::target),
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
