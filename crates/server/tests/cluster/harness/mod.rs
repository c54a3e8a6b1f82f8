//! What the tests start, break and ask.

mod browser;
mod client;
mod cluster;
mod connection;
mod dice;
mod node;
mod progress;
mod proxy;
mod registry;
mod wait;

pub(crate) use browser::{Browser, Surroundings};
pub(crate) use client::{Asker, bare, login, present};
pub(crate) use cluster::{Cluster, FanoutWay, Plan, variables};
pub(crate) use connection::{Connection, Heard};
pub(crate) use dice::Dice;
pub(crate) use node::Node;
pub(crate) use progress::Progress;
pub(crate) use proxy::{Proxy, Way};
pub(crate) use registry::{Dead, Fate, Registry};
pub(crate) use wait::{PATIENCE, until};
