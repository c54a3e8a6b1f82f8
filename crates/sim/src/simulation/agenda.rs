//! What is to happen, and when.

use super::clock::Hands;
use handfast_ledger::Change;
use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    rc::Rc,
    sync::Arc,
};

/// A frame on a WebSocket, or its end.
#[derive(Clone, Debug)]
pub(super) enum Frame {
    Text(String),
    Ping,
    Pong,
    Close(u16),
}

/// One run of a node: a node that has started again is another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) node: usize,
    pub(super) run: u64,
}

/// What is to happen. Lines and tabs are named by their numbers.
#[derive(Debug)]
pub(super) enum Event {
    Accept(u64),
    Opened(u64),
    ToServer(u64, Frame),
    ToClient(u64, Frame),
    ServerDrops(u64),
    ClientDrops(u64),
    WakeServed(u64),
    WakeTab(usize),
    LogIn(usize),
    Return(usize),
    Decide(Run),
    Conclude(Run),
    ReadChanges(Run),
    FanOut(Run, Rc<[Change]>),
    Restart(Run),
    PowerCut,
    Present(usize),
    Trouble,
}

/// The events to come, in the order in which they happen.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    pub(super) hands: Arc<Hands>,
    due: BinaryHeap<Reverse<Entry>>,
    order: u64,
}

/// An event's place.
#[derive(Debug)]
pub(super) struct Entry {
    at: u64,
    order: u64,
    pub(super) event: Event,
}

impl Agenda {
    /// Puts down an event for `at`, behind all others of that time.
    pub(super) fn add(&mut self, at: u64, event: Event) {
        self.order += 1;
        let (at, order) = (at.max(self.hands.ms()), self.order);
        self.due.push(Reverse(Entry { at, order, event }));
    }

    /// The next event until `until`. It is that time then.
    pub(super) fn next(&mut self, until: u64) -> Option<Entry> {
        let Reverse(first) = self.due.peek()?;
        if first.at > until {
            return None;
        }
        let Reverse(entry) = self.due.pop()?;
        self.hands.set(entry.at);
        Some(entry)
    }

    /// Puts an event off, which keeps its place before those that came after it.
    pub(super) fn put_off(&mut self, entry: Entry, at: u64) {
        self.due.push(Reverse(Entry { at, ..entry }));
    }
}

impl Entry {
    const fn place(&self) -> (u64, u64) {
        (self.at, self.order)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}
