//! The log of changes: a batch is a row.

use super::{column::Column, fault::Failure};
use crate::{
    encoding::{decode, encode},
    intent::{Change, Changes, Cursor},
    ledger::CHANGES_ENTRIES,
};
use handfast_core::time::Timestamp;
use rusqlite::Connection;

const APPEND: &str = "INSERT INTO changes (at, entries) VALUES (?1, ?2)";
// Two questions, for SQLite answers each of them from an end of the table, but both at once from all of it.
const ENDS: &str = "SELECT (SELECT min(place) FROM changes), (SELECT max(place) FROM changes)";
const BEHIND: &str = "SELECT place, entries FROM changes WHERE place > ?1 ORDER BY place";
const OLDEST: &str = "SELECT place, at FROM changes ORDER BY place LIMIT ?1";
const FORGET: &str =
    "DELETE FROM changes WHERE place <= ?1 AND place < (SELECT max(place) FROM changes)";

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
        let entries = row.get_ref(1)?.as_blob()?;
        decode(entries, &mut answer.changes).map_err(Failure::damaged)?;
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
