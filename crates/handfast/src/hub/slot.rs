//! What a connection has to hear, and how it is woken.

use super::lock;
use crate::random;
use atomic_waker::AtomicWaker;
use handfast_core::{
    connection::Signal,
    session::{RevocationReason, SessionId},
};
use std::{
    mem,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    task::Waker,
};

/// The longest that a client is told to stay away from a node that is going, in seconds. Each is told another span, so
/// that they do not all come back at once.
const RECONNECT_AFTER_MAX: u64 = 5;

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
pub(super) enum Fate {
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

    /// The session that the connection owns, or is about to.
    pub(super) fn session(&self) -> Option<SessionId> {
        lock(&self.post).binding.map(|it| it.session)
    }

    /// Whether the ledger has said that the connection owns `session`.
    pub(super) fn is_settled_on(&self, session: SessionId) -> bool {
        let binding = lock(&self.post).binding;
        binding.is_some_and(|it| it.session == session && it.is_settled)
    }

    /// Says what became of `session`, if the connection has not left it, and wakes the connection.
    pub(super) fn tell(&self, session: SessionId, fate: Fate) {
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
    pub(super) fn recall(&self, session: SessionId) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
