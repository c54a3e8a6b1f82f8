//! Which connections this node has, and how to reach one of them.
//!
//! What a session's owner must hear (that it was superseded or revoked) goes to that one connection by its number;
//! no other is looked at.

mod slot;

pub(crate) use slot::Slot;

use crate::random;
use handfast_core::session::{ConnectionId, SessionId};
use handfast_ledger::{Change, Ownership};
use slot::Fate;
use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::Notify;

/// Locks are per shard, so that two connections rarely meet at one.
const SHARDS: usize = 64;

/// All connections of this node.
#[derive(Debug)]
pub(crate) struct Hub {
    node: u64,
    last_number: AtomicU64,
    connections: AtomicUsize,
    /// Woken when there is no connection left.
    emptied: Notify,
    /// Whether the node goes away, so that every connection has to.
    is_going: AtomicBool,
    shards: Box<[Mutex<Shard>]>,
}

/// Some of the connections, by their numbers.
type Shard = HashMap<u64, Arc<Slot>>;

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            node: random::node(),
            last_number: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
            emptied: Notify::new(),
            is_going: AtomicBool::new(false),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// A name for a new connection, and the slot by which it is reached until it is [removed](Self::remove).
    fn add(&self) -> (ConnectionId, Arc<Slot>) {
        let number = self.last_number.fetch_add(1, Ordering::Relaxed);
        let slot = Arc::new(Slot::default());
        self.shard(number).insert(number, Arc::clone(&slot));
        self.connections.fetch_add(1, Ordering::Relaxed);
        // After it can be found: either this sees that the node goes away, or who says so sees the connection.
        if self.is_going.load(Ordering::SeqCst) {
            slot.send_away();
        }
        (
            ConnectionId {
                node: self.node,
                number,
            },
            slot,
        )
    }

    /// The same, for a connection that may yet come to nothing.
    pub(crate) fn seat(self: &Arc<Self>) -> Seat {
        let (connection, slot) = self.add();
        Seat {
            hub: Arc::clone(self),
            connection,
            slot,
            is_taken: false,
        }
    }

    pub(crate) fn remove(&self, connection: ConnectionId) {
        if self
            .shard(connection.number)
            .remove(&connection.number)
            .is_some()
        {
            let before = self.connections.fetch_sub(1, Ordering::Relaxed);
            if before == 1 {
                self.emptied.notify_waiters();
            }
        }
    }

    /// Has every connection go away, those included that are still to come.
    pub(crate) fn go_away(&self) {
        self.is_going.store(true, Ordering::SeqCst);
        for slot in self.slots() {
            slot.send_away();
        }
    }

    /// Waits until there is no connection.
    pub(crate) async fn emptied(&self) {
        loop {
            let mut emptied = pin!(self.emptied.notified());
            emptied.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            emptied.await;
        }
    }

    /// Whether `connection` is on this node and owns `session`.
    pub(crate) fn owns(&self, connection: ConnectionId, session: SessionId) -> bool {
        let slot = self.slot(connection);
        slot.and_then(|slot| slot.session()) == Some(session)
    }

    /// How many connections there are.
    pub(crate) fn count(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// The slots of all connections.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        let shards = self.shards.iter().map(lock);
        shards
            .flat_map(|shard| shard.values().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// Which connections seem to have lost their sessions by these changes of others, each only once.
    pub(crate) fn concerned(&self, changes: &[Change]) -> Vec<Ownership> {
        let mut concerned: Vec<_> = changes
            .iter()
            .flat_map(Change::losers)
            .filter(|loser| self.owns(loser.connection, loser.session))
            .collect();
        concerned.sort_unstable();
        concerned.dedup();
        concerned
    }

    /// All connections that own sessions, or are about to.
    pub(crate) fn ownerships(&self) -> Vec<Ownership> {
        let ownerships = self.shards.iter().flat_map(|shard| {
            let owners = lock(shard);
            let owners = owners.iter().filter_map(|(&number, slot)| {
                let connection = ConnectionId {
                    node: self.node,
                    number,
                };
                let session = slot.session()?;
                Some(Ownership {
                    session,
                    connection,
                })
            });
            owners.collect::<Vec<_>>()
        });
        ownerships.collect()
    }

    /// Whether the ledger has said that the connection owns the session, and it has not lost it since.
    pub(crate) fn is_settled(&self, ownership: Ownership) -> bool {
        let Ownership {
            session,
            connection,
        } = ownership;
        self.slot(connection)
            .is_some_and(|slot| slot.is_settled_on(session))
    }

    /// Has a connection end that owned a session which is not there any more. A session that is only about to be made is
    /// not there yet: this is for those that were [settled](Self::is_settled) before the ledger was asked.
    pub(crate) fn forget(&self, ownership: Ownership) {
        self.tell(ownership.connection, ownership.session, Fate::Forgotten);
    }

    /// Whether a connection of another node has to hear of `change`.
    pub(crate) fn concerns_others(&self, change: &Change) -> bool {
        change
            .losers()
            .any(|loser| loser.connection.node != self.node)
    }

    /// The name of this run of the node.
    pub(crate) fn node(&self) -> u64 {
        self.node
    }

    /// Tells connections what was committed, in the order of the ledger's decisions.
    pub(crate) fn committed(&self, changes: &[Change]) {
        for change in changes {
            if let Some((owner, reason)) = change.ended() {
                self.tell(owner, change.session, Fate::Ended(reason));
            }
            if let Some(former) = change.superseded() {
                self.tell(former, change.session, Fate::Superseded);
            }
            // Whoever got its session back is not superseded any more.
            if change.former_owner.is_some()
                && let Some(owner) = change.owner
            {
                self.recall(owner, change.session);
            }
        }
    }

    fn tell(&self, connection: ConnectionId, session: SessionId, fate: Fate) {
        if let Some(slot) = self.slot(connection) {
            slot.tell(session, fate);
        }
    }

    /// Takes back that `connection` was superseded, if it has not heard of it yet.
    fn recall(&self, connection: ConnectionId, session: SessionId) {
        if let Some(slot) = self.slot(connection) {
            slot.recall(session);
        }
    }

    /// The slot of `connection`, if it is on this node.
    fn slot(&self, connection: ConnectionId) -> Option<Arc<Slot>> {
        if connection.node != self.node {
            return None;
        }
        let shard = self.shard(connection.number);
        shard.get(&connection.number).cloned()
    }

    fn shard(&self, number: u64) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(number).unwrap_or(0) % SHARDS;
        lock(&self.shards[index])
    }
}

/// Nothing that is done under these locks leaves what they guard half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name and a slot for a connection whose upgrade is not done. Dropping it [removes](Hub::remove) them.
#[derive(Debug)]
pub(crate) struct Seat {
    hub: Arc<Hub>,
    connection: ConnectionId,
    slot: Arc<Slot>,
    is_taken: bool,
}

impl Seat {
    pub(crate) fn connection(&self) -> ConnectionId {
        self.connection
    }

    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// Leaves removing them to the connection.
    pub(crate) fn take(mut self) -> (ConnectionId, Arc<Slot>) {
        self.is_taken = true;
        (self.connection, Arc::clone(&self.slot))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if !self.is_taken {
            self.hub.remove(self.connection);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_comes_to_nothing_is_given_up() {
        let hub = Arc::new(Hub::new());
        drop(hub.seat());
        assert_eq!(hub.count(), 0);
        let (connection, _) = hub.seat().take();
        assert_eq!(hub.count(), 1);
        hub.remove(connection);
        assert_eq!(hub.count(), 0);
    }
}
