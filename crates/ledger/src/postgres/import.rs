//! Filling a database with what another ledger holds.

use super::{
    column::{Secret, signed},
    connection::{Database, aside},
    fault::Failure,
    line::Line,
    prepared, schema,
    sessions::Writes,
    url::PostgresUrl,
};
use crate::{
    accounts::Account,
    backend::{Row, Write},
    error::{DatabaseError, StorageError},
    intent::Origin,
};
use handfast_core::session::Session;
use tokio_postgres::types::ToSql;

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
    SET LOCAL idle_in_transaction_session_timeout = '60s'; \
    SET LOCAL statement_timeout = '60s'; \
    LOCK TABLE handfast.sessions, handfast.accounts IN EXCLUSIVE MODE";
const IS_EMPTY: &str = "SELECT NOT EXISTS (SELECT FROM handfast.sessions) \
    AND NOT EXISTS (SELECT FROM handfast.accounts)";
const INSERT_ACCOUNT: &str = "INSERT INTO handfast.accounts \
    (subject, password_hash, created_at, disabled) VALUES ($1, $2, $3, $4)";

/// A database that is being filled: all of it at its commit, or nothing.
pub(crate) struct Import {
    database: Database,
    line: Line,
}

impl Import {
    /// Begins to fill the database, which must hold nothing of ours yet; `None` where it does.
    pub(crate) fn begin(url: &PostgresUrl) -> Result<Option<Self>, DatabaseError> {
        aside(&url.place(), || {
            let (database, client) = prepared(url, schema::migrate)?;
            let begun = Line::new(&database, client).and_then(|line| {
                let is_empty = database.wait(async {
                    line.run(BEGIN).await?;
                    Ok(line.client.query_one(IS_EMPTY, &[]).await?.try_get(0)?)
                })?;
                Ok((line, is_empty))
            });
            let (line, is_empty): (_, bool) = begun.map_err(|failure| database.refusal(failure))?;
            Ok(is_empty.then_some(Self { database, line }))
        })
    }

    pub(crate) fn sessions(&self, sessions: &[Session]) -> Result<(), StorageError> {
        let mut writes = Writes::default();
        for session in sessions {
            let origin = Origin {
                address: session.address.clone(),
                agent: session.agent.clone(),
            };
            writes.push(&Write {
                session: session.session,
                record: &session.record,
                row: Row::Insert {
                    subject: &session.subject,
                    origin: &origin,
                },
            });
        }
        Ok(self.database.wait(writes.insert(&self.line))?)
    }

    pub(crate) fn accounts(&self, accounts: &[Account]) -> Result<(), StorageError> {
        let client = &self.line.client;
        let inserted = self.database.wait(async {
            let statement = client.prepare(INSERT_ACCOUNT).await?;
            for account in accounts {
                let hash = Secret(account.password_hash.expose());
                let made = signed(account.created_at.as_unix());
                let subject = &*account.subject;
                let row: [&(dyn ToSql + Sync); 4] = [&subject, &hash, &made, &account.disabled];
                client.execute(&statement, &row).await?;
            }
            Ok::<_, Failure>(())
        });
        Ok(inserted?)
    }

    /// Makes all of it durable. Dropped without that, it leaves nothing behind.
    pub(crate) fn commit(self) -> Result<(), StorageError> {
        let committed = self.database.wait(self.line.run("COMMIT"));
        Ok(committed.map_err(Failure::of_commit)?)
    }
}
