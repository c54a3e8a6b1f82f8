//! The client's side of one session, without the socket.
//!
//! The host feeds [`Client::handle`], stores what [`Storage`] holds if that changed, and only then drains
//! [`Client::poll`]: an attempt key must be on the disk before the token that it belongs to is on the wire. Several
//! tabs are several machines on one storage.

mod backoff;
mod io;
mod line;
mod machine;
mod memory;
mod message;
mod storage;

pub use backoff::Backoff;
pub use io::{ClientInput, ClientOutput, ClientState, Ended, Entropy, Initiative};
pub use machine::Client;
pub use storage::{Storage, Stored};
