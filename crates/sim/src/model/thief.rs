//! What a thief does. Its network is perfect: that loses nothing, since a late message of a thief is one that it sent
//! later.

use super::{
    World,
    ledger::is_accepted,
    pocket::{Relative, Shown},
    promise::Broken,
    rule::Rule,
    setting::{Copies, Theft, UNCOUNTED},
    state::{Flight, Party, State, THIEF, THIEFS_KEY, Thief},
    step::Step,
};
use arrayvec::ArrayVec;

impl<R: Rule> World<R> {
    pub(super) fn steps_of_thief(&self, state: &State, steps: &mut Vec<Step>) {
        let Some(theft) = self.setting.thief else {
            return;
        };
        if may_steal(state, theft) {
            steps.push(Step::Steal);
        }
        let Some(thief) = &state.thief else {
            return;
        };
        for &generation in &thief.tokens {
            let copied = thief.copied.filter(|(of, _)| *of == generation);
            let shown = [Shown::Bare, Shown::Attempt(THIEFS_KEY)];
            let shown = shown
                .into_iter()
                .chain(copied.map(|(_, key)| Shown::Attempt(key)));
            steps.extend(shown.map(|shown| Step::ThiefPresents { generation, shown }));
        }
        let unconfirmed = state.record.confirmed < state.record.issued;
        if theft.acknowledges && unconfirmed && state.record.owner == THIEF {
            steps.push(Step::ThiefAcknowledges);
        }
    }

    pub(super) fn steal(&self, state: &mut State) {
        let generation = state.kept.token;
        let copied = state.kept.key.map(|key| (generation, key));
        let thief = state.thief.get_or_insert_with(|| Thief {
            tokens: ArrayVec::new(),
            copied,
            got_in: false,
            last: None,
            changes: 0,
        });
        thief.copied = copied;
        thief.take(generation);
    }

    pub(super) fn thief_presents(
        &self,
        state: &mut State,
        generation: Relative,
        shown: Shown,
    ) -> Result<(), Broken> {
        let (record, outcome) = self.decide(state, THIEF, (generation, shown))?;
        if is_accepted(outcome) {
            if !self.setting.counts_hands() {
                return Err(Broken::ThiefGotIn);
            }
            self.changes_hands(state, Party::Thief)?;
        }
        self.commit(state, record)?;
        if is_accepted(outcome) {
            self.thief_gets(state, record.issued);
        }
        Ok(())
    }

    /// The thief is sent a token, and heard of nothing else.
    pub(super) fn thief_gets(&self, state: &mut State, generation: Relative) {
        if let Some(thief) = &mut state.thief {
            thief.got_in = true;
            thief.take(generation);
        }
    }

    /// A presentation was accepted, and the answer will be heard.
    pub(super) fn changes_hands(&self, state: &mut State, party: Party) -> Result<(), Broken> {
        let (Some(thief), Some(theft)) = (&mut state.thief, self.setting.thief) else {
            return Ok(());
        };
        if !self.setting.counts_hands() || theft.changes_max == UNCOUNTED {
            return Ok(());
        }
        if thief.last.is_some_and(|last| last != party) {
            thief.changes += 1;
        }
        thief.last = Some(party);
        if thief.changes > theft.changes_max {
            return Err(Broken::TooManyChanges);
        }
        Ok(())
    }
}

fn may_steal(state: &State, theft: Theft) -> bool {
    let is_request = |flight: &Flight| matches!(flight, Flight::Request { .. });
    let in_an_attempt = || state.kept.tried || state.flights.iter().any(is_request);
    let is_newest = state.kept.token == state.record.issued;
    match theft.copies {
        Copies::AgainAndAgain => true,
        Copies::AnyTime => state.thief.is_none(),
        Copies::Unpresented => state.thief.is_none() && !in_an_attempt(),
        Copies::AtRest => state.thief.is_none() && is_newest && !in_an_attempt(),
    }
}

impl Thief {
    fn take(&mut self, generation: Relative) {
        if self.tokens.contains(&generation) {
            return;
        }
        if self.tokens.is_full() {
            // The oldest, since it got them in order.
            self.tokens.remove(0);
        }
        self.tokens.push(generation);
        self.tokens.sort_unstable();
    }
}
