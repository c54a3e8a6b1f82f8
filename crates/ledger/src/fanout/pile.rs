//! Changes that wait, in bounded room.

use crate::intent::Change;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, time::Instant};

/// The most changes that one pile keeps. When one more comes, all of them are left to the log.
pub const PILE_CHANGES: usize = 16_384;

/// Changes for one reader, who may also have to look at the log of changes. Nobody who adds to it ever waits.
#[derive(Debug, Default)]
pub(super) struct Pile {
    waiting: Mutex<Waiting>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: VecDeque<Change>,
    /// The log says everything that would wait here, so nothing does.
    read_log: bool,
    closed: bool,
    /// Since when something waits.
    since: Option<Instant>,
}

/// What waited.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) changes: Vec<Change>,
    pub(super) read_log: bool,
    /// Since when the oldest of them waited, or something before it.
    pub(super) since: Option<Instant>,
}

impl Pile {
    /// Adds changes; gives how many are left to the log instead.
    pub(super) fn add(&self, changes: &[Change]) -> usize {
        let mut waiting = self.lock();
        let left_to_log = if waiting.closed {
            0
        } else if waiting.read_log {
            changes.len()
        } else if waiting.changes.len() + changes.len() > PILE_CHANGES {
            waiting.read_log = true;
            std::mem::take(&mut waiting.changes).len() + changes.len()
        } else {
            waiting.changes.extend(changes);
            waiting.since.get_or_insert_with(Instant::now);
            0
        };
        drop(waiting);
        self.changed.notify_one();
        left_to_log
    }

    /// Has the reader look at the log, where whatever waits here stands, too.
    pub(super) fn leave_to_log(&self) {
        let mut waiting = self.lock();
        waiting.read_log = true;
        waiting.changes = VecDeque::new();
        drop(waiting);
        self.changed.notify_one();
    }

    /// Nothing will be added, or nothing read.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Waits until it is closed. Only its reader may, in place of taking.
    pub(super) async fn closed(&self) {
        while !self.is_closed() {
            self.changed.notified().await;
        }
    }

    /// Takes up to `limit` changes, oldest first, as soon as there is something; `None` when it is closed and empty.
    pub(super) async fn take(&self, limit: usize) -> Option<Taken> {
        loop {
            // Only one reader waits, and what is added between the look and the wait leaves a permit.
            if let Some(taken) = self.take_now(limit) {
                return Some(taken);
            }
            if self.is_closed() {
                return None;
            }
            self.changed.notified().await;
        }
    }

    fn take_now(&self, limit: usize) -> Option<Taken> {
        let mut waiting = self.lock();
        if waiting.changes.is_empty() && !waiting.read_log {
            return None;
        }
        let count = waiting.changes.len().min(limit);
        let changes = waiting.changes.drain(..count).collect();
        let since = waiting.since;
        if waiting.changes.is_empty() {
            waiting.since = None;
        }
        Some(Taken {
            changes,
            read_log: std::mem::take(&mut waiting.read_log),
            since,
        })
    }

    /// Nothing that is done under the lock leaves it half changed.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast_core::session::SessionId;

    fn changes(count: usize) -> Vec<Change> {
        let change = |number: usize| Change {
            session: SessionId::from_bytes(u128::try_from(number).unwrap().to_be_bytes()),
            owner: None,
            former_owner: None,
            revoked: None,
            by: None,
        };
        (0..count).map(change).collect()
    }

    #[tokio::test]
    async fn what_is_added_is_taken_in_its_order() {
        let pile = Pile::default();
        let all = changes(5);
        assert_eq!(pile.add(&all[..2]) + pile.add(&all[2..]), 0);
        let first = pile.take(3).await.unwrap();
        let second = pile.take(3).await.unwrap();
        assert_eq!([first.changes, second.changes].concat(), all);
        pile.close();
        assert_eq!(pile.take(3).await, None);
    }

    #[tokio::test]
    async fn what_waits_is_taken_though_the_pile_is_closed() {
        let pile = Pile::default();
        pile.add(&changes(1));
        pile.close();
        assert_eq!(pile.take(9).await.unwrap().changes, changes(1));
        assert_eq!(pile.add(&changes(1)), 0);
        assert_eq!(pile.take(9).await, None);
    }

    #[tokio::test]
    async fn more_than_fits_is_left_to_the_log_and_counted() {
        let pile = Pile::default();
        assert_eq!(pile.add(&changes(PILE_CHANGES)), 0);
        assert_eq!(pile.add(&changes(2)), PILE_CHANGES + 2);
        assert_eq!(pile.add(&changes(3)), 3);
        let taken = pile.take(9).await.unwrap();
        assert!(taken.read_log && taken.changes.is_empty());
        pile.add(&changes(4));
        let taken = pile.take(9).await.unwrap();
        assert!(!taken.read_log);
        assert_eq!(taken.changes, changes(4));
    }
}
