//! A database that is thrown away.

use handfast_ledger::{
    Postgres, PostgresUrl,
    accounts::PostgresAccounts,
    conformance::{
        AccountsFixture, Fixture,
        service::{DatabaseUrl, PostgresServer},
    },
};

/// A database of the server that all tests of the process share.
pub(crate) struct Scratch(pub(crate) DatabaseUrl);

impl Scratch {
    pub(crate) fn url(&self) -> PostgresUrl {
        url(self.0.expose())
    }
}

pub(crate) fn url(text: &str) -> PostgresUrl {
    text.parse().unwrap()
}

impl Fixture for Scratch {
    type Backend = Postgres;

    fn empty() -> Self {
        Self(PostgresServer::shared().database())
    }

    fn open(&self) -> Postgres {
        Postgres::open(&self.url()).unwrap()
    }

    fn open_beside(&self) -> Postgres {
        Postgres::open_beside(&self.url()).unwrap()
    }
}

/// Accounts in such a database.
pub(crate) struct ScratchAccounts(Scratch);

impl AccountsFixture for ScratchAccounts {
    type Accounts = PostgresAccounts;

    fn empty() -> Self {
        Self(Scratch::empty())
    }

    fn open(&self) -> PostgresAccounts {
        PostgresAccounts::open(&self.0.url()).unwrap()
    }
}
