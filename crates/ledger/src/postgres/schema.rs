//! The tables, and how they come about.

use super::{connection::Database, fault::Failure};
use crate::error::DatabaseError;
use std::time::Duration;
use tokio_postgres::Client;

/// The steps from nothing to the current schema; `handfast.schema_version` says how many a database has taken.
const MIGRATIONS: [&str; 1] = [include_str!("migrations/0001.sql")];

/// How long a migration may take, and waiting for another node that migrates.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(600);

/// Numbers our advisory locks among those that other programs may take in the same database.
pub(super) const LOCKS: i32 = i32::from_be_bytes(*b"HFld");
/// The lock of who brings the schema up to date.
pub(super) const MIGRATION_LOCK: i32 = i32::from_be_bytes(*b"HFmg");

/// Whether there are tables of ours (`true`), of something else (`false`), or none (nothing).
const FIND: &str = "SELECT to_regclass('handfast.schema_version') IS NOT NULL \
    FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'handfast') LIMIT 1";
const VERSION: &str = "SELECT version FROM handfast.schema_version";
const FIRST: &str = "CREATE SCHEMA IF NOT EXISTS handfast; \
    CREATE TABLE handfast.schema_version (one integer PRIMARY KEY CHECK (one = 1), version integer NOT NULL); \
    INSERT INTO handfast.schema_version VALUES (1, 0)";

/// Brings the schema up to date, or finds that it is. Of several nodes that start at once, one does it and the others
/// wait.
pub(crate) fn migrate(database: &Database, client: &Client) -> Result<(), DatabaseError> {
    if version(database, client)? == known() {
        return Ok(());
    }
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
        SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
        SET LOCAL idle_in_transaction_session_timeout = 0";
    let lock = format!("{begin}; SELECT pg_advisory_xact_lock({LOCKS}, {MIGRATION_LOCK})");
    run(database, client, &lock)?;
    // Read again under the lock: another node may have taken the steps meanwhile.
    let done = version(database, client).and_then(|taken| {
        if taken == 0 {
            run(database, client, FIRST)?;
        }
        for step in MIGRATIONS
            .iter()
            .skip(usize::try_from(taken).unwrap_or(usize::MAX))
        {
            run(database, client, step)?;
        }
        let note = format!("UPDATE handfast.schema_version SET version = {}", known());
        run(database, client, &note)?;
        run(database, client, "COMMIT")
    });
    if done.is_err() {
        // The connection is dropped with the failure anyway.
        drop(run(database, client, "ROLLBACK"));
    }
    done
}

/// That the schema is up to date.
pub(crate) fn expect_current(database: &Database, client: &Client) -> Result<(), DatabaseError> {
    let found = version(database, client)?;
    if found == known() {
        return Ok(());
    }
    Err(DatabaseError::Older {
        database: database.place(),
        found,
        known: known(),
    })
}

fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// How many steps the database has taken.
fn version(database: &Database, client: &Client) -> Result<u32, DatabaseError> {
    let found = database.wait(async {
        let ours: bool = match client.query_opt(FIND, &[]).await? {
            Some(row) => row.try_get(0)?,
            None => return Ok(Some(0)),
        };
        if !ours {
            return Ok(None);
        }
        let version: i32 = client.query_one(VERSION, &[]).await?.try_get(0)?;
        Ok(Some(u32::try_from(version).unwrap_or(u32::MAX)))
    });
    match found.map_err(|failure| database.refusal(failure))? {
        None => Err(DatabaseError::Foreign {
            database: database.place(),
        }),
        Some(found) if found > known() => Err(DatabaseError::Newer {
            database: database.place(),
            found,
            known: known(),
        }),
        Some(found) => Ok(found),
    }
}

fn run(database: &Database, client: &Client, sql: &str) -> Result<(), DatabaseError> {
    let ran = database.wait_for(MIGRATION_PATIENCE, async {
        client.batch_execute(sql).await.map_err(Failure::from)
    });
    ran.map_err(|failure| database.refusal(failure))
}
