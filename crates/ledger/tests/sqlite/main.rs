//! The embedded ledger passes the suite, and does what only a file can be asked for.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod comparison;
mod damage;
mod opening;
mod scratch;

use scratch::{Scratch, ScratchAccounts};

handfast_ledger::conformance!(Scratch);
handfast_ledger::accounts_conformance!(ScratchAccounts);
