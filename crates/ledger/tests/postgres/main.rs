//! The ledger and the accounts of many nodes.

#![expect(
    clippy::unwrap_used,
    reason = "these are tests, though not all in functions that say so"
)]

mod clients;
mod failover;
mod opening;
mod outage;
mod scratch;

use scratch::{Scratch, ScratchAccounts};

handfast_ledger::conformance!(Scratch);
handfast_ledger::accounts_conformance!(ScratchAccounts);
