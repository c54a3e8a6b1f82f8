//! The reference passes the suite.

use handfast_ledger::{Memory, conformance::Fixture};

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

handfast_ledger::conformance!(Shared);
