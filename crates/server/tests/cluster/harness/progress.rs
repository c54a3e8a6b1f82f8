//! How far a game is, for those who wait for it.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// A number of turns that only grows, up to a last one.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    moved: Condvar,
    last: usize,
}

#[derive(Debug, Default)]
struct State {
    turns: usize,
    has_failed: bool,
}

impl Progress {
    pub(crate) fn up_to(last: usize) -> Self {
        Self {
            state: Mutex::default(),
            moved: Condvar::new(),
            last,
        }
    }

    /// Counts one turn. `false` when it was the last one, or somebody failed.
    pub(crate) fn turn(&self) -> bool {
        let mut state = self.state();
        state.turns += 1;
        let goes_on = state.turns < self.last && !state.has_failed;
        drop(state);
        self.moved.notify_all();
        goes_on
    }

    /// Waits until so many turns were made. `false` where that will not be, because somebody failed.
    pub(crate) fn wait_for(&self, turns: usize) -> bool {
        let state = self.state();
        let waiting = self.moved.wait_while(state, |state| {
            state.turns < turns.min(self.last) && !state.has_failed
        });
        !waiting.unwrap_or_else(PoisonError::into_inner).has_failed
    }

    /// Sees to it that nobody waits for somebody who has failed.
    pub(crate) fn watch(&self) -> Watch<'_> {
        Watch(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes, at the end of a thread, whether it failed.
pub(crate) struct Watch<'a>(&'a Progress);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.state().has_failed = true;
            self.0.moved.notify_all();
        }
    }
}
