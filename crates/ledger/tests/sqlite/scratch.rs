//! A folder with a ledger in it, for one test.

use handfast_ledger::{
    Ledger, Sqlite,
    accounts::SqliteAccounts,
    conformance::{AccountsFixture, Fixture, start},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// A folder that is gone when this is dropped.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder().join("ledger.db")
    }

    /// Every file in the folder with what is in it.
    pub(crate) fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.folder()).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.is_file());
        files
            .map(|path| (path.clone(), fs::read(path).unwrap()))
            .collect()
    }
}

/// Starts the ledger of a server on this file.
pub(crate) fn serve(file: &Path) -> Ledger {
    start(Sqlite::open(file).unwrap())
}

impl Fixture for Scratch {
    type Backend = Sqlite;

    fn empty() -> Self {
        Self::new()
    }

    fn open(&self) -> Sqlite {
        Sqlite::open(&self.file()).unwrap()
    }

    fn open_beside(&self) -> Sqlite {
        Sqlite::open_beside(&self.file()).unwrap()
    }
}

/// A folder with accounts in it.
pub(crate) struct ScratchAccounts(Scratch);

impl AccountsFixture for ScratchAccounts {
    type Accounts = SqliteAccounts;

    fn empty() -> Self {
        Self(Scratch::new())
    }

    fn open(&self) -> SqliteAccounts {
        SqliteAccounts::open(&self.0.folder().join("accounts.db")).unwrap()
    }
}
