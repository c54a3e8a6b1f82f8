//! The pure part of handfast.
//!
//! Nothing here performs I/O, reads a clock or draws randomness: time and chance are parameters, and what should
//! happen in the world comes out as values. The crate is `no_std`, which makes that a compile error rather than a
//! promise. What runs in a server is therefore exactly what is replayed from `spec/vectors`, driven under a virtual
//! clock and tested with random histories.
//!
//! - [`session`]: what a session is, and the one rule by which a refresh token is accepted, answered again or
//!   refused.
//! - [`message`] and [`framing`]: the protocol's vocabulary and its two framings.
//! - [`connection`]: the server's side of one WebSocket.
//! - [`client`]: the client's side of one session.
//! - [`close`], [`limits`], [`rate`], [`time`]: close codes, named bounds, rates, instants.
#![no_std]
#![warn(
    missing_docs,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

pub mod client;
pub mod close;
pub mod connection;
pub mod framing;
pub mod limits;
pub mod message;
pub mod rate;
pub mod session;
pub mod time;
