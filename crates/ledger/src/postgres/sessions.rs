//! The rows of sessions.
//!
//! `= ANY (ARRAY[…])` is an equality that the planner can answer by looking a row up, and in no other way.

use super::{
    column::{Array, Raw, number, signed},
    fault::Failure,
    line::Line,
    log::PLACES_LOCK,
    row::{self, Rotated, columns},
    schema::{LOCKS, MIGRATION_LOCK},
};
use crate::{
    backend::{self, Row, Stored, Wanted, Write},
    error::{StorageError, StorageFault},
    memory::keep_newest,
};
use futures_util::TryStreamExt as _;
use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use std::{collections::HashMap, pin::pin};
use tokio_postgres::types::ToSql;

/// One lock for each subject, in the order of their numbers, which is the same on every node. Two subjects may share a
/// number, and then wait for each other; none has the number of another lock of ours ($3), for which a batch may wait
/// that holds what whoever has that lock waits for. Names with any number are found within a minute.
pub(super) const LOCK_SUBJECTS: &str = "SELECT pg_advisory_xact_lock($1::integer, number) FROM \
    (SELECT DISTINCT CASE WHEN hash = ANY ($3::integer[]) THEN 0 ELSE hash END AS number \
        FROM (SELECT hashtext(subject) AS hash FROM unnest($2::text[]) AS subject) AS hashes \
        ORDER BY number) AS numbers";
/// The numbers that subjects do not get.
pub(super) const RESERVED: [i32; 2] = [PLACES_LOCK, MIGRATION_LOCK];
pub(super) const LOAD: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM handfast.sessions WHERE session = ANY ($1::uuid[]) ORDER BY session FOR UPDATE"
);
pub(super) const LOAD_WITH_SUBJECTS: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM handfast.sessions WHERE session = ANY ($1::uuid[]) \
     OR (subject = ANY ($2::text[]) AND revoked_at IS NULL) ORDER BY session FOR UPDATE"
);
pub(super) const UPDATE: &str = "UPDATE handfast.sessions AS s SET \
    confirmed = n.confirmed, issued = n.issued, history = n.history, \
    token_issued_at = n.token_issued_at, token_expires_at = n.token_expires_at, owner = n.owner, \
    last_seen_at = n.last_seen_at, revoked_at = n.revoked_at, revoked_reason = n.revoked_reason, \
    address = coalesce(n.address, s.address), agent = coalesce(n.agent, s.agent) \
    FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], \
        $7::uuid[], $8::bigint[], $9::bigint[], $10::text[], $11::text[], $12::text[]) \
    AS n (session, confirmed, issued, history, token_issued_at, token_expires_at, owner, \
        last_seen_at, revoked_at, revoked_reason, address, agent) \
    WHERE s.session = ANY (ARRAY[n.session])";
pub(super) const INSERT: &str = "INSERT INTO handfast.sessions (session, confirmed, issued, history, \
    token_issued_at, token_expires_at, owner, last_seen_at, revoked_at, revoked_reason, \
    created_at, expires_at, key, subject, address, agent) \
    SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bigint[], \
        $6::bigint[], $7::uuid[], $8::bigint[], $9::bigint[], $10::text[], \
        $11::bigint[], $12::bigint[], $13::bytea[], $14::text[], $15::text[], $16::text[])";
pub(super) const READ_SESSIONS: &str = concat!(
    "SELECT ",
    columns!(),
    ", address, agent FROM handfast.sessions WHERE session = ANY ($1::uuid[])"
);
pub(super) const READ_SUBJECTS: &str = concat!(
    "SELECT ",
    columns!(),
    ", address, agent FROM handfast.sessions \
     WHERE subject = ANY ($1::text[]) AND revoked_at IS NULL"
);
pub(super) const READ_NEXT: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM handfast.sessions WHERE session >= $1::uuid ORDER BY session LIMIT $2::bigint"
);
/// Only what is still as it was read, and waits for nobody.
/// However wrong the clock of the node that sweeps is, what lives by the database's stays: it is everybody's.
pub(super) const REMOVE: &str = "DELETE FROM handfast.sessions WHERE session = ANY (ARRAY( \
    SELECT s.session FROM handfast.sessions AS s, \
        unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (session, issued, token_expires_at) \
    WHERE s.session = ANY (ARRAY[n.session]) AND s.issued = n.issued \
        AND s.token_expires_at = n.token_expires_at \
        AND (s.revoked_at IS NOT NULL \
            OR least(s.token_expires_at, s.expires_at) < extract(epoch FROM clock_timestamp())) \
    FOR UPDATE OF s SKIP LOCKED))";

/// Keeps other nodes from deciding about the subjects that this batch decides about.
pub(super) async fn lock_subjects(line: &Line, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let mut subjects = Array::default();
    for subject in wanted.subjects.iter().chain(&wanted.joined) {
        subjects.push(subject.as_bytes());
    }
    if subjects.is_empty() {
        return Ok(());
    }
    let parameters: [&(dyn ToSql + Sync); 3] = [&LOCKS, &subjects, &&RESERVED[..]];
    line.query(&line.statements.lock_subjects, &parameters)
        .await?;
    Ok(())
}

/// Reads and locks what a batch decides about.
pub(super) async fn load(
    line: &Line,
    wanted: &Wanted<'_>,
) -> Result<Vec<tokio_postgres::Row>, Failure> {
    let sessions = names(&wanted.sessions);
    if wanted.subjects.is_empty() {
        return line.query(&line.statements.load, &[&sessions]).await;
    }
    let mut subjects = Array::default();
    for subject in &wanted.subjects {
        subjects.push(subject.as_bytes());
    }
    let statement = &line.statements.load_with_subjects;
    line.query(statement, &[&sessions, &subjects]).await
}

/// Reads sessions without locking them.
pub(super) async fn look_up(line: &Line, wanted: &[SessionId]) -> Result<Vec<Stored>, Failure> {
    let statement = &line.statements.read_sessions;
    let rows = line.query(statement, &[&names(wanted)]).await?;
    rows.iter().map(row::stored).collect()
}

fn names(sessions: &[SessionId]) -> Array {
    let mut names = Array::default();
    for session in sessions {
        names.push(session.as_bytes());
    }
    names
}

/// Rows to be written, as parameters.
#[derive(Debug, Default)]
pub(super) struct Writes {
    updated: Rotated,
    new_address: Array,
    new_agent: Array,
    inserted: Rotated,
    created_at: Array,
    expires_at: Array,
    key: Array,
    subject: Array,
    address: Array,
    agent: Array,
}

impl Writes {
    pub(super) fn push(&mut self, write: &Write<'_>) {
        match write.row {
            Row::Insert { subject, origin } => {
                let record = write.record;
                self.inserted.push(write);
                self.created_at.push_number(record.created_at.as_unix());
                self.expires_at.push_number(record.expires_at.as_unix());
                let key = record.key.as_ref().map(|key| key.0.as_slice());
                self.key.push_or_null(key);
                self.subject.push(subject.as_bytes());
                self.address.push_text(&origin.address);
                self.agent.push_text(&origin.agent);
            }
            Row::Update { origin, .. } => {
                self.updated.push(write);
                match origin {
                    Some(origin) => {
                        self.new_address.push_text(&origin.address);
                        self.new_agent.push_text(&origin.agent);
                    }
                    None => {
                        self.new_address.push_null();
                        self.new_agent.push_null();
                    }
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.updated.session.is_empty() && self.inserted.session.is_empty()
    }

    pub(super) async fn update(&self, line: &Line) -> Result<(), Failure> {
        if self.updated.session.is_empty() {
            return Ok(());
        }
        let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(12);
        parameters.extend(self.updated.parameters());
        parameters.extend::<[&(dyn ToSql + Sync); 2]>([&self.new_address, &self.new_agent]);
        let written = line.execute(&line.statements.update, &parameters).await?;
        // Rows that are locked cannot go.
        expect(written, self.updated.session.len())
    }

    pub(super) async fn insert(&self, line: &Line) -> Result<(), Failure> {
        if self.inserted.session.is_empty() {
            return Ok(());
        }
        let mut parameters: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(16);
        parameters.extend(self.inserted.parameters());
        parameters.extend::<[&(dyn ToSql + Sync); 6]>([
            &self.created_at,
            &self.expires_at,
            &self.key,
            &self.subject,
            &self.address,
            &self.agent,
        ]);
        let written = line.execute(&line.statements.insert, &parameters).await?;
        expect(written, self.inserted.session.len())
    }
}

fn expect(written: u64, wanted: u64) -> Result<(), Failure> {
    if written == wanted {
        Ok(())
    } else {
        // The commit is on its way already.
        Err(Failure {
            cause: StorageError::new(StorageFault::InDoubt, RowMissing),
            is_an_answer: true,
        })
    }
}

/// The sessions of these names.
pub(super) async fn read(
    line: &Line,
    wanted: &[SessionId],
) -> Result<Vec<Option<Session>>, Failure> {
    let rows = line
        .query(&line.statements.read_sessions, &[&names(wanted)])
        .await?;
    let mut found = HashMap::with_capacity(rows.len());
    for row in &rows {
        let session = row::session(row)?;
        found.insert(session.session, session);
    }
    Ok(wanted.iter().map(|name| found.get(name).cloned()).collect())
}

/// For each subject its live sessions, newest seen first, at most `limit` of them.
pub(super) async fn list(
    line: &Line,
    subjects: &[&str],
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Vec<Session>>, Failure> {
    let mut wanted = Array::default();
    let mut found: HashMap<&str, Vec<Session>> = HashMap::new();
    for subject in subjects {
        if found.insert(subject, Vec::new()).is_none() {
            wanted.push(subject.as_bytes());
        }
    }
    let parameters = [&wanted];
    let rows = line
        .client
        .query_raw(&line.statements.read_subjects, parameters)
        .await?;
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await? {
        let session = row::session(&row)?;
        let Some(sessions) = found.get_mut(&*session.subject) else {
            continue;
        };
        if session.record.is_live(now) {
            sessions.push(session);
        }
        // However many there are, no more than twice what is asked for is held.
        if sessions.len() >= limit.saturating_mul(2) {
            keep_newest(sessions, limit);
        }
    }
    for sessions in found.values_mut() {
        keep_newest(sessions, limit);
    }
    let lists = subjects.iter().map(|subject| found.get(subject).cloned());
    Ok(lists.map(Option::unwrap_or_default).collect())
}

/// What a sweep found among the next sessions.
pub(super) struct Ended {
    session: Array,
    issued: Array,
    token_expires_at: Array,
    /// Where the next sweep begins, if the round is not over.
    pub(super) stopped_before: Option<SessionId>,
}

/// Looks at up to `limit` sessions from `first` on for those that ended before `before`.
pub(super) async fn next(
    line: &Line,
    first: Option<SessionId>,
    before: Timestamp,
    limit: usize,
) -> Result<Ended, Failure> {
    let first = first.map_or([0; 16], |session| *session.as_bytes());
    let limit_rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = line
        .query(&line.statements.read_next, &[&Raw(&first), &limit_rows])
        .await?;
    let mut ended = Ended {
        session: Array::default(),
        issued: Array::default(),
        token_expires_at: Array::default(),
        stopped_before: None,
    };
    for row in &rows {
        let name = row::name(row)?;
        match row::stored(row) {
            Ok(stored) if backend::ended_before(&stored.record, before) => {
                ended.session.push(name.as_bytes());
                ended.issued.push(&signed(number(row, 2)?).to_be_bytes());
                ended
                    .token_expires_at
                    .push(&signed(number(row, 5)?).to_be_bytes());
            }
            Ok(_) => {}
            // It stays, for whoever mends it; the round must not end here for ever.
            Err(failure) => {
                tracing::error!(session = %name, cause = %failure.cause, "a session cannot be read");
            }
        }
    }
    if rows.len() == limit
        && let Some(row) = rows.last()
    {
        let last = u128::from_be_bytes(*row::name(row)?.as_bytes());
        let next = last.checked_add(1);
        ended.stopped_before = next.map(|next| SessionId::from_bytes(next.to_be_bytes()));
    }
    Ok(ended)
}

/// Removes what [`next`] found; gives how many it removed.
pub(super) async fn remove(line: &Line, ended: &Ended) -> Result<usize, Failure> {
    if ended.session.is_empty() {
        return Ok(0);
    }
    let parameters: [&(dyn ToSql + Sync); 3] =
        [&ended.session, &ended.issued, &ended.token_expires_at];
    let removed = line.execute(&line.statements.remove, &parameters).await?;
    Ok(usize::try_from(removed).unwrap_or(usize::MAX))
}

#[derive(Debug, thiserror::Error)]
#[error("a row that was read is not there to be written")]
struct RowMissing;
