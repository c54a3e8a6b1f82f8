//! The server's machine and the client's against each other, under a virtual clock and over a network that breaks.

mod checks;
mod ends;
mod failures;
mod heartbeat;
mod host;
mod ledger;
mod plain;
mod random;
mod server;
mod sessions;
mod tabs;
mod world;

use std::time::Duration;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);
