//! A batch's changes as bytes, and back.
//!
//! A change is a byte that says which connections follow, the code of the reason, the session, and then the owner, the
//! former owner and the connection that caused it, as far as there are any.

use super::{column::Column, fault::Failure};
use crate::{
    intent::{Change, Changes, Cursor},
    ledger::CHANGES_ENTRIES,
};
use handfast_core::{
    session::{ConnectionId, RevocationReason, SessionId},
    time::Timestamp,
};
use rusqlite::Connection;

const APPEND: &str = "INSERT INTO changes (at, entries) VALUES (?1, ?2)";
// Two questions, for SQLite answers each of them from an end of the table, but both at once from all of it.
const ENDS: &str = "SELECT (SELECT min(place) FROM changes), (SELECT max(place) FROM changes)";
const BEHIND: &str = "SELECT place, entries FROM changes WHERE place > ?1 ORDER BY place";
const OLDEST: &str = "SELECT place, at FROM changes ORDER BY place LIMIT ?1";
const FORGET: &str =
    "DELETE FROM changes WHERE place <= ?1 AND place < (SELECT max(place) FROM changes)";

const OWNER: u8 = 1;
const FORMER_OWNER: u8 = 2;
const BY: u8 = 4;

/// Appends what a batch changed.
pub(super) fn append(
    connection: &Connection,
    changes: &[Change],
    now: Timestamp,
) -> Result<(), Failure> {
    for changes in changes.chunks(CHANGES_ENTRIES) {
        let mut bytes = Vec::new();
        for change in changes {
            encode(change, &mut bytes);
        }
        let mut statement = connection.prepare_cached(APPEND)?;
        statement.execute((Column(now), bytes))?;
    }
    Ok(())
}

/// What there is behind `cursor`: whole rows, until they make up `limit` changes.
pub(super) fn since(
    connection: &Connection,
    cursor: Cursor,
    limit: usize,
) -> Result<Changes, Failure> {
    let mut ends = connection.prepare_cached(ENDS)?;
    let (first, last): (Option<Column<u64>>, Option<Column<u64>>) =
        ends.query_row((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let last = last.map_or(0, |Column(last)| last);
    let known = first.map_or(0, |Column(first)| first.saturating_sub(1))..=last;
    let mut answer = Changes {
        cursor: Cursor(last),
        changes: Vec::new(),
        complete: cursor == Cursor::END || known.contains(&cursor.0),
        more: false,
    };
    if cursor.0 >= last || !answer.complete {
        return Ok(answer);
    }
    let mut behind = connection.prepare_cached(BEHIND)?;
    let mut rows = behind.query((Column(cursor.0),))?;
    while answer.changes.len() < limit {
        let Some(row) = rows.next()? else {
            break;
        };
        let Column(place) = row.get(0)?;
        answer.cursor = Cursor(place);
        decode(row.get_ref(1)?.as_blob()?, &mut answer.changes)?;
    }
    answer.more = answer.cursor.0 < last;
    Ok(answer)
}

/// Removes up to `limit` rows from before `before`, oldest first; whether there may be more. A row is kept if one before
/// it is, even where a clock that jumped made it look older.
pub(super) fn forget(
    connection: &Connection,
    before: Timestamp,
    limit: usize,
) -> Result<bool, Failure> {
    let mut oldest = connection.prepare_cached(OLDEST)?;
    let mut rows = oldest.query((i64::try_from(limit).unwrap_or(i64::MAX),))?;
    let mut last: Option<i64> = None;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let Column(at): Column<Timestamp> = row.get(1)?;
        if at >= before {
            break;
        }
        last = Some(row.get(0)?);
        seen += 1;
    }
    drop(rows);
    if let Some(last) = last {
        connection.prepare_cached(FORGET)?.execute((last,))?;
    }
    Ok(seen == limit)
}

/// Appends `change` to `bytes`.
fn encode(change: &Change, bytes: &mut Vec<u8>) {
    let Change {
        session,
        owner,
        former_owner,
        revoked,
        by,
    } = *change;
    let connections = [(OWNER, owner), (FORMER_OWNER, former_owner), (BY, by)];
    let present = connections
        .iter()
        .filter(|(_, connection)| connection.is_some());
    let follows = present.fold(0, |follows, (flag, _)| follows | flag);
    bytes.extend([follows, revoked.map_or(0, code)]);
    bytes.extend(session.as_bytes());
    for connection in connections
        .into_iter()
        .filter_map(|(_, connection)| connection)
    {
        bytes.extend(connection.to_bytes());
    }
}

/// The number of a reason in the log, which is not to change; 0 is none.
const fn code(reason: RevocationReason) -> u8 {
    match reason {
        RevocationReason::Logout => 1,
        RevocationReason::Reused => 2,
        RevocationReason::Admin => 3,
        RevocationReason::PasswordChanged => 4,
        RevocationReason::Limit => 5,
    }
}

/// The reason of number `number`, or the absence of one; `None` where no reason has that number.
fn reason(number: u8) -> Option<Option<RevocationReason>> {
    if number == 0 {
        return Some(None);
    }
    let mut reasons = RevocationReason::ALL.into_iter();
    reasons.find(|&reason| code(reason) == number).map(Some)
}

/// The changes in `bytes`.
fn decode(bytes: &[u8], changes: &mut Vec<Change>) -> Result<(), Failure> {
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        let change = reader.change().ok_or_else(|| Failure::damaged(NotALog))?;
        changes.push(change);
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn change(&mut self) -> Option<Change> {
        let [follows, number] = self.take()?;
        let revoked = reason(number)?;
        let session = SessionId::from_bytes(self.take()?);
        let mut connection = |flag| {
            if follows & flag == 0 {
                Some(None)
            } else {
                self.take().map(ConnectionId::from_bytes).map(Some)
            }
        };
        Some(Change {
            session,
            owner: connection(OWNER)?,
            former_owner: connection(FORMER_OWNER)?,
            revoked,
            by: connection(BY)?,
        })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the log of changes holds what is no change")]
struct NotALog;
