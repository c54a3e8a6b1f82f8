//! A session's record as columns, and back.

use super::{
    column::{Array, Column, Raw, number, time},
    fault::Failure,
};
use crate::{
    backend::{Stored, Write},
    history::{self, HistoryBytes},
};
use handfast_core::session::{
    ConnectionId, Generation, Revocation, RevocationReason, Session, SessionId, SessionRecord,
    Thumbprint,
};
use tokio_postgres::{Row, types::ToSql};

/// The columns of a session in the order that [`stored`] and [`session`] read them in.
macro_rules! columns {
    () => {
        "session, confirmed, issued, history, token_issued_at, token_expires_at, owner, \
         last_seen_at, created_at, expires_at, revoked_at, revoked_reason, key, subject"
    };
}
pub(super) use columns;

/// The name in a row that begins with [`columns`].
pub(super) fn name(row: &Row) -> Result<SessionId, Failure> {
    let Column(bytes) = row.try_get(0)?;
    Ok(SessionId::from_bytes(bytes))
}

/// Reads a row that begins with [`columns`].
pub(super) fn stored(row: &Row) -> Result<Stored, Failure> {
    let subject: &str = row.try_get(13)?;
    Ok(Stored {
        session: name(row)?,
        subject: subject.into(),
        record: record(row)?,
    })
}

/// Reads a row of [`columns`], and then the address and the agent.
pub(super) fn session(row: &Row) -> Result<Session, Failure> {
    let texts: [&str; 3] = [row.try_get(13)?, row.try_get(14)?, row.try_get(15)?];
    let [subject, address, agent] = texts.map(Into::into);
    Ok(Session {
        session: name(row)?,
        subject,
        address,
        agent,
        record: record(row)?,
    })
}

fn record(row: &Row) -> Result<SessionRecord, Failure> {
    let Raw(history) = row.try_get(3)?;
    let owner: Option<Column<[u8; 16]>> = row.try_get(6)?;
    let revoked_at: Option<Column<u64>> = row.try_get(10)?;
    let key: Option<Column<[u8; 32]>> = row.try_get(12)?;
    Ok(SessionRecord {
        confirmed: generation(row, 1)?,
        issued: generation(row, 2)?,
        history: history::decode(history).ok_or_else(|| Failure::damaged(NotARecord))?,
        token_issued_at: time(row, 4)?,
        token_expires_at: time(row, 5)?,
        owner: owner.map(|Column(bytes)| ConnectionId::from_bytes(bytes)),
        last_seen_at: time(row, 7)?,
        created_at: time(row, 8)?,
        expires_at: time(row, 9)?,
        revoked: match revoked_at {
            Some(_) => Some(Revocation {
                reason: reason(row.try_get(11)?)?,
                at: time(row, 10)?,
            }),
            None => None,
        },
        key: key.map(|Column(bytes)| Thumbprint(bytes)),
    })
}

fn generation(row: &Row, index: usize) -> Result<Generation, Failure> {
    Generation::new(number(row, index)?).ok_or_else(|| Failure::damaged(NotARecord))
}

fn reason(text: &str) -> Result<RevocationReason, Failure> {
    RevocationReason::parse(text).ok_or_else(|| Failure::damaged(NotARecord))
}

/// The columns that a rotation changes, of many rows.
#[derive(Debug, Default)]
pub(super) struct Rotated {
    pub(super) session: Array,
    confirmed: Array,
    issued: Array,
    history: Array,
    token_issued_at: Array,
    token_expires_at: Array,
    owner: Array,
    last_seen_at: Array,
    revoked_at: Array,
    revoked_reason: Array,
}

impl Rotated {
    pub(super) fn push(&mut self, write: &Write<'_>) {
        let record = write.record;
        self.session.push(write.session.as_bytes());
        self.confirmed.push_number(record.confirmed.number());
        self.issued.push_number(record.issued.number());
        self.history
            .push(HistoryBytes::of(&record.history).as_slice());
        self.token_issued_at
            .push_number(record.token_issued_at.as_unix());
        self.token_expires_at
            .push_number(record.token_expires_at.as_unix());
        let owner = record.owner.map(ConnectionId::to_bytes);
        self.owner
            .push_or_null(owner.as_ref().map(<[u8; 16]>::as_slice));
        self.last_seen_at.push_number(record.last_seen_at.as_unix());
        match record.revoked {
            Some(end) => {
                self.revoked_at.push_number(end.at.as_unix());
                self.revoked_reason.push(end.reason.as_str().as_bytes());
            }
            None => {
                self.revoked_at.push_null();
                self.revoked_reason.push_null();
            }
        }
    }

    /// In the order of the parameters `$1` to `$10` of the statements that write.
    pub(super) fn parameters(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.session,
            &self.confirmed,
            &self.issued,
            &self.history,
            &self.token_issued_at,
            &self.token_expires_at,
            &self.owner,
            &self.last_seen_at,
            &self.revoked_at,
            &self.revoked_reason,
        ]
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a row holds what is no record")]
struct NotARecord;
