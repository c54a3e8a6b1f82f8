//! What may happen next.

use super::{
    World,
    pocket::{Line, Relative, Shown},
    promise::Broken,
    rule::Rule,
    setting::{Pushes, Shows},
    state::{Course, Flight, Link, State, THIEF},
};

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A tab opens a connection, leaving the one that it had, and presents the stored token.
    Dial(u8),
    /// A tab presents the stored token on its live connection.
    Refresh(u8),
    /// A tab crashes: what is stored stays.
    Crash(u8),
    /// A message arrives.
    Deliver(usize),
    /// A request is served, and its answer will not be heard.
    DeliverUnheard(usize),
    /// A message arrives, and will once more.
    DeliverCopy(usize),
    /// A message is lost.
    Lose(usize),
    /// A connection's beat asks for a push, or sends again what was pushed.
    Beat(Line),
    /// A bare client has answered two pings.
    Pong,
    /// A mistaken ledger writes what it decided.
    Write,
    /// The ledger loses the write that it committed last.
    LoseWrite,
    /// The thief copies the storage.
    Steal,
    /// The thief presents a token.
    ThiefPresents {
        /// Its generation.
        generation: Relative,
        /// What comes with it.
        shown: Shown,
    },
    /// The thief acknowledges what it was sent.
    ThiefAcknowledges,
}

impl<R: Rule> World<R> {
    /// Adds what may happen in `state` to `steps`.
    pub(super) fn steps(&self, state: &State, steps: &mut Vec<Step>) {
        if state.course != Course::Running {
            return;
        }
        let room = state.flights.len() < self.setting.network.flights;
        for tab in 0..self.setting.client.tabs {
            if self.will_be_answered(state, tab) {
                continue;
            }
            match state.tabs[usize::from(tab)].link {
                Link::Away if room => steps.push(Step::Dial(tab)),
                Link::Away => {}
                Link::Quiet | Link::Asked => {
                    steps.push(Step::Crash(tab));
                    steps.extend(room.then_some(Step::Dial(tab)));
                }
            }
            if room && state.tabs[usize::from(tab)].link == Link::Quiet {
                steps.push(Step::Refresh(tab));
            }
        }
        for index in 0..state.flights.len() {
            self.steps_of_flight(state, index, room, steps);
        }
        self.beats(state, room, steps);
        if self.may_pong(state) {
            steps.push(Step::Pong);
        }
        if state.writing.is_some() {
            steps.push(Step::Write);
        }
        if state.before.is_some() && state.losses < self.setting.ledger.losses {
            steps.push(Step::LoseWrite);
        }
        self.steps_of_thief(state, steps);
    }

    fn steps_of_flight(&self, state: &State, index: usize, room: bool, steps: &mut Vec<Step>) {
        let flight = state.flights[index];
        if !flight
            .tab()
            .is_some_and(|tab| self.will_be_answered(state, tab))
        {
            steps.push(Step::Lose(index));
        }
        let arrives_twice = self.setting.network.repeats && room;
        match flight {
            _ if self.is_out_of_order(state, index) => {}
            Flight::Request { line, .. } => {
                if state.writing.is_none() {
                    steps.push(Step::Deliver(index));
                }
                if self.setting.counts_hands() && self.tab_of(line).is_some() {
                    steps.push(Step::DeliverUnheard(index));
                }
                if arrives_twice && state.writing.is_none() {
                    steps.push(Step::DeliverCopy(index));
                }
            }
            Flight::Grant { .. } | Flight::Ack { .. } => {
                steps.push(Step::Deliver(index));
                if arrives_twice {
                    steps.push(Step::DeliverCopy(index));
                }
            }
            Flight::Refused { .. } => steps.push(Step::Deliver(index)),
        }
    }

    fn beats(&self, state: &State, room: bool, steps: &mut Vec<Step>) {
        let owner = state.record.owner;
        let reaches_a_tab = self.tab_of(owner).is_some();
        let has_an_effect = state.record.issued == state.record.confirmed || reaches_a_tab;
        let may_push = match self.setting.pushes {
            Pushes::None => false,
            Pushes::ToOwner | Pushes::AnyoneAsks => true,
        };
        if may_push && has_an_effect && (room || !reaches_a_tab) {
            steps.push(Step::Beat(owner));
        }
        if self.setting.pushes == Pushes::AnyoneAsks && room {
            let authenticated = (0..self.setting.client.tabs)
                .filter(|tab| state.tabs[usize::from(*tab)].link == Link::Quiet);
            steps.extend(authenticated.filter(|tab| *tab != owner).map(Step::Beat));
            let thief_got_in = state.thief.as_ref().is_some_and(|thief| thief.got_in);
            if thief_got_in && owner != THIEF {
                steps.push(Step::Beat(THIEF));
            }
        }
    }

    /// The tab whose connection `line` is.
    pub(super) fn tab_of(&self, line: Line) -> Option<u8> {
        (line < self.setting.client.tabs).then_some(line)
    }

    /// Takes a step.
    ///
    /// # Errors
    /// The promise that it breaks.
    pub(super) fn take(&self, state: &mut State, step: Step) -> Result<(), Broken> {
        match step {
            Step::Dial(tab) => {
                self.dial(state, tab);
                Ok(())
            }
            Step::Refresh(tab) => {
                self.present(state, tab);
                Ok(())
            }
            Step::Crash(tab) => {
                self.crash(state, tab);
                Ok(())
            }
            Step::Deliver(index) => {
                let flight = state.flights.remove(index);
                self.arrive(state, index, flight, true)
            }
            Step::DeliverUnheard(index) => {
                let flight = state.flights.remove(index);
                self.arrive(state, index, flight, false)
            }
            Step::DeliverCopy(index) => self.arrive(state, 0, state.flights[index], true),
            Step::Lose(index) => {
                self.lose(state, index);
                Ok(())
            }
            Step::Beat(line) => self.beat(state, line),
            Step::Pong => self.acknowledge(state, state.record.owner, state.record.issued),
            Step::Write => self.write(state),
            Step::LoseWrite => {
                self.lose_write(state);
                Ok(())
            }
            Step::Steal => {
                self.steal(state);
                Ok(())
            }
            Step::ThiefPresents { generation, shown } => {
                self.thief_presents(state, generation, shown)
            }
            Step::ThiefAcknowledges => self.acknowledge(state, THIEF, state.record.issued),
        }
    }

    fn arrive(
        &self,
        state: &mut State,
        index: usize,
        flight: Flight,
        heard: bool,
    ) -> Result<(), Broken> {
        match flight {
            Flight::Request {
                line,
                generation,
                shown,
            } => {
                if self.setting.client.shows == Shows::Bare {
                    forget_requests_before(state, index);
                }
                let answered_to = self.tab_of(line).filter(|_| heard);
                self.serve(state, line, (generation, shown), answered_to)
            }
            Flight::Grant {
                tab,
                generation,
                answers,
            } => {
                self.store(state, tab, generation, answers);
                Ok(())
            }
            Flight::Refused {
                tab,
                generation,
                refusal,
            } => self.refused(state, tab, generation, refusal),
            Flight::Ack { line, generation } => self.acknowledge(state, line, generation),
        }
    }

    /// Lets the network be good from now on: every tab must get in, or the session ends as it should.
    ///
    /// # Errors
    /// The promise that is broken where one does not.
    pub(super) fn recovers(&self, state: &State) -> Result<(), Broken> {
        if state.course != Course::Running {
            return Ok(());
        }
        for tab in 0..self.setting.client.tabs {
            let before = state;
            let mut state = before.clone();
            self.write(&mut state)?;
            for flight in std::mem::take(&mut state.flights) {
                // What is settled to arrive does.
                if flight
                    .tab()
                    .is_some_and(|tab| self.will_be_answered(before, tab))
                {
                    self.arrive(&mut state, 0, flight, true)?;
                }
            }
            state.flights.clear();
            if state.course == Course::Running {
                self.gets_in(state, tab)?;
            }
        }
        Ok(())
    }

    fn gets_in(&self, mut state: State, tab: u8) -> Result<(), Broken> {
        /// A request and its answer, and both once more where `stale` leads to another attempt.
        const ARRIVALS: usize = 4;
        self.dial(&mut state, tab);
        for _ in 0..ARRIVALS {
            let asked = |flight: &Flight| {
                flight.tab() == Some(tab)
                    || matches!(flight, Flight::Request { line, .. } if *line == tab)
            };
            if let Some(index) = state.flights.iter().position(asked)
                && state.course == Course::Running
            {
                let flight = state.flights.remove(index);
                self.arrive(&mut state, index, flight, true)?;
                self.write(&mut state)?;
            }
        }
        let is_in = state.record.owner == tab && state.tabs[usize::from(tab)].link == Link::Quiet;
        match state.course {
            Course::Running if !is_in => Err(Broken::HonestLockedOut),
            Course::Broken(broken) => Err(broken),
            Course::Running | Course::Over => Ok(()),
        }
    }
}

/// A bare client's messages arrive in order, or not at all.
fn forget_requests_before(state: &mut State, index: usize) {
    let mut place = 0;
    state.flights.retain(|flight| {
        let older = place < index && matches!(flight, Flight::Request { .. });
        place += 1;
        !older
    });
}
