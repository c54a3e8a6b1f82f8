//! The embedded ledger passes the suite.

use handfast_ledger::{Sqlite, conformance::Fixture};
use std::path::PathBuf;
use tempfile::TempDir;

struct Scratch(TempDir);

impl Scratch {
    fn file(&self) -> PathBuf {
        self.0.path().join("ledger.db")
    }
}

impl Fixture for Scratch {
    type Backend = Sqlite;

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.file()).unwrap()
    }

    fn open_beside(&self) -> Sqlite {
        Sqlite::open_beside(&self.file()).unwrap()
    }
}

handfast_ledger::conformance!(Scratch);
