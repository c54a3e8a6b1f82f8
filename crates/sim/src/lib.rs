//! The evidence for what handfast promises: an exhaustive [model check](model) of the session rule, and a
//! [simulation] of clients, nodes and a ledger.
//!
//! Nothing here is shipped. What is checked is the code that runs, called and not copied.

mod report;

pub mod cli;
pub mod model;
pub mod simulation;
