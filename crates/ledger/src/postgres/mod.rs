//! The ledger of many nodes: a PostgreSQL database.

mod column;
mod connection;
mod fault;
mod hosts;
mod import;
mod line;
mod log;
mod row;
mod schema;
mod sessions;
#[cfg(test)]
mod tests;
mod tls;
mod transaction;
mod url;

pub(crate) use column::{Secret, signed, time};
pub(crate) use connection::{Database, aside};
pub(crate) use fault::Failure;
pub(crate) use hosts::Hosts;
pub(crate) use import::Import;
pub(crate) use schema::{expect_current, migrate};
pub use transaction::PostgresTransaction;
pub use url::{InvalidPostgresUrl, PostgresUrl};

use crate::{
    backend::{Access, Backend},
    error::{DatabaseError, StorageError},
};
use handfast_core::time::Timestamp;
use line::Line;
use std::{fmt, time::Duration};
use tokio::task::JoinHandle;
use tokio_postgres::Client;
use transaction::Standing;

/// How long a database that could not be reached is left alone. What is asked meanwhile fails at once.
const RECONNECT_PAUSE: Duration = Duration::from_millis(200);

/// A ledger in a PostgreSQL database, in a schema of its own (`handfast`).
///
/// Any number of nodes may have it open. Each uses one connection, which is made anew when it was lost; until then its
/// batches fail. A batch takes two round trips, whatever its size.
pub struct Postgres {
    database: Database,
    /// `None` while it is lost.
    line: Option<Line>,
    standing: Standing,
    /// Why it could not be reached, for as long as it is left alone.
    away: Option<(JoinHandle<()>, StorageError)>,
}

impl Postgres {
    /// Opens the ledger of a node: makes the tables where there are none, and brings older ones up to date. Of several
    /// nodes that do so at once, one does and the others wait.
    ///
    /// # Errors
    /// Any [`DatabaseError`] but [`DatabaseError::Older`].
    pub fn open(url: &PostgresUrl) -> Result<Self, DatabaseError> {
        Self::connected(url, migrate)
    }

    /// Opens an existing ledger for a tool, beside the nodes that run on it.
    ///
    /// # Errors
    /// Any [`DatabaseError`].
    pub fn open_beside(url: &PostgresUrl) -> Result<Self, DatabaseError> {
        Self::connected(url, expect_current)
    }

    /// What the database's clock shows, for whoever compares clocks.
    ///
    /// # Errors
    /// Any [`DatabaseError`] of a database that cannot be reached or asked.
    pub fn clock(url: &PostgresUrl) -> Result<Timestamp, DatabaseError> {
        const NOW: &str = "SELECT extract(epoch FROM clock_timestamp())::bigint";
        aside(&url.place(), || {
            let (database, client) = prepared(url, |_, _| Ok(()))?;
            let now = database.wait(async { Ok(client.query_one(NOW, &[]).await?) });
            let now: i64 = now.map_err(|failure| database.refusal(failure))?.get(0);
            Ok(Timestamp::from_unix(u64::try_from(now).unwrap_or_default()))
        })
    }

    fn connected(url: &PostgresUrl, prepare: Prepare) -> Result<Self, DatabaseError> {
        aside(&url.place(), || {
            let (database, client) = prepared(url, prepare)?;
            let line = Line::new(&database, client);
            let line = line.map_err(|failure| database.refusal(failure))?;
            Ok(Self {
                database,
                line: Some(line),
                standing: Standing::default(),
                away: None,
            })
        })
    }

    fn connect_again(&mut self) -> Result<Line, StorageError> {
        self.database.catch_up();
        if let Some((pause, cause)) = &self.away
            && !pause.is_finished()
        {
            return Err(cause.clone());
        }
        self.away = None;
        let client = self.database.connect();
        let line = client.and_then(|client| Line::new(&self.database, client));
        line.map_err(|Failure { cause, .. }| {
            let pause = self.database.pause(RECONNECT_PAUSE);
            self.away = pause.map(|pause| (pause, cause.clone()));
            cause
        })
    }
}

/// What is done about the tables before they are used.
pub(crate) type Prepare = fn(&Database, &Client) -> Result<(), DatabaseError>;

/// A database whose tables are as they must be, and a connection to it.
pub(crate) fn prepared(
    url: &PostgresUrl,
    prepare: Prepare,
) -> Result<(Database, Client), DatabaseError> {
    let database = Database::new(url)?;
    let client = database.connect();
    let client = client.map_err(|failure| database.refusal(failure))?;
    prepare(&database, &client)?;
    Ok((database, client))
}

impl Backend for Postgres {
    type Transaction<'a> = PostgresTransaction<'a>;

    fn begin(&mut self, access: Access) -> Result<PostgresTransaction<'_>, StorageError> {
        let broken = std::mem::take(&mut self.standing.is_broken);
        let kept = self.line.take();
        let kept = kept.filter(|line| !broken && !self.database.is_lost(&line.client));
        let line = match kept {
            Some(line) => line,
            None => self.connect_again()?,
        };
        let line = self.line.insert(line);
        Ok(PostgresTransaction::new(
            &self.database,
            line,
            &mut self.standing,
            access,
        ))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}
