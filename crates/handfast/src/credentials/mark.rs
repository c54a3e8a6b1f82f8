//! What an account was when a login was verified.

use aws_lc_rs::digest::{SHA256, digest};
use handfast_ledger::accounts::PasswordHash;
use std::fmt;

/// Tells whether an account still has the password that it had, and nothing else.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountMark(Option<[u8; 32]>);

impl AccountMark {
    /// For who verifies logins by something that has no such state.
    pub const NONE: Self = Self(None);

    pub(super) fn of(hash: &PasswordHash) -> Self {
        Self(
            digest(&SHA256, hash.expose().as_bytes())
                .as_ref()
                .try_into()
                .ok(),
        )
    }
}

impl fmt::Debug for AccountMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountMark(…)")
    }
}
