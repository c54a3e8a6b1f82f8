//! The files in the data folder, by name.

use handfast::{ACCOUNTS_FILE, KEYS_FILE, LEDGER_FILE};
use std::path::{Path, PathBuf};

/// The folder of everything that handfast keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataFolder<'a>(pub(crate) &'a Path);

impl DataFolder<'_> {
    /// The keys that sign tokens.
    pub(crate) fn keys(self) -> PathBuf {
        self.0.join(KEYS_FILE)
    }

    /// The embedded ledger.
    pub(crate) fn ledger(self) -> PathBuf {
        self.0.join(LEDGER_FILE)
    }

    /// The operator's token.
    pub(crate) fn admin_token(self) -> PathBuf {
        self.0.join("admin-token")
    }

    /// The accounts.
    pub(crate) fn accounts(self) -> PathBuf {
        self.0.join(ACCOUNTS_FILE)
    }
}
