//! The bounded queue between the handles and the worker.

use crate::{entry::Entry, error::LedgerError};
use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// What waits for the worker.
pub(crate) struct Queue {
    state: Mutex<State>,
    worker: Condvar,
    entries_max: usize,
}

struct State {
    waiting: VecDeque<Entry>,
    closed: bool,
    worker_sleeps: bool,
}

/// The capacity that the queue keeps when it has been longer.
const CAPACITY_KEPT: usize = 512;

impl Queue {
    pub(crate) fn new(entries_max: usize) -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                closed: false,
                worker_sleeps: false,
            }),
            worker: Condvar::new(),
            entries_max,
        }
    }

    /// Nothing that is done under this lock can panic halfway.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `entry` wait, or answers it with the reason why it may not, which is also given back.
    pub(crate) fn push(&self, entry: Entry) -> Result<(), LedgerError> {
        let mut state = self.lock();
        let refusal = if state.closed {
            Some(LedgerError::Stopped)
        } else if state.waiting.len() >= self.entries_max {
            Some(LedgerError::Overloaded)
        } else {
            None
        };
        if let Some(refusal) = refusal {
            drop(state);
            entry.reply(Some(&refusal));
            return Err(refusal);
        }
        state.waiting.push_back(entry);
        let wake = std::mem::take(&mut state.worker_sleeps);
        drop(state);
        if wake {
            self.worker.notify_one();
        }
        Ok(())
    }

    /// Up to `entries_max` of what waits, in order; sleeps until something does. `None` once the queue is closed and
    /// empty.
    ///
    /// Whoever else wants the processor gets it first: on a busy machine more intents come that way, which share one
    /// flush; on an idle one it costs nothing.
    pub(crate) fn take(&self, entries_max: usize) -> Option<Vec<Entry>> {
        if !self.wait() {
            return None;
        }
        thread::yield_now();
        Some(self.take_waiting(entries_max))
    }

    /// Up to `entries_max` of what waits now, in order.
    pub(crate) fn take_waiting(&self, entries_max: usize) -> Vec<Entry> {
        let mut state = self.lock();
        let taken = state.waiting.len().min(entries_max);
        let batch = state.waiting.drain(..taken).collect();
        if state.waiting.is_empty() && state.waiting.capacity() > CAPACITY_KEPT {
            state.waiting.shrink_to(CAPACITY_KEPT);
        }
        batch
    }

    /// Sleeps until something waits. `false` once the queue is closed and empty.
    fn wait(&self) -> bool {
        let mut state = self.lock();
        while state.waiting.is_empty() {
            if state.closed {
                return false;
            }
            state.worker_sleeps = true;
            state = self
                .worker
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Takes nothing more. What waits is still given out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.worker.notify_one();
    }

    /// Takes nothing more and forgets what waits: its receipts say [`LedgerError::Stopped`].
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        state.closed = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        drop(waiting);
    }
}

/// Sees to it that nobody waits for a thread of the ledger that has ended, however it did.
pub(crate) struct Ending(pub(crate) Arc<Queue>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}
