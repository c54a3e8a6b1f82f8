//! The reference: a ledger that lives as long as the process.

use crate::{
    backend::{Access, Backend, Durability, Row, Stored, Transaction, Wanted, Write, ended_before},
    error::StorageError,
    intent::{Change, Changes, Cursor, Origin, Swept},
};
use handfast_core::{
    session::{Session, SessionId},
    time::Timestamp,
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
    fmt,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Sessions in memory. Clones share them, as two nodes share a database.
#[derive(Clone, Default)]
pub struct Memory {
    rows: Arc<Mutex<Rows>>,
}

#[derive(Clone, Default)]
struct Rows {
    sessions: BTreeMap<SessionId, Session>,
    log: VecDeque<Logged>,
    /// How many changes were before those in the log.
    forgotten: u64,
    swept_to: Option<SessionId>,
}

#[derive(Clone, Copy)]
struct Logged {
    at: Timestamp,
    change: Change,
}

/// A transaction on [`Memory`]: what it wrote is undone unless it is committed.
pub struct MemoryTransaction<'a> {
    rows: MutexGuard<'a, Rows>,
    undo: Vec<(SessionId, Option<Session>)>,
    appended: usize,
    swept_to: Option<SessionId>,
    /// The commit forgets what the log holds from before this.
    forget_before: Option<Timestamp>,
}

impl Memory {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What it holds now, apart from it: a backup.
    #[must_use]
    pub fn backup(&self) -> Self {
        Self {
            rows: Arc::new(Mutex::new(self.rows().clone())),
        }
    }

    /// Holds from now on what `backup` does. What was committed since that was made is lost.
    pub fn restore(&self, backup: &Self) {
        let rows = backup.rows().clone();
        *self.rows() = rows;
    }

    /// A thread that panicked with this lock held left its transaction to be undone by its drop.
    fn rows(&self) -> MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backend for Memory {
    type Transaction<'a> = MemoryTransaction<'a>;

    fn begin(&mut self, _: Access) -> Result<MemoryTransaction<'_>, StorageError> {
        let rows = self.rows();
        Ok(MemoryTransaction {
            swept_to: rows.swept_to,
            rows,
            undo: Vec::new(),
            appended: 0,
            forget_before: None,
        })
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn load(&mut self, wanted: &Wanted<'_>, found: &mut Vec<Stored>) -> Result<(), StorageError> {
        let sessions = &self.rows.sessions;
        let named = wanted.sessions.iter().filter_map(|name| sessions.get(name));
        found.extend(named.map(stored));
        if !wanted.subjects.is_empty() {
            let unrevoked = sessions.values().filter(|row| row.record.revoked.is_none());
            let owned = unrevoked.filter(|row| wanted.subjects.contains(&&*row.subject));
            found.extend(owned.map(stored));
        }
        Ok(())
    }

    fn store(
        &mut self,
        writes: &[Write<'_>],
        changes: &[Change],
        now: Timestamp,
    ) -> Result<(), StorageError> {
        for write in writes {
            let former = self.rows.sessions.get(&write.session).cloned();
            if let Some(session) = written(write, former.as_ref()) {
                self.rows.sessions.insert(write.session, session);
                self.undo.push((write.session, former));
            }
        }
        let logged = changes.iter().map(|&change| Logged { at: now, change });
        self.rows.log.extend(logged);
        self.appended += changes.len();
        Ok(())
    }

    fn sessions(&mut self, wanted: &[SessionId]) -> Result<Vec<Option<Session>>, StorageError> {
        let sessions = wanted.iter().map(|name| self.rows.sessions.get(name));
        Ok(sessions.map(Option::<&Session>::cloned).collect())
    }

    fn list(
        &mut self,
        subjects: &[&str],
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Vec<Session>>, StorageError> {
        let list = |&subject: &&str| {
            let sessions = self.rows.sessions.values();
            let live = sessions
                .filter(|session| &*session.subject == subject && session.record.is_live(now));
            let mut live: Vec<_> = live.cloned().collect();
            keep_newest(&mut live, limit);
            live
        };
        Ok(subjects.iter().map(list).collect())
    }

    fn changes_since(&mut self, cursor: Cursor, limit: usize) -> Result<Changes, StorageError> {
        let end = self.rows.forgotten + len(self.rows.log.len());
        let from = if cursor == Cursor::END { end } else { cursor.0 };
        let complete = (self.rows.forgotten..=end).contains(&from);
        let from = if complete { from } else { end };
        let skipped = usize::try_from(from - self.rows.forgotten).unwrap_or(usize::MAX);
        let log = self.rows.log.iter().skip(skipped).take(limit);
        let changes: Vec<_> = log.map(|logged| logged.change).collect();
        let cursor = from + len(changes.len());
        Ok(Changes {
            cursor: Cursor(cursor),
            changes,
            complete,
            more: cursor < end,
        })
    }

    fn sweep(&mut self, before: Timestamp, limit: usize) -> Result<Swept, StorageError> {
        let after = self.swept_to.map_or(Bound::Unbounded, Bound::Excluded);
        let seen = self
            .rows
            .sessions
            .range((after, Bound::Unbounded))
            .take(limit);
        let seen: Vec<_> = seen
            .map(|(&name, session)| (name, ended_before(&session.record, before)))
            .collect();
        let round_complete = seen.len() < limit;
        self.swept_to = seen
            .last()
            .map(|&(name, _)| name)
            .filter(|_| !round_complete);
        let mut removed = 0;
        for (name, _) in seen.into_iter().filter(|&(_, ended)| ended) {
            self.undo.push((name, self.rows.sessions.remove(&name)));
            removed += 1;
        }
        self.forget_before = self.forget_before.max(Some(before));
        Ok(Swept {
            sessions: removed,
            round_complete,
            log_is_long: false,
        })
    }

    fn touch(&mut self) -> Result<(), StorageError> {
        Ok(())
    }

    fn commit(mut self) -> Result<Durability, StorageError> {
        self.undo.clear();
        self.appended = 0;
        self.rows.swept_to = self.swept_to;
        let forget_before = self.forget_before.unwrap_or_default();
        while self
            .rows
            .log
            .pop_front_if(|logged| logged.at < forget_before)
            .is_some()
        {
            self.rows.forgotten += 1;
        }
        Ok(Durability::Reached)
    }
}

impl Drop for MemoryTransaction<'_> {
    fn drop(&mut self) {
        let kept = self.rows.log.len() - self.appended;
        self.rows.log.truncate(kept);
        for (name, former) in self.undo.drain(..).rev() {
            match former {
                Some(session) => self.rows.sessions.insert(name, session),
                None => self.rows.sessions.remove(&name),
            };
        }
    }
}

fn stored(row: &Session) -> Stored {
    Stored {
        session: row.session,
        subject: row.subject.clone(),
        record: row.record,
    }
}

/// The row after `write`, where it was `former` before.
fn written(write: &Write<'_>, former: Option<&Session>) -> Option<Session> {
    let Write {
        session, record, ..
    } = *write;
    let (subject, origin) = match write.row {
        Row::Insert { subject, origin } => (subject, origin.clone()),
        Row::Update { origin, .. } => {
            let former = former?;
            let stored = || Origin {
                address: former.address.clone(),
                agent: former.agent.clone(),
            };
            (&*former.subject, origin.cloned().unwrap_or_else(stored))
        }
    };
    Some(Session {
        session,
        subject: subject.into(),
        address: origin.address,
        agent: origin.agent,
        record: *record,
    })
}

/// Leaves the `limit` newest seen of `sessions`, in the order of [`Transaction::list`].
pub(crate) fn keep_newest(sessions: &mut Vec<Session>, limit: usize) {
    sessions.sort_unstable_by_key(newest_seen_first);
    sessions.truncate(limit);
}

fn newest_seen_first(session: &Session) -> impl Ord + use<> {
    let record = &session.record;
    Reverse((record.last_seen_at, record.created_at, session.session))
}

fn len(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl fmt::Debug for MemoryTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransaction").finish_non_exhaustive()
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}
