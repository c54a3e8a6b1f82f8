//! The one form that equal states have.
//!
//! Two states are equal where nothing that happens later can tell them apart. So generations are counted from the
//! confirmed one, attempt keys and connections have the smallest numbers, and what consumed a generation that nobody
//! holds is forgotten, since nobody can present it. The tests below check that this loses no state.

use super::{
    pocket::{Consumed, KeyNumber, Line, Relative, Shown},
    setting::{FLIGHTS_MAX, LATE_MAX, Setting, Shows, TABS_MAX},
    state::{Course, Flight, GONE, LEFT, State, THIEF, THIEFS_KEY, Tab},
};
use arrayvec::ArrayVec;

/// A generation so old that nothing remembers it; with a ledger that loses writes, so old that nothing will.
const fn ancient(setting: &Setting) -> Relative {
    if setting.ledger.losses == 0 { -8 } else { -14 }
}

/// Brings `state` into its one form. Gives by how many generations the confirmed one has moved on.
pub(super) fn normalise(state: &mut State, setting: &Setting) -> Relative {
    let moved = state.record.confirmed;
    if state.course != Course::Running {
        *state = State::ended(state.course, setting);
        return moved;
    }
    count_from_confirmed(state, moved, setting);
    if setting.client.tabs > 1 && setting.tabs_alike {
        order_tabs(state, setting);
    }
    let ordered = setting.client.shows == Shows::Bare;
    if !ordered {
        state.flights.sort_unstable();
    }
    if setting.client.shows == Shows::Attempt {
        number_keys(state);
    }
    forget_unheld(state);
    number_lines(state, ordered);
    if !ordered {
        state.flights.sort_unstable();
    }
    moved
}

fn count_from_confirmed(state: &mut State, moved: Relative, setting: &Setting) {
    let ancient = ancient(setting);
    let age = |generation: &mut Relative| *generation = (*generation - moved).max(ancient);
    for record in state.records() {
        record.confirmed -= moved;
        record.issued -= moved;
    }
    let kept = state.kept.token;
    age(&mut state.kept.token);
    for tab in &mut state.tabs {
        tab.key.iter_mut().for_each(|(of, _)| age(of));
    }
    for flight in &mut state.flights {
        let of = flight.generation_mut();
        // Which of two is older counts even where the rule cannot tell them apart any more.
        let is_older = *of < kept;
        age(of);
        if is_older && *of == state.kept.token {
            *of -= 1;
        }
    }
    state.flights.retain(
        |flight| !matches!(flight, Flight::Request { generation, .. } if *generation < -LATE_MAX),
    );
    if let Some(thief) = &mut state.thief {
        thief.copied.iter_mut().for_each(|(of, _)| age(of));
        thief.tokens.iter_mut().for_each(age);
        let mut last = None;
        thief
            .tokens
            .retain(|generation| last.replace(*generation) != Some(*generation));
        thief.copied = thief.copied.filter(|(of, _)| thief.tokens.contains(of));
    }
}

/// A connection that its tab has left, as far as it can be told from another: which records it owns, and what comes
/// from it.
type LeftLine = (u8, ArrayVec<Flight, FLIGHTS_MAX>, Line);

/// Connections that tabs have left are numbered in the order of what comes from them; where messages are ordered, in
/// theirs.
fn number_lines(state: &mut State, ordered: bool) {
    let mut lines: ArrayVec<LeftLine, FLIGHTS_MAX> = ArrayVec::new();
    for flight in &state.flights {
        let mut nameless = *flight;
        let Some(line) = nameless
            .line_mut()
            .filter(|line| (LEFT..THIEF).contains(*line))
        else {
            continue;
        };
        let line = std::mem::take(line);
        match lines.iter_mut().find(|(_, _, of)| *of == line) {
            Some((_, from, _)) => from.push(nameless),
            None => lines.push((0, ArrayVec::from_iter([nameless]), line)),
        }
    }
    for (owned, from, line) in &mut lines {
        from.sort_unstable();
        for record in state.records() {
            *owned = *owned << 1 | u8::from(record.owner == *line);
        }
    }
    if !ordered {
        lines.sort_unstable();
    }
    let name = |line: Line| {
        let named = lines.iter().zip(LEFT..);
        named
            .filter(|((_, _, of), _)| *of == line)
            .map(|(_, name)| name)
            .next()
    };
    for line in state.flights.iter_mut().filter_map(Flight::line_mut) {
        *line = name(*line).unwrap_or(*line);
    }
    for record in state.records() {
        if (LEFT..THIEF).contains(&record.owner) {
            record.owner = name(record.owner).unwrap_or(GONE);
        }
    }
}

/// Attempt keys are numbered, in each generation, as they are first named; one that nobody could present has none.
fn number_keys(state: &mut State) {
    let names: ArrayVec<(Relative, KeyNumber), 24> =
        state.holders().fold(ArrayVec::new(), |mut names, holder| {
            if holder.1 != THIEFS_KEY && !names.contains(&holder) {
                names.push(holder);
            }
            names
        });
    let number = |of: Relative, key: KeyNumber| {
        let of_generation = names.iter().filter(|(generation, _)| *generation == of);
        of_generation
            .zip(0..)
            .find_map(|((_, name), number)| (*name == key).then_some(number))
    };
    let rename = |of: Relative, key: &mut KeyNumber| *key = number(of, *key).unwrap_or(*key);
    let token = state.kept.token;
    state.kept.key.iter_mut().for_each(|key| rename(token, key));
    let in_memory = state.tabs.iter_mut().filter_map(|tab| tab.key.as_mut());
    in_memory.for_each(|(of, key)| rename(*of, key));
    if let Some(thief) = &mut state.thief {
        thief
            .copied
            .iter_mut()
            .for_each(|(of, key)| rename(*of, key));
    }
    for flight in &mut state.flights {
        if let Flight::Request {
            generation,
            shown: Shown::Attempt(key),
            ..
        } = flight
        {
            rename(*generation, key);
        }
    }
    for record in state.records() {
        let confirmed = record.confirmed;
        for (entry, behind) in record.history.iter_mut().zip(0..) {
            if let Consumed::Attempt(key) = entry
                && *key != THIEFS_KEY
            {
                *entry = number(confirmed - behind, *key)
                    .map_or(Consumed::SomethingElse, Consumed::Attempt);
            }
        }
    }
}

/// What consumed a generation that nobody holds does not matter.
fn forget_unheld(state: &mut State) {
    let mut held = 0_u64;
    // Bit 32 is the confirmed generation.
    let bit = |generation: Relative| 1_u64 << (32 + generation).clamp(0, 63);
    held |= bit(state.kept.token);
    for flight in &mut state.flights {
        match flight {
            Flight::Request { generation, .. } | Flight::Grant { generation, .. } => {
                held |= bit(*generation);
            }
            Flight::Refused { .. } | Flight::Ack { .. } => {}
        }
    }
    let stolen = state.thief.iter().flat_map(|thief| &thief.tokens);
    held = stolen.fold(held, |held, generation| held | bit(*generation));
    for record in state.records() {
        let confirmed = record.confirmed;
        for (entry, behind) in record.history.iter_mut().zip(0..) {
            if held & bit(confirmed - behind) == 0 {
                *entry = Consumed::SomethingElse;
            }
        }
    }
}

/// Tabs that differ in nothing but their names get the same ones.
fn order_tabs(state: &mut State, setting: &Setting) {
    let tabs = usize::from(setting.client.tabs);
    let mut order: ArrayVec<(u64, usize), TABS_MAX> =
        (0..tabs).map(|tab| (signature(state, tab), tab)).collect();
    if order.is_sorted() {
        return;
    }
    order.sort_unstable();
    let mut new_name = [0_u8; TABS_MAX];
    let before = state.tabs;
    for (place, (_, old)) in order.iter().enumerate() {
        state.tabs[place] = before[*old];
        new_name[*old] = u8::try_from(place).unwrap_or_default();
    }
    let rename = |name: &mut u8| {
        if let Some(new) = new_name[..tabs].get(usize::from(*name)) {
            *name = *new;
        }
    };
    for flight in &mut state.flights {
        flight.line_mut().into_iter().for_each(rename);
        flight.tab_mut().into_iter().for_each(rename);
    }
    if let Some(writing) = &mut state.writing {
        let answer = writing.answer.iter_mut();
        answer.filter_map(Flight::tab_mut).for_each(rename);
    }
    state.records().for_each(|record| rename(&mut record.owner));
}

/// A number that says what a tab looks like, without its name. Where two tabs that differ have the same, states are
/// only not as few as they could be.
fn signature(state: &State, tab: usize) -> u64 {
    let name = u8::try_from(tab).unwrap_or_default();
    let Tab {
        link,
        renewed,
        key: _,
    } = state.tabs[tab];
    let own = u64::from(link as u8) << 1 | u64::from(renewed);
    let owner = u64::from(state.record.owner == name);
    let flights = state.flights.iter().map(|flight| {
        let mut flight = *flight;
        let to = flight.tab() == Some(name);
        let from = flight.line_mut().is_some_and(|line| *line == name);
        let kind = match flight {
            Flight::Request { .. } => 1,
            Flight::Grant { answers: false, .. } => 2,
            Flight::Grant { answers: true, .. } => 3,
            Flight::Refused { .. } => 4,
            Flight::Ack { .. } => 5,
        };
        let generation = u64::from((*flight.generation_mut()).unsigned_abs());
        // A sum, so that the order of messages does not matter.
        u64::from(to || from) * (kind * 31 + generation + 1).wrapping_mul(0x9E37_79B9)
    });
    (own << 61) | (owner << 60) | (flights.fold(0, u64::wrapping_add) & ((1 << 60) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{World, rule::AsItRuns, setting::Copies, step::Step};
    use std::collections::HashSet;

    /// The one form of every state that `depth` steps lead to, where each state is brought into its form only to be
    /// compared, or where that is done after every step.
    fn reached(setting: Setting, depth: usize, after_every_step: bool) -> HashSet<State> {
        let world = World::new(setting, AsItRuns);
        let mut all = HashSet::new();
        let mut seen = HashSet::new();
        let mut last = vec![State::new(&setting)];
        for _ in 0..=depth {
            let mut next = Vec::new();
            for state in last.drain(..).filter(|state| seen.insert(state.clone())) {
                let mut form = state.clone();
                normalise(&mut form, &setting);
                let mut steps: Vec<Step> = Vec::new();
                world.steps(&state, &mut steps);
                for step in steps {
                    let mut after = state.clone();
                    assert_eq!(world.take(&mut after, step), Ok(()), "{step:?}");
                    if after_every_step {
                        normalise(&mut after, &setting);
                    }
                    next.push(after);
                }
                all.insert(form);
            }
            last = next;
        }
        all
    }

    #[test]
    fn the_one_form_of_states_loses_none_and_adds_none() {
        let stolen = Setting::attempts(1, 2).stolen(Copies::AnyTime, 3);
        for (setting, depth) in [
            (Setting::attempts(1, 3), 8),
            (Setting::attempts(2, 2), 7),
            (Setting::attempts(1, 2).losing(1, false), 9),
            (Setting::proofs(2, 2), 7),
            (Setting::bare(3), 12),
            (stolen, 8),
            (Setting::bare(2).stolen(Copies::AnyTime, 3), 9),
        ] {
            let exactly = reached(setting, depth, false);
            let in_one_form = reached(setting, depth, true);
            let differ = exactly.symmetric_difference(&in_one_form).next();
            assert_eq!(differ, None, "{setting:?}");
        }
    }
}
