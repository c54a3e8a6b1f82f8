//! Every history of one session: an honest client, a network, a ledger, and perhaps a thief.
//!
//! There is no clock: whatever may happen next is a [`Step`], and any order of steps is a history. A [search](run)
//! visits every state that any history leads to, breadth first, so the history that it shows for a broken promise is a
//! shortest one; stateright's search checks ours. What decides is `handfast_core::session`,
//! [as it runs](rule::AsItRuns).
//!
//! Histories have no end here. A [state] counts its generations from the confirmed one and holds only what the
//! future depends on, so that a bounded number of messages under way makes a bounded number of states.

pub mod configuration;
pub mod mistake;
pub mod mutant;
pub mod pocket;
pub mod promise;
pub mod rule;
pub mod run;
pub mod setting;
pub mod state;
pub mod step;

mod canonical;
mod client;
mod fingerprints;
mod ledger;
mod search;
mod story;
mod thief;

use rule::Rule;
use setting::{AHEAD_MAX, Setting};
use state::{Course, State};
use stateright::{Model, Property};
use step::Step;

/// A model: its bounds, and the rule that decides in it.
#[derive(Debug)]
pub struct World<R> {
    /// Its bounds.
    pub setting: Setting,
    /// The rule.
    pub rule: R,
}

impl<R: Rule> World<R> {
    /// A model within `setting`, decided by `rule`.
    pub const fn new(setting: Setting, rule: R) -> Self {
        Self { setting, rule }
    }

    /// The state after `step`, and by how many generations the confirmed one has moved on.
    pub fn after(&self, state: &State, step: Step) -> (State, i8) {
        let mut next = state.clone();
        if let Err(broken) = self.take(&mut next, step) {
            next.course = Course::Broken(broken);
        }
        let moved = canonical::normalise(&mut next, &self.setting);
        (next, moved)
    }
}

impl<R: Rule> Model for World<R> {
    type State = State;
    type Action = Step;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.setting)]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.steps(state, steps);
    }

    fn next_state(&self, state: &State, step: Step) -> Option<State> {
        let (next, _) = self.after(state, step);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promise::properties()
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.record.issued - state.record.confirmed <= AHEAD_MAX
    }
}
