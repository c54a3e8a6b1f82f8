//! The log of changes.
//!
//! Commits become visible in another order than that in which anything could have been numbered before them, so a
//! reader that goes by such numbers misses changes. Therefore a batch only leaves its changes among the arrivals, and
//! whoever reads the log first gives all arrivals that are visible by then the next places. A lock lets one do that at
//! a time; it keeps no batch from committing. Whatever becomes visible later gets a later place.

use super::{
    column::{Array, Raw, number, signed, time},
    fault::Failure,
    line::Line,
    schema::LOCKS,
};
use crate::{
    encoding,
    intent::{Change, Changes, Cursor},
    ledger::CHANGES_ENTRIES,
};
use handfast_core::time::Timestamp;
use tokio_postgres::{Row, types::ToSql};

/// The lock of who gives places.
pub(super) const PLACES_LOCK: i32 = i32::from_be_bytes(*b"HFlg");
/// How many arrivals are given places at once.
const ARRIVALS: usize = 4_096;

/// How many bits of a cursor are the mark of its place; the others are the place.
const MARK_BITS: u32 = 24;

pub(super) const APPEND: &str = "INSERT INTO handfast.arrivals (at, changes, entries) \
    SELECT $1::bigint, changes, entries FROM unnest($2::bigint[], $3::bytea[]) AS n (changes, entries)";
/// An arrival that became visible was committed after every change that it built on, and numbered after it.
pub(super) const PLACE: &str = "WITH \
    moved AS (DELETE FROM handfast.arrivals WHERE id = ANY (ARRAY( \
        SELECT id FROM handfast.arrivals ORDER BY id LIMIT $1::bigint)) RETURNING *), \
    marked AS MATERIALIZED (SELECT row_number() OVER (ORDER BY id) AS step, \
        floor(random() * 16777216)::integer AS mark, at, changes, entries FROM moved), \
    last AS MATERIALIZED (SELECT place, mark FROM handfast.changes ORDER BY place DESC LIMIT 1) \
    INSERT INTO handfast.changes (place, mark, follows, at, changes, entries) \
    SELECT coalesce((SELECT place FROM last), 0) + step, mark, \
        lag(mark, 1, coalesce((SELECT mark FROM last), 0)) OVER (ORDER BY step), at, changes, entries \
    FROM marked";
/// The last place and its mark, and what the row behind a place knows of its mark.
pub(super) const LOOK: &str = "SELECT last.place, last.mark, \
        (SELECT follows FROM handfast.changes WHERE place = $1::bigint + 1) \
    FROM (SELECT 1) AS one LEFT JOIN \
        (SELECT place, mark FROM handfast.changes ORDER BY place DESC LIMIT 1) AS last ON true";
/// Whole rows behind a place, until they make up enough changes.
pub(super) const BEHIND: &str = "SELECT place, mark, entries FROM \
        (SELECT place, mark, entries, sum(changes) OVER (ORDER BY place) - changes AS before FROM \
            (SELECT * FROM handfast.changes WHERE place > $1::bigint ORDER BY place LIMIT $2::bigint) AS next) AS counted \
    WHERE before < $2::bigint ORDER BY place";
pub(super) const OLDEST: &str =
    "SELECT place, at FROM handfast.changes ORDER BY place LIMIT $1::bigint";
pub(super) const FORGET: &str = "DELETE FROM handfast.changes \
    WHERE place <= $1::bigint AND place < (SELECT max(place) FROM handfast.changes)";

/// What a batch changed, as parameters.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    at: i64,
    changes: Array,
    entries: Array,
}

impl Arrivals {
    pub(super) fn push(&mut self, changes: &[Change], now: Timestamp) {
        self.at = signed(now.as_unix());
        let mut bytes = Vec::new();
        for changes in changes.chunks(CHANGES_ENTRIES) {
            bytes.clear();
            for change in changes {
                encoding::encode(change, &mut bytes);
            }
            self.changes
                .push_number(u64::try_from(changes.len()).unwrap_or(u64::MAX));
            self.entries.push(&bytes);
        }
    }

    pub(super) async fn append(&self, line: &Line) -> Result<(), Failure> {
        if self.changes.is_empty() {
            return Ok(());
        }
        line.execute(
            &line.statements.append,
            &[&self.at, &self.changes, &self.entries],
        )
        .await?;
        Ok(())
    }
}

/// Gives arrivals their places, after whoever is about to; whether it left some. The transaction must be committed for
/// that to count.
pub(super) async fn give_places(line: &Line) -> Result<bool, Failure> {
    let lock = format!("SELECT pg_advisory_xact_lock({LOCKS}, {PLACES_LOCK})");
    let limit = rows(ARRIVALS);
    let parameters: [&(dyn ToSql + Sync); 1] = [&limit];
    let (_, placed) = tokio::try_join!(
        biased;
        line.run(&lock),
        line.execute(&line.statements.place, &parameters),
    )?;
    Ok(signed(placed) >= limit)
}

/// What there is behind `cursor`: whole rows, until they make up `limit` changes.
pub(super) async fn since(line: &Line, cursor: Cursor, limit: usize) -> Result<Changes, Failure> {
    let asked = Place::of(cursor);
    let after = signed(asked.number);
    let limit = rows(limit);
    let parameters: [&(dyn ToSql + Sync); 2] = [&after, &limit];
    let (left, looked, behind) = tokio::try_join!(
        biased;
        give_places(line),
        line.query(&line.statements.look, &parameters[..1]),
        line.query(&line.statements.behind, &parameters),
    )?;
    let look = looked.first().ok_or_else(|| Failure::damaged(NotALog))?;
    let last = Place::last(look)?;
    let complete = cursor == Cursor::END || asked.is_known(last, look)?;
    let mut answer = Changes {
        cursor: last.cursor(),
        changes: Vec::new(),
        complete,
        more: left,
    };
    if !complete || asked.number >= last.number {
        return Ok(answer);
    }
    for row in &behind {
        let Raw(entries) = row.try_get(2)?;
        encoding::decode(entries, &mut answer.changes).map_err(Failure::damaged)?;
    }
    if let Some(row) = behind.last() {
        let read_to = Place::in_row(row)?;
        answer.cursor = read_to.cursor();
        answer.more |= read_to.number < last.number;
    }
    Ok(answer)
}

/// Looks for up to `limit` rows from before `before`, oldest first: the last of them, and whether there may be more. A
/// row is kept if one before it is, even where a clock that jumped made it look older.
pub(super) async fn oldest(
    line: &Line,
    before: Timestamp,
    limit: usize,
) -> Result<(Option<u64>, bool), Failure> {
    let found = line.query(&line.statements.oldest, &[&rows(limit)]).await?;
    let mut last = None;
    let mut seen = 0;
    for row in &found {
        if time(row, 1)? >= before {
            break;
        }
        last = Some(number(row, 0)?);
        seen += 1;
    }
    Ok((last, seen == limit))
}

/// Removes the rows up to place `last`.
pub(super) async fn forget(line: &Line, last: Option<u64>) -> Result<(), Failure> {
    if let Some(last) = last {
        line.execute(&line.statements.forget, &[&signed(last)])
            .await?;
    }
    Ok(())
}

/// A place in the log, and the mark by which it is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    number: u64,
    mark: u64,
}

impl Place {
    fn of(cursor: Cursor) -> Self {
        Self {
            number: cursor.0 >> MARK_BITS,
            mark: cursor.0 & ((1 << MARK_BITS) - 1),
        }
    }

    fn cursor(self) -> Cursor {
        Cursor(self.number << MARK_BITS | self.mark)
    }

    /// The last place; 0, with mark 0, where nothing was ever logged.
    fn last(look: &Row) -> Result<Self, Failure> {
        let number: Option<i64> = look.try_get(0)?;
        let mark: Option<i32> = look.try_get(1)?;
        Self::from_columns(number.unwrap_or_default(), mark.unwrap_or_default())
    }

    fn in_row(row: &Row) -> Result<Self, Failure> {
        Self::from_columns(row.try_get(0)?, row.try_get(1)?)
    }

    fn from_columns(number: i64, mark: i32) -> Result<Self, Failure> {
        let damaged = |_| Failure::damaged(NotALog);
        Ok(Self {
            number: u64::try_from(number).map_err(damaged)?,
            mark: u64::try_from(mark).map_err(damaged)?,
        })
    }

    /// Whether the log still holds all that is behind this place, and is the one that this place was in.
    fn is_known(self, last: Self, look: &Row) -> Result<bool, Failure> {
        if self.number >= last.number {
            return Ok(self == last);
        }
        let follows: Option<i32> = look.try_get(2)?;
        Ok(follows.is_some_and(|mark| u64::try_from(mark) == Ok(self.mark)))
    }
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

#[derive(Debug, thiserror::Error)]
#[error("the log of changes holds what is no change")]
struct NotALog;
