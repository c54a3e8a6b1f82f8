//! The durable record of handfast's sessions, and of its accounts.
//!
//! A [`Ledger`] is a cheap handle to one worker thread that owns a [`Backend`]. Whatever waits when the worker is free
//! becomes one batch and one transaction: it is read, decided by the session rule of `handfast-core`, written,
//! committed, flushed, told to the [`Observer`], and only then answered. So one flush of the disk serves every client
//! that waits for it, and an answer that left was stored before. While one batch is flushed the next is decided.
//!
//! A backend holds rows and nothing else. No decision is taken in SQL: what a batch comes to is decided in one place,
//! from the records that the backend read, for every backend alike. [`Memory`] is the reference, [`Sqlite`] the
//! embedded default; `conformance` (with the feature of that name) is what any other must pass.
//!
//! [`accounts`] keeps subjects and their password hashes beside the ledger.

pub mod accounts;
mod backend;
mod by_hand;
mod conclude;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "postgres")]
mod copy;
mod counts;
mod decide;
mod distribution;
mod encoding;
mod entry;
mod error;
pub mod fanout;
mod history;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod host;
mod intent;
mod ledger;
mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod queue;
mod reads;
mod receipt;
mod slot;
mod sqlite;
pub mod trace;
mod worker;

pub use backend::{
    Access, Backend, Durability, Flush, Row, Stored, Transaction, Wanted, Write, ended_before,
};
pub use by_hand::ByHand;
#[cfg(feature = "postgres")]
pub use copy::{Copied, CopyError, copy};
pub use counts::{Counts, OUTCOMES};
pub use distribution::{DISTRIBUTION_BOUNDS, Distribution, Spread};
pub use error::{DatabaseError, LedgerError, OpenError, StorageError, StorageFault};
pub use intent::{
    Change, Changes, Create, Cursor, Ended, Origin, Ownership, Present, PresentedSession, Revoke,
    Scope, Swept,
};
pub use ledger::{
    BATCH_ENTRIES, CHANGES_ENTRIES, EXAMINE_OWNERSHIPS, LIST_SESSIONS, Ledger, Observer,
    QUEUE_ENTRIES, SWEEP_SESSIONS, Settings,
};
pub use memory::{Memory, MemoryTransaction};
#[cfg(feature = "postgres")]
pub use postgres::{InvalidPostgresUrl, Postgres, PostgresTransaction, PostgresUrl};
pub use receipt::Receipt;
pub use sqlite::{Sqlite, SqliteTransaction};
