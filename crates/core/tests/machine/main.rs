//! Each machine by itself: what fits no scenario, and what no peer would ever send.

mod client;
