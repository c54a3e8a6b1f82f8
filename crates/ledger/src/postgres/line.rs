//! A connection of the ledger with its statements prepared.

use super::{connection::Database, fault::Failure, log, sessions};
use tokio_postgres::{Client, Row, Statement, types::ToSql};

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Parameters of a statement.
pub(super) type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// The connection and its statements.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) statements: Statements,
}

/// Prepared once a connection.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) lock_subjects: Statement,
    pub(super) load: Statement,
    pub(super) load_with_subjects: Statement,
    pub(super) update: Statement,
    pub(super) insert: Statement,
    pub(super) read_sessions: Statement,
    pub(super) read_subjects: Statement,
    pub(super) read_next: Statement,
    pub(super) remove: Statement,
    pub(super) append: Statement,
    pub(super) place: Statement,
    pub(super) look: Statement,
    pub(super) behind: Statement,
    pub(super) oldest: Statement,
    pub(super) forget: Statement,
}

impl Line {
    pub(super) fn new(database: &Database, client: Client) -> Result<Self, Failure> {
        let statements = database.wait(async { Ok(Statements::prepare(&client).await?) })?;
        Ok(Self { client, statements })
    }

    /// Begins a transaction where it is wanted.
    pub(super) async fn begin(&self, wanted: bool) -> Result<(), Failure> {
        if wanted {
            self.client.batch_execute(BEGIN).await?;
        }
        Ok(())
    }

    pub(super) async fn run(&self, sql: &str) -> Result<(), Failure> {
        Ok(self.client.batch_execute(sql).await?)
    }

    pub(super) async fn query(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<Vec<Row>, Failure> {
        Ok(self.client.query(statement, parameters).await?)
    }

    pub(super) async fn execute(
        &self,
        statement: &Statement,
        parameters: &Parameters<'_>,
    ) -> Result<u64, Failure> {
        Ok(self.client.execute(statement, parameters).await?)
    }
}

impl Statements {
    async fn prepare(client: &Client) -> Result<Self, tokio_postgres::Error> {
        let (lock_subjects, load, load_with_subjects, update, insert) = tokio::try_join!(
            client.prepare(sessions::LOCK_SUBJECTS),
            client.prepare(sessions::LOAD),
            client.prepare(sessions::LOAD_WITH_SUBJECTS),
            client.prepare(sessions::UPDATE),
            client.prepare(sessions::INSERT),
        )?;
        let (read_sessions, read_subjects, read_next, remove) = tokio::try_join!(
            client.prepare(sessions::READ_SESSIONS),
            client.prepare(sessions::READ_SUBJECTS),
            client.prepare(sessions::READ_NEXT),
            client.prepare(sessions::REMOVE),
        )?;
        let (append, place, look, behind, oldest, forget) = tokio::try_join!(
            client.prepare(log::APPEND),
            client.prepare(log::PLACE),
            client.prepare(log::LOOK),
            client.prepare(log::BEHIND),
            client.prepare(log::OLDEST),
            client.prepare(log::FORGET),
        )?;
        Ok(Self {
            lock_subjects,
            load,
            load_with_subjects,
            update,
            insert,
            read_sessions,
            read_subjects,
            read_next,
            remove,
            append,
            place,
            look,
            behind,
            oldest,
            forget,
        })
    }
}
