//! Which connections this node has, and how to reach one of them.
//!
//! What a session's owner must hear (that it was superseded or revoked) goes to that one connection by its number;
//! no other is looked at.

use crate::random;
use atomic_waker::AtomicWaker;
use handfast_core::{
    connection::Signal,
    session::{ConnectionId, RevocationReason, SessionId},
};
use handfast_ledger::{Change, Ownership};
use std::{
    collections::HashMap,
    mem,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
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
        self.slot(connection, session).is_some()
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
                let session = lock(&slot.post).binding?.session;
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
        let slot = self.slot(connection, session);
        let binding = slot.and_then(|slot| slot.binding_to(session));
        binding.is_some_and(|binding| binding.is_settled)
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
        if let Some(slot) = self.slot(connection, session) {
            slot.tell(session, fate);
        }
    }

    /// Takes back that `connection` was superseded, if it has not heard of it yet.
    fn recall(&self, connection: ConnectionId, session: SessionId) {
        if let Some(slot) = self.slot(connection, session) {
            slot.recall(session);
        }
    }

    /// The slot of `connection`, if it is on this node and owns `session` or is about to.
    fn slot(&self, connection: ConnectionId, session: SessionId) -> Option<Arc<Slot>> {
        if connection.node != self.node {
            return None;
        }
        let shard = self.shard(connection.number);
        let slot = shard.get(&connection.number)?;
        slot.binding_to(session).map(|_| Arc::clone(slot))
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

/// The way to one connection: its session, what it has to hear, and its task's waker.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    post: Mutex<Post>,
    /// Where it stands among those who are woken together.
    place: AtomicU32,
    waker: AtomicWaker,
}

/// What lies there for the connection. One lock guards all of it, so that nothing is said of a session that the connection
/// has left meanwhile.
#[derive(Debug, Default)]
struct Post {
    /// The session that the connection owns, or is about to: a change of another one does not concern it.
    binding: Option<Binding>,
    /// What became of that session, and is not heard yet.
    fate: Option<Fate>,
    /// Whether the connection has to go away, and has not heard it yet.
    goes: bool,
}

#[derive(Clone, Copy, Debug)]
struct Binding {
    session: SessionId,
    /// Whether the ledger has said so.
    is_settled: bool,
}

/// What becomes of a session, as its owner hears it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Another connection owns it.
    Superseded,
    /// It is not there any more.
    Forgotten,
    Ended(RevocationReason),
}

impl Fate {
    /// Of several the gravest is heard.
    const fn gravity(self) -> u8 {
        match self {
            Self::Superseded => 0,
            Self::Forgotten => 1,
            Self::Ended(_) => 2,
        }
    }

    const fn signal(self) -> Signal {
        match self {
            Self::Superseded => Signal::Superseded,
            Self::Forgotten => Signal::Forgotten,
            Self::Ended(reason) => Signal::Ended(reason),
        }
    }
}

impl Slot {
    /// Notes that the connection is about to own `session`. This comes before the ledger is asked, so that whatever the
    /// ledger decides next finds the connection.
    pub(crate) fn bind(&self, session: SessionId) {
        self.own(Some(Binding {
            session,
            is_settled: false,
        }));
    }

    /// Notes that the connection owns `session`, as the ledger has decided.
    pub(crate) fn settle(&self, session: SessionId) {
        self.own(Some(Binding {
            session,
            is_settled: true,
        }));
    }

    /// Notes that the connection owns no session, nor is about to.
    pub(crate) fn leave(&self) {
        self.own(None);
    }

    /// What became of another session is nothing to the connection any more.
    fn own(&self, binding: Option<Binding>) {
        let mut post = lock(&self.post);
        if post.binding.map(|it| it.session) != binding.map(|it| it.session) {
            post.fate = None;
        }
        post.binding = binding;
    }

    fn binding_to(&self, session: SessionId) -> Option<Binding> {
        let binding = lock(&self.post).binding;
        binding.filter(|binding| binding.session == session)
    }

    /// Says what became of `session`, if the connection has not left it, and wakes the connection.
    fn tell(&self, session: SessionId, fate: Fate) {
        let mut post = lock(&self.post);
        if !post.is_about(session) {
            return;
        }
        let graver = |known: Fate| known.gravity() > fate.gravity();
        post.fate = Some(post.fate.filter(|known| graver(*known)).unwrap_or(fate));
        drop(post);
        self.waker.wake();
    }

    /// Takes back that the connection was superseded.
    fn recall(&self, session: SessionId) {
        let mut post = lock(&self.post);
        if post.is_about(session) && post.fate == Some(Fate::Superseded) {
            post.fate = None;
        }
    }

    /// Says that the node goes away, and wakes the connection.
    pub(crate) fn send_away(&self) {
        lock(&self.post).goes = true;
        self.waker.wake();
    }

    /// Takes what there is to hear. To one whose own presentation the ledger `is_deciding` nothing is said yet of another
    /// that took its session over, for it may take it back.
    pub(crate) fn hear(&self, is_deciding: bool) -> Option<Signal> {
        let mut post = lock(&self.post);
        match post.fate {
            Some(Fate::Superseded) if is_deciding => None,
            Some(_) => post.fate.take().map(Fate::signal),
            None => mem::take(&mut post.goes).then(|| Signal::GoingAway {
                reconnect_after: random::below(RECONNECT_AFTER_MAX + 1),
            }),
        }
    }

    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    pub(crate) fn place(&self) -> usize {
        usize::try_from(self.place.load(Ordering::Relaxed)).unwrap_or(usize::MAX)
    }

    /// Notes its place, under the lock of those who are woken together.
    pub(crate) fn set_place(&self, place: usize) {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        self.place.store(place, Ordering::Relaxed);
    }
}

impl Post {
    fn is_about(&self, session: SessionId) -> bool {
        self.binding.is_some_and(|it| it.session == session)
    }
}

/// The longest that a client is told to stay away from a node that is going, in seconds. Each is told another span, so
/// that they do not all come back at once.
const RECONNECT_AFTER_MAX: u64 = 5;

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

    fn session(number: u8) -> SessionId {
        SessionId::from_bytes([number; 16])
    }

    #[test]
    fn what_became_of_a_session_is_not_said_to_whoever_has_left_it() {
        let slot = Slot::default();
        slot.settle(session(1));
        slot.tell(session(1), Fate::Superseded);
        slot.tell(session(2), Fate::Ended(RevocationReason::Logout));
        slot.leave();
        assert_eq!(slot.hear(false), None);
        slot.settle(session(2));
        slot.tell(session(1), Fate::Superseded);
        assert_eq!(slot.hear(false), None);
    }

    #[test]
    fn that_the_node_goes_away_is_heard_once_whatever_becomes_of_the_session() {
        let slot = Slot::default();
        slot.settle(session(1));
        slot.tell(session(1), Fate::Superseded);
        slot.send_away();
        assert_eq!(slot.hear(true), None, "the ledger may give it back");
        slot.recall(session(1));
        assert!(matches!(slot.hear(true), Some(Signal::GoingAway { .. })));
        assert_eq!(slot.hear(false), None);
    }

    #[test]
    fn the_gravest_of_what_became_of_a_session_is_heard_and_cannot_be_recalled() {
        let slot = Slot::default();
        slot.settle(session(1));
        let ended = Fate::Ended(RevocationReason::Admin);
        for fate in [Fate::Superseded, ended, Fate::Superseded, Fate::Forgotten] {
            slot.tell(session(1), fate);
        }
        slot.recall(session(1));
        assert_eq!(slot.hear(true), Some(ended.signal()));
        assert_eq!(slot.hear(true), None);
    }
}
