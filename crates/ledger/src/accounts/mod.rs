//! Subjects and the hashes of their passwords.
//!
//! Calls block: they are made from the pool that hashes passwords, never from an asynchronous task.

mod memory;
#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

pub use memory::MemoryAccounts;
#[cfg(feature = "postgres")]
pub use postgres::PostgresAccounts;
pub use sqlite::SqliteAccounts;

use crate::error::StorageError;
use handfast_core::time::Timestamp;
use std::fmt;

/// Where accounts are kept. What is answered with `Ok` is durable.
pub trait Accounts: Send + Sync + 'static {
    /// The account of `subject`, if there is one.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    fn find(&self, subject: &str) -> Result<Option<Account>, StorageError>;

    /// Makes an account, unless the subject has one.
    ///
    /// # Errors
    /// Where it could not be stored. It may have been all the same, if a server's answer got lost.
    fn create(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Created, StorageError>;

    /// Replaces the password's hash. `false` where the subject has no account.
    ///
    /// # Errors
    /// Where it could not be stored, as [when one is made](Self::create).
    fn set_password(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError>;

    /// Replaces the password's hash if it still is `former`; whether it did. So who hashes a password anew does not undo
    /// that another changed it meanwhile, on whichever node.
    ///
    /// # Errors
    /// Where it could not be stored, as [when one is made](Self::create).
    fn replace_password(
        &self,
        subject: &str,
        former: &PasswordHash,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError>;

    /// Forbids or allows logins of a subject. `false` where the subject has no account.
    ///
    /// # Errors
    /// Where it could not be stored, as [when one is made](Self::create).
    fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, StorageError>;

    /// Up to `limit` accounts in the order of their subjects' bytes, those after `after` only.
    ///
    /// # Errors
    /// Where the storage cannot be read.
    fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, StorageError>;
}

/// A subject that can log in with a password.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name, in the canonical form.
    pub subject: Box<str>,
    /// What its password is verified by.
    pub password_hash: PasswordHash,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether it may not log in.
    pub disabled: bool,
}

/// What came of making an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It is made.
    Created,
    /// The subject has one already, which stays as it is.
    Taken,
}

/// A password's hash as a PHC string (`$argon2id$…`). It shows itself in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Box<str>);

impl PasswordHash {
    /// The hash in this text.
    #[must_use]
    pub fn new(phc: impl Into<Box<str>>) -> Self {
        Self(phc.into())
    }

    /// The hash's text, for whoever verifies a password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
