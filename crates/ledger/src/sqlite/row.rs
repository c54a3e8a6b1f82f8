//! A session's record as columns, and back.

use super::{column::Column, fault::Failure};
use crate::{backend::Stored, history};
use handfast_core::{
    session::{
        ConnectionId, Generation, History, Revocation, RevocationReason, Session, SessionId,
        SessionRecord, Thumbprint,
    },
    time::Timestamp,
};
use rusqlite::{
    Row, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

/// The columns of a session in the order that [`stored`] and [`session`] read them in.
macro_rules! columns {
    () => {
        "session, confirmed, issued, history, token_issued_at, token_expires_at, owner, \
         last_seen_at, created_at, expires_at, revoked_at, revoked_reason, key, subject"
    };
}
pub(super) use columns;

/// The name in a row that begins with [`columns`].
pub(super) fn name(row: &Row<'_>) -> Result<SessionId, Failure> {
    Ok(column(row, 0)?)
}

/// Reads a row that begins with [`columns`].
pub(super) fn stored(row: &Row<'_>) -> Result<Stored, Failure> {
    Ok(Stored {
        session: column(row, 0)?,
        subject: row.get(13)?,
        record: record(row)?,
    })
}

/// Reads a row of [`columns`], and then the address and the agent.
pub(super) fn session(row: &Row<'_>) -> Result<Session, Failure> {
    Ok(Session {
        session: column(row, 0)?,
        subject: row.get(13)?,
        address: row.get(14)?,
        agent: row.get(15)?,
        record: record(row)?,
    })
}

fn record(row: &Row<'_>) -> Result<SessionRecord, Failure> {
    let revoked_at: Option<Column<Timestamp>> = row.get(10)?;
    let revoked_reason: Option<Column<RevocationReason>> = row.get(11)?;
    let revoked = revoked_at.zip(revoked_reason);
    Ok(SessionRecord {
        confirmed: column(row, 1)?,
        issued: column(row, 2)?,
        history: column(row, 3)?,
        token_issued_at: column(row, 4)?,
        token_expires_at: column(row, 5)?,
        owner: optional(row, 6)?,
        last_seen_at: column(row, 7)?,
        created_at: column(row, 8)?,
        expires_at: column(row, 9)?,
        revoked: revoked.map(|(Column(at), Column(reason))| Revocation { reason, at }),
        key: optional(row, 12)?,
    })
}

fn column<T>(row: &Row<'_>, index: usize) -> Result<T, rusqlite::Error>
where
    Column<T>: FromSql,
{
    row.get(index).map(|Column(value)| value)
}

fn optional<T>(row: &Row<'_>, index: usize) -> Result<Option<T>, rusqlite::Error>
where
    Column<T>: FromSql,
{
    let value: Option<Column<T>> = row.get(index)?;
    Ok(value.map(|Column(value)| value))
}

impl FromSql for Column<SessionId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Column::column_result(value).map(|Column(bytes)| Self(SessionId::from_bytes(bytes)))
    }
}

impl FromSql for Column<ConnectionId> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Column::column_result(value).map(|Column(bytes)| Self(ConnectionId::from_bytes(bytes)))
    }
}

impl FromSql for Column<Thumbprint> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Column::column_result(value).map(|Column(bytes)| Self(Thumbprint(bytes)))
    }
}

impl FromSql for Column<Generation> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let Column(number) = Column::column_result(value)?;
        Generation::new(number)
            .map(Self)
            .ok_or(FromSqlError::InvalidType)
    }
}

impl FromSql for Column<RevocationReason> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let reason = RevocationReason::parse(value.as_str()?);
        reason.map(Self).ok_or(FromSqlError::InvalidType)
    }
}

impl ToSql for Column<Generation> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0.number()).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Column<History> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let history = history::decode(value.as_blob()?);
        history.map(Self).ok_or(FromSqlError::InvalidType)
    }
}
