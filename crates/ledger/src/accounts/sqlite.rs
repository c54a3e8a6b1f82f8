//! Accounts in an SQLite file of their own, so that neither they nor the ledger ever wait for the other's flush.

use super::{Account, Accounts, Created, PasswordHash};
use crate::{
    error::{OpenError, StorageError},
    sqlite::{
        column::Column,
        database::{self, Schema},
        fault::Failure,
    },
};
use handfast_core::time::Timestamp;
use rusqlite::{Connection, Params, Row};
use std::{
    fmt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

const SCHEMA: Schema = Schema {
    application_id: i32::from_be_bytes(*b"HFac"),
    migrations: &[include_str!("../sqlite/migrations/accounts-0001.sql")],
    cache_kib: 1024,
    checkpoint_pages: 1_000,
};

const FIND: &str =
    "SELECT subject, password_hash, created_at, disabled FROM accounts WHERE subject = ?1";
const CREATE: &str = "INSERT INTO accounts (subject, password_hash, created_at, disabled) \
    VALUES (?1, ?2, ?3, 0) ON CONFLICT (subject) DO NOTHING";
const SET_PASSWORD: &str = "UPDATE accounts SET password_hash = ?2 WHERE subject = ?1";
const REPLACE_PASSWORD: &str =
    "UPDATE accounts SET password_hash = ?3 WHERE subject = ?1 AND password_hash = ?2";
const SET_DISABLED: &str = "UPDATE accounts SET disabled = ?2 WHERE subject = ?1";
const LIST: &str = "SELECT subject, password_hash, created_at, disabled FROM accounts \
    WHERE subject > ?1 ORDER BY subject LIMIT ?2";

/// Accounts in an SQLite file, flushed before anything is answered. Several processes may have it open.
pub struct SqliteAccounts {
    connection: Mutex<Connection>,
}

impl SqliteAccounts {
    /// Opens the accounts; makes the file, readable by its owner only, where there is none, and brings an older one up
    /// to date.
    ///
    /// # Errors
    /// Any [`OpenError`] but [`OpenError::Missing`], [`OpenError::InUse`] and [`OpenError::Older`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let connection = Mutex::new(database::open_or_make(path, &SCHEMA)?);
        Ok(Self { connection })
    }

    /// Every statement is a transaction of its own, so a thread that panicked here left nothing half done.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Executes a statement that is about one row; whether there was one.
    fn write(&self, statement: &str, parameters: impl Params) -> Result<bool, Failure> {
        let connection = self.lock();
        let written = connection.prepare_cached(statement)?.execute(parameters)?;
        Ok(written == 1)
    }

    fn read(&self, statement: &str, parameters: impl Params) -> Result<Vec<Account>, Failure> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(statement)?;
        let accounts = statement.query_map(parameters, account)?;
        Ok(accounts.collect::<Result<_, _>>()?)
    }
}

impl Accounts for SqliteAccounts {
    fn find(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        Ok(self.read(FIND, (subject,))?.pop())
    }

    fn create(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Created, StorageError> {
        let made = self.write(CREATE, (subject, password_hash.expose(), Column(now)))?;
        Ok(if made {
            Created::Created
        } else {
            Created::Taken
        })
    }

    fn set_password(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        Ok(self.write(SET_PASSWORD, (subject, password_hash.expose()))?)
    }

    fn replace_password(
        &self,
        subject: &str,
        former: &PasswordHash,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        let parameters = (subject, former.expose(), password_hash.expose());
        Ok(self.write(REPLACE_PASSWORD, parameters)?)
    }

    fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, StorageError> {
        Ok(self.write(SET_DISABLED, (subject, disabled))?)
    }

    fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // No subject is the empty text, which is before every other.
        Ok(self.read(LIST, (after.unwrap_or_default(), limit))?)
    }
}

fn account(row: &Row<'_>) -> Result<Account, rusqlite::Error> {
    let Column(created_at) = row.get(2)?;
    Ok(Account {
        subject: row.get(0)?,
        password_hash: PasswordHash(row.get(1)?),
        created_at,
        disabled: row.get(3)?,
    })
}

impl fmt::Debug for SqliteAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteAccounts").finish_non_exhaustive()
    }
}
