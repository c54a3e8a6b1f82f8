//! Each machine by itself: what fits no scenario, and what no peer would ever send.

mod chaos;
mod client;
mod connection;
mod host;
mod messages;
mod told;
