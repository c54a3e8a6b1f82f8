//! Accounts in the database of the ledger of many nodes.

use super::{Account, Accounts, Created, PasswordHash};
use crate::{
    error::{DatabaseError, StorageError, StorageFault},
    postgres::{self, Database, Failure, PostgresUrl, Secret},
};
use handfast_core::time::Timestamp;
use std::{
    fmt, io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio_postgres::{Client, Row, types::ToSql};

/// The most connections at once. More threads than this seldom ask at the same moment: between two questions each of
/// them hashes a password, which takes far longer.
const CONNECTIONS: usize = 4;
/// How long a thread waits for another to give its connection back.
const PATIENCE: Duration = Duration::from_secs(8);

const FIND: &str = "SELECT subject, password_hash, created_at, disabled FROM handfast.accounts \
    WHERE subject = $1";
const CREATE: &str = "INSERT INTO handfast.accounts (subject, password_hash, created_at, disabled) \
    VALUES ($1, $2, $3, false) ON CONFLICT (subject) DO NOTHING";
const SET_PASSWORD: &str = "UPDATE handfast.accounts SET password_hash = $2 WHERE subject = $1";
const REPLACE_PASSWORD: &str = "UPDATE handfast.accounts SET password_hash = $3 \
    WHERE subject = $1 AND password_hash = $2";
const SET_DISABLED: &str = "UPDATE handfast.accounts SET disabled = $2 WHERE subject = $1";
const LIST: &str = "SELECT subject, password_hash, created_at, disabled FROM handfast.accounts \
    WHERE subject > $1 ORDER BY subject LIMIT $2";

/// Accounts in a PostgreSQL database, flushed before anything is answered. Any number of nodes may have it open.
pub struct PostgresAccounts {
    database: Database,
    pool: Mutex<Pool>,
    returned: Condvar,
}

/// Connections that nobody uses now, and how many there are in all.
#[derive(Default)]
struct Pool {
    idle: Vec<Client>,
    open: usize,
}

/// What one statement takes.
type Parameters<'a> = [&'a (dyn ToSql + Sync)];

impl PostgresAccounts {
    /// Opens the accounts of a node; makes the tables where there are none, and brings older ones up to date.
    ///
    /// # Errors
    /// Any [`DatabaseError`] but [`DatabaseError::Older`].
    pub fn open(url: &PostgresUrl) -> Result<Self, DatabaseError> {
        Self::prepared(url, postgres::migrate)
    }

    /// Opens existing accounts for a tool, beside the nodes that use them.
    ///
    /// # Errors
    /// Any [`DatabaseError`].
    pub fn open_beside(url: &PostgresUrl) -> Result<Self, DatabaseError> {
        Self::prepared(url, postgres::expect_current)
    }

    fn prepared(url: &PostgresUrl, prepare: postgres::Prepare) -> Result<Self, DatabaseError> {
        postgres::aside(&url.place(), || {
            let (database, client) = postgres::prepared(url, prepare)?;
            let pool = Pool {
                idle: vec![client],
                open: 1,
            };
            Ok(Self {
                database,
                pool: Mutex::new(pool),
                returned: Condvar::new(),
            })
        })
    }

    /// Nothing that is done under this lock can panic halfway.
    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Uses a connection for one question. It is kept if it came out of that whole.
    fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, StorageError> {
        let mut lent = self.lend()?;
        let client = match lent.client.take() {
            Some(client) => client,
            None => self.database.connect()?,
        };
        let answer = self
            .database
            .wait(async { question(&client).await.map_err(Failure::from) });
        if answer.as_ref().is_ok_and(|_| !client.is_closed()) {
            lent.client = Some(client);
        }
        Ok(answer?)
    }

    /// A connection, or the right to open one.
    fn lend(&self) -> Result<Lent<'_>, StorageError> {
        let taken = |pool: &mut Pool| pool.idle.is_empty() && pool.open >= CONNECTIONS;
        let waited = self
            .returned
            .wait_timeout_while(self.pool(), PATIENCE, taken);
        let (mut pool, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let cause = io::Error::from(io::ErrorKind::TimedOut);
            return Err(StorageError::new(StorageFault::Busy, cause));
        }
        let idle = pool.idle.pop();
        pool.open += usize::from(idle.is_none());
        drop(pool);
        Ok(Lent {
            accounts: self,
            // One that was lost meanwhile makes room for a new one.
            client: idle.filter(|client| !self.database.is_lost(client)),
        })
    }

    fn read(&self, sql: &str, parameters: &Parameters<'_>) -> Result<Vec<Account>, StorageError> {
        let rows = self.ask(async |client| client.query(sql, parameters).await)?;
        let accounts = rows.iter().map(account).collect::<Result<_, _>>();
        Ok(accounts.map_err(Failure::from)?)
    }

    /// Executes a statement that is about one row; whether there was one.
    fn write(&self, sql: &str, parameters: &Parameters<'_>) -> Result<bool, StorageError> {
        let written = self.ask(async |client| client.execute(sql, parameters).await)?;
        Ok(written == 1)
    }
}

/// A place in the pool, which is given back when this is dropped.
struct Lent<'a> {
    accounts: &'a PostgresAccounts,
    client: Option<Client>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut pool = self.accounts.pool();
        match self.client.take() {
            Some(client) => pool.idle.push(client),
            None => pool.open -= 1,
        }
        drop(pool);
        self.accounts.returned.notify_one();
    }
}

impl Accounts for PostgresAccounts {
    fn find(&self, subject: &str) -> Result<Option<Account>, StorageError> {
        Ok(self.read(FIND, &[&subject])?.pop())
    }

    fn create(
        &self,
        subject: &str,
        password_hash: &PasswordHash,
        now: Timestamp,
    ) -> Result<Created, StorageError> {
        let now = postgres::signed(now.as_unix());
        let made = self.write(CREATE, &[&subject, &secret(password_hash), &now])?;
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
        self.write(SET_PASSWORD, &[&subject, &secret(password_hash)])
    }

    fn replace_password(
        &self,
        subject: &str,
        former: &PasswordHash,
        password_hash: &PasswordHash,
    ) -> Result<bool, StorageError> {
        let parameters: [&(dyn ToSql + Sync); 3] =
            [&subject, &secret(former), &secret(password_hash)];
        self.write(REPLACE_PASSWORD, &parameters)
    }

    fn set_disabled(&self, subject: &str, disabled: bool) -> Result<bool, StorageError> {
        self.write(SET_DISABLED, &[&subject, &disabled])
    }

    fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Account>, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        // No subject is the empty text, which is before every other.
        self.read(LIST, &[&after.unwrap_or_default(), &limit])
    }
}

fn secret(hash: &PasswordHash) -> Secret<'_> {
    Secret(hash.expose())
}

fn account(row: &Row) -> Result<Account, tokio_postgres::Error> {
    let (subject, hash): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
    Ok(Account {
        subject: subject.into(),
        password_hash: PasswordHash::new(hash),
        created_at: postgres::time(row, 2)?,
        disabled: row.try_get(3)?,
    })
}

impl fmt::Debug for PostgresAccounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresAccounts")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
