//! The reference passes the suite.

use handfast_ledger::{
    Memory,
    accounts::MemoryAccounts,
    conformance::{AccountsFixture, Fixture},
};

struct Shared(Memory);

impl Fixture for Shared {
    type Backend = Memory;

    fn empty() -> Self {
        Self(Memory::new())
    }

    fn open(&self) -> Memory {
        self.0.clone()
    }

    fn open_beside(&self) -> Memory {
        self.0.clone()
    }
}

struct SharedAccounts(MemoryAccounts);

impl AccountsFixture for SharedAccounts {
    type Accounts = MemoryAccounts;

    fn empty() -> Self {
        Self(MemoryAccounts::new())
    }

    fn open(&self) -> MemoryAccounts {
        self.0.clone()
    }
}

handfast_ledger::conformance!(Shared);
handfast_ledger::accounts_conformance!(SharedAccounts);
