//! What the honest client does.

use super::{
    World,
    pocket::{KeyNumber, Line, Relative, Shown},
    promise::Broken,
    rule::Rule,
    setting::{Habit, Shows},
    state::{Course, Flight, LEFT, Link, State, Why},
};
use arrayvec::ArrayVec;

impl<R: Rule> World<R> {
    /// Whether an answer is under way to `tab` that will be heard, where that is settled when a request is served.
    pub(super) fn will_be_answered(&self, state: &State, tab: u8) -> bool {
        let is_answer = |flight: &Flight| matches!(flight, Flight::Grant { tab: to, answers, .. } if *answers && *to == tab);
        self.setting.counts_hands() && state.flights.iter().any(is_answer)
    }

    /// What a bare client is sent on a connection, it gets in order.
    pub(super) fn is_out_of_order(&self, state: &State, index: usize) -> bool {
        self.setting.client.shows == Shows::Bare
            && state.flights[index].tab().is_some()
            && state.flights[..index]
                .iter()
                .any(|flight| flight.tab().is_some())
    }

    /// The second pong says that all that was sent before is stored.
    pub(super) fn may_pong(&self, state: &State) -> bool {
        let hears_all = state.flights.iter().all(|flight| match flight {
            Flight::Request { line, .. } => *line != state.record.owner,
            Flight::Grant { .. } | Flight::Refused { .. } => false,
            Flight::Ack { .. } => true,
        });
        self.setting.client.shows == Shows::Bare
            && state.kept.token == state.record.issued
            && state.record.confirmed < state.record.issued
            && self
                .tab_of(state.record.owner)
                .is_some_and(|tab| state.open(tab))
            && hears_all
    }

    pub(super) fn lose(&self, state: &mut State, index: usize) {
        let flight = state.flights.remove(index);
        let tab = match flight {
            Flight::Request { line, .. } | Flight::Ack { line, .. } => self.tab_of(line),
            Flight::Grant { tab, .. } | Flight::Refused { tab, .. } => Some(tab),
        };
        if let Some(tab) = tab
            && self.setting.client.shows == Shows::Bare
        {
            // In order means that what comes after something lost is lost as well.
            leave(state, tab);
        }
    }

    pub(super) fn crash(&self, state: &mut State, tab: u8) {
        leave(state, tab);
        state.tabs[usize::from(tab)] = super::state::Tab::default();
    }

    pub(super) fn dial(&self, state: &mut State, tab: u8) {
        leave(state, tab);
        self.present(state, tab);
    }

    /// Sends the stored token, with what the client shows beside it.
    pub(super) fn present(&self, state: &mut State, tab: u8) {
        let generation = state.kept.token;
        let shown = match self.setting.client.shows {
            Shows::Attempt => Shown::Attempt(self.attempt_key(state, tab)),
            Shows::Bare => Shown::Bare,
            Shows::Proof => Shown::Proof,
        };
        state.kept.tried = true;
        state.tabs[usize::from(tab)].link = Link::Asked;
        send(
            state,
            Flight::Request {
                line: tab,
                generation,
                shown,
            },
        );
    }

    /// The attempt key for the stored token: the one that is there, or a new one.
    fn attempt_key(&self, state: &mut State, tab: u8) -> KeyNumber {
        let generation = state.kept.token;
        let fresh = state.fresh_key(generation);
        match self.setting.client.habit {
            Habit::WhenNeeded | Habit::OnArrival => *state.kept.key.get_or_insert(fresh),
            Habit::InMemory => {
                let key = &mut state.tabs[usize::from(tab)].key;
                key.get_or_insert((generation, fresh)).1
            }
        }
    }

    /// A token arrives: it is stored if it is newer, and acknowledged if it is the one that is stored.
    pub(super) fn store(&self, state: &mut State, tab: u8, generation: Relative, answers: bool) {
        if answers {
            state.tabs[usize::from(tab)].link = Link::Quiet;
        }
        if generation > state.kept.token {
            state.kept.token = generation;
            state.kept.tried = false;
            state.kept.key = match self.setting.client.habit {
                Habit::WhenNeeded | Habit::InMemory => None,
                Habit::OnArrival => Some(state.fresh_key(generation)),
            };
            for tab in &mut state.tabs {
                tab.renewed = false;
                tab.key = None;
            }
        }
        if generation == state.kept.token && self.setting.client.shows != Shows::Bare {
            send(
                state,
                Flight::Ack {
                    line: tab,
                    generation,
                },
            );
        }
    }

    /// A refusal arrives: the client goes on where there is something to go on with, or gives up.
    pub(super) fn refused(
        &self,
        state: &mut State,
        tab: u8,
        generation: Relative,
        refusal: Why,
    ) -> Result<(), Broken> {
        let number = usize::from(tab);
        state.tabs[number].link = Link::Quiet;
        if refusal != Why::Other && state.kept.token > generation {
            self.present(state, tab);
        } else if refusal == Why::Stale
            && !state.tabs[number].renewed
            && self.setting.client.shows == Shows::Attempt
        {
            state.kept.key = Some(state.fresh_key(state.kept.token));
            state.tabs[number].key = None;
            state.tabs[number].renewed = true;
            self.present(state, tab);
        } else {
            return self.give_up(state, refusal);
        }
        Ok(())
    }

    fn give_up(&self, state: &mut State, refusal: Why) -> Result<(), Broken> {
        state.course = Course::Over;
        let ledger_lost_it = refusal == Why::Unknown && state.losses > 0;
        match self.setting.thief {
            _ if ledger_lost_it => Ok(()),
            Some(theft) if state.thief.is_some() && theft.may_silence => Ok(()),
            Some(_) if state.thief.is_some() => Err(Broken::SilentlyRefused),
            Some(_) | None => Err(Broken::HonestLockedOut),
        }
    }
}

/// Puts a message on its way. The same twice brings nothing that one that is late does not.
pub(super) fn send(state: &mut State, flight: Flight) {
    if !state.flights.contains(&flight) {
        state.flights.push(flight);
    }
}

/// What is under way to the connection that a tab leaves will not be heard; what came from it may still arrive.
fn leave(state: &mut State, tab: u8) {
    state.flights.retain(|flight| flight.tab() != Some(tab));
    let owned: ArrayVec<Line, 3> = state.records().map(|record| record.owner).collect();
    let named = |line: Line| {
        let comes_from = |flight: &Flight| flight.line() == Some(line);
        owned.contains(&line) || state.flights.iter().any(comes_from)
    };
    let left = (LEFT..).find(|line| !named(*line)).unwrap_or(LEFT);
    for line in state.flights.iter_mut().filter_map(Flight::line_mut) {
        if *line == tab {
            *line = left;
        }
    }
    for record in state.records() {
        if record.owner == tab {
            record.owner = left;
        }
    }
    state.tabs[usize::from(tab)].link = Link::Away;
}
