//! The rows of sessions.

use super::{
    column::Column,
    fault::Failure,
    row::{self, columns},
};
use crate::{
    backend::{self, Row, Stored, Wanted, Write},
    history::HistoryBytes,
    memory::keep_newest,
};
use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use rusqlite::{CachedStatement, Connection};

const LOAD_SESSION: &str = concat!("SELECT ", columns!(), " FROM sessions WHERE session = ?1");
const LOAD_SUBJECT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions WHERE subject = ?1 AND revoked_at IS NULL"
);
const READ_SESSION: &str = concat!(
    "SELECT ",
    columns!(),
    ", address, agent FROM sessions WHERE session = ?1"
);
const READ_SUBJECT: &str = concat!(
    "SELECT ",
    columns!(),
    ", address, agent FROM sessions WHERE subject = ?1 AND revoked_at IS NULL"
);
const READ_NEXT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM sessions WHERE session > ?1 ORDER BY session LIMIT ?2"
);
#[cfg(feature = "postgres")]
const READ_PAGE: &str = concat!(
    "SELECT ",
    columns!(),
    ", address, agent FROM sessions WHERE session > ?1 ORDER BY session LIMIT ?2"
);
const INSERT: &str = concat!(
    "INSERT INTO sessions (",
    columns!(),
    ", address, agent) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
);
// These two leave alone what a rotation never changes, and with it the index of subjects.
const ROTATE: &str = "UPDATE sessions SET confirmed = ?2, issued = ?3, history = ?4, \
    token_issued_at = ?5, token_expires_at = ?6, owner = ?7, last_seen_at = ?8 WHERE session = ?1";
const TAKE_OVER: &str = "UPDATE sessions SET confirmed = ?2, issued = ?3, history = ?4, \
    token_issued_at = ?5, token_expires_at = ?6, owner = ?7, last_seen_at = ?8, address = ?9, \
    agent = ?10 WHERE session = ?1";
const REVOKE: &str = "UPDATE sessions SET revoked_at = ?2, revoked_reason = ?3 WHERE session = ?1";
const REMOVE: &str = "DELETE FROM sessions WHERE session = ?1";

/// Reads what a batch decides about.
pub(super) fn load(
    connection: &Connection,
    wanted: &Wanted<'_>,
    found: &mut Vec<Stored>,
) -> Result<(), Failure> {
    if !wanted.sessions.is_empty() {
        let mut statement = connection.prepare_cached(LOAD_SESSION)?;
        for session in &wanted.sessions {
            statement.raw_bind_parameter(1, session.as_bytes())?;
            let mut rows = statement.raw_query();
            if let Some(row) = rows.next()? {
                found.push(row::stored(row)?);
            }
        }
    }
    if !wanted.subjects.is_empty() {
        let mut statement = connection.prepare_cached(LOAD_SUBJECT)?;
        for subject in &wanted.subjects {
            let mut rows = statement.query((subject,))?;
            while let Some(row) = rows.next()? {
                found.push(row::stored(row)?);
            }
        }
    }
    Ok(())
}

/// Writes rows.
pub(super) fn store(connection: &Connection, writes: &[Write<'_>]) -> Result<(), Failure> {
    // Found once for all rows: these two are what nearly all of them need.
    let mut rotate = connection.prepare_cached(ROTATE)?;
    let mut take_over = connection.prepare_cached(TAKE_OVER)?;
    for write in writes {
        match write.row {
            Row::Insert { subject, origin } => {
                let mut insert = connection.prepare_cached(INSERT)?;
                bind_rotating(&mut insert, write)?;
                let record = write.record;
                insert.raw_bind_parameter(9, Column(record.created_at))?;
                insert.raw_bind_parameter(10, Column(record.expires_at))?;
                insert.raw_bind_parameter(11, record.revoked.map(|end| Column(end.at)))?;
                insert.raw_bind_parameter(12, record.revoked.map(|end| end.reason.as_str()))?;
                insert.raw_bind_parameter(13, record.key.as_ref().map(|key| &key.0))?;
                insert.raw_bind_parameter(14, subject)?;
                insert.raw_bind_parameter(15, &*origin.address)?;
                insert.raw_bind_parameter(16, &*origin.agent)?;
                expect_one(insert.raw_execute()?)?;
            }
            Row::Update { origin, revoked } => {
                if let Some(origin) = origin {
                    bind_rotating(&mut take_over, write)?;
                    take_over.raw_bind_parameter(9, &*origin.address)?;
                    take_over.raw_bind_parameter(10, &*origin.agent)?;
                    expect_one(take_over.raw_execute()?)?;
                } else {
                    bind_rotating(&mut rotate, write)?;
                    expect_one(rotate.raw_execute()?)?;
                }
                if revoked {
                    let end = write.record.revoked;
                    let at = end.map(|end| Column(end.at));
                    let reason = end.map(|end| end.reason.as_str());
                    let mut revoke = connection.prepare_cached(REVOKE)?;
                    expect_one(revoke.execute((write.session.as_bytes(), at, reason))?)?;
                }
            }
        }
    }
    Ok(())
}

/// Binds the parameters that every statement with a record begins with.
fn bind_rotating(
    statement: &mut CachedStatement<'_>,
    write: &Write<'_>,
) -> Result<(), rusqlite::Error> {
    let record = write.record;
    let history = HistoryBytes::of(&record.history);
    statement.raw_bind_parameter(1, write.session.as_bytes())?;
    statement.raw_bind_parameter(2, Column(record.confirmed))?;
    statement.raw_bind_parameter(3, Column(record.issued))?;
    statement.raw_bind_parameter(4, history.as_slice())?;
    statement.raw_bind_parameter(5, Column(record.token_issued_at))?;
    statement.raw_bind_parameter(6, Column(record.token_expires_at))?;
    statement.raw_bind_parameter(7, record.owner.map(|owner| owner.to_bytes()))?;
    statement.raw_bind_parameter(8, Column(record.last_seen_at))
}

/// A row that was read in this transaction is there to be written.
fn expect_one(written: usize) -> Result<(), Failure> {
    if written == 1 {
        Ok(())
    } else {
        Err(Failure::damaged(RowMissing))
    }
}

/// The session of this name.
pub(super) fn read(
    connection: &Connection,
    wanted: &[SessionId],
) -> Result<Vec<Option<Session>>, Failure> {
    let mut statement = connection.prepare_cached(READ_SESSION)?;
    let mut sessions = Vec::with_capacity(wanted.len());
    for session in wanted {
        let mut rows = statement.query((session.as_bytes(),))?;
        sessions.push(rows.next()?.map(row::session).transpose()?);
    }
    Ok(sessions)
}

/// The live sessions of `subject`, newest seen first, at most `limit` of them.
pub(super) fn list(
    connection: &Connection,
    subject: &str,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Session>, Failure> {
    let mut statement = connection.prepare_cached(READ_SUBJECT)?;
    let mut rows = statement.query((subject,))?;
    let mut sessions = Vec::new();
    while let Some(row) = rows.next()? {
        let session = row::session(row)?;
        if session.record.is_live(now) {
            sessions.push(session);
        }
        // However many there are, no more than twice what is asked for is held.
        if sessions.len() >= limit.saturating_mul(2) {
            keep_newest(&mut sessions, limit);
        }
    }
    keep_newest(&mut sessions, limit);
    Ok(sessions)
}

/// Looks at up to `limit` sessions after `after` and removes those that ended before `before`: how many it removed, and
/// the session that it stopped at if there may be more.
pub(super) fn sweep(
    connection: &Connection,
    after: Option<SessionId>,
    before: Timestamp,
    limit: usize,
) -> Result<(usize, Option<SessionId>), Failure> {
    let after = after.map(|session| *session.as_bytes());
    // The empty name is before every other.
    let after = after.as_ref().map_or(&[][..], |name| &name[..]);
    let mut statement = connection.prepare_cached(READ_NEXT)?;
    let mut rows = statement.query((after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut ended = Vec::new();
    let mut seen = 0;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let name = row::name(row)?;
        match row::stored(row) {
            Ok(stored) if backend::ended_before(&stored.record, before) => ended.push(name),
            Ok(_) => {}
            // It stays, for whoever mends it; the round must not end here for ever.
            Err(cause) => {
                tracing::error!(session = %name, cause = %cause.0, "a session cannot be read")
            }
        }
        seen += 1;
        last = Some(name);
    }
    drop(rows);
    let mut remove = connection.prepare_cached(REMOVE)?;
    for session in &ended {
        remove.execute((session.as_bytes(),))?;
    }
    Ok((ended.len(), last.filter(|_| seen == limit)))
}

/// Up to `limit` sessions after `after`.
#[cfg(feature = "postgres")]
pub(super) fn page(
    connection: &Connection,
    after: Option<SessionId>,
    limit: usize,
) -> Result<Vec<Session>, Failure> {
    let after = after.map(|session| *session.as_bytes());
    // The empty name is before every other.
    let after = after.as_ref().map_or(&[][..], |name| &name[..]);
    let mut statement = connection.prepare_cached(READ_PAGE)?;
    let mut rows = statement.query((after, i64::try_from(limit).unwrap_or(i64::MAX)))?;
    let mut sessions = Vec::with_capacity(limit);
    while let Some(row) = rows.next()? {
        sessions.push(row::session(row)?);
    }
    Ok(sessions)
}

#[derive(Debug, thiserror::Error)]
#[error("a row that was read is not there to be written")]
struct RowMissing;
