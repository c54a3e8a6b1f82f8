//! A breadth-first search that is made for a hundred million states.
//!
//! It visits the same states as stateright's, by the same steps, and asks the same promises of each; a test compares the
//! two. Of a state that was visited it keeps the fingerprint and the step that led there first, which is enough to tell
//! how it came about. Whole states are kept only of the level at hand and of the next one.

use super::{
    World,
    fingerprints::{Fingerprint, Fingerprints, fingerprint},
    rule::Rule,
    state::State,
    step::Step,
};
use stateright::{Model, Property};
use std::{num::NonZero, panic, thread};

/// How many states a thread looks at, before what all of them found is put together.
const PIECE: usize = 4096;

/// How far a search has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many different states there are.
    pub states: u64,
    /// How many steps were taken, with the one to the first state.
    pub steps: u64,
    /// How many levels there are: the first state is one of its own.
    pub depth: u64,
}

/// A promise that some state breaks, and a shortest history that leads there.
pub(super) type Discovery = (&'static str, Vec<Step>);

/// Visits all states of `world`, or those of the levels before one that breaks a promise, and tells `progress` of it
/// after every few thousand.
pub(super) fn search<R: Rule>(
    world: &World<R>,
    mut progress: impl FnMut(Progress),
) -> (Progress, Option<Discovery>) {
    let promises = world.properties();
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let first = State::new(&world.setting);
    let mut visited = Fingerprints::new();
    visited.insert(fingerprint(&first));
    let mut ways = Ways::default();
    let mut so_far = Progress {
        states: 1,
        steps: 1,
        depth: 0,
    };
    let mut looked_at = 0;
    let mut next = vec![first];
    while !next.is_empty() {
        so_far.depth += 1;
        let level = std::mem::take(&mut next);
        for states in level.chunks(PIECE * threads) {
            for piece in look_at_all(world, &promises, &visited, states) {
                if let Some((from, promise)) = piece.broken {
                    so_far.states = visited.len() as u64;
                    let history = ways.history(looked_at + from, world);
                    return (so_far, Some((promise, history)));
                }
                so_far.steps += piece.steps;
                for new in piece.new {
                    if visited.insert(new.fingerprint) {
                        ways.add(looked_at + new.from, new.step);
                        next.push(new.state);
                    }
                }
                looked_at += piece.states;
            }
            so_far.states = visited.len() as u64;
            progress(so_far);
        }
    }
    (so_far, None)
}

/// What some states of a level lead to.
struct Piece {
    states: usize,
    steps: u64,
    new: Vec<New>,
    /// The first of the states that breaks a promise, and the promise.
    broken: Option<(usize, &'static str)>,
}

/// A state that was not visited before.
struct New {
    state: State,
    fingerprint: Fingerprint,
    /// The place of the one that it comes from.
    from: usize,
    /// The number of the step among those of that one.
    step: usize,
}

fn look_at_all<R: Rule>(
    world: &World<R>,
    promises: &[Property<World<R>>],
    visited: &Fingerprints,
    states: &[State],
) -> Vec<Piece> {
    if states.len() <= PIECE {
        return vec![look_at(world, promises, visited, states)];
    }
    thread::scope(|scope| {
        let pieces = states.chunks(PIECE);
        let pieces = pieces.map(|states| scope.spawn(|| look_at(world, promises, visited, states)));
        let pieces: Vec<_> = pieces.collect();
        let done = pieces.into_iter().map(thread::ScopedJoinHandle::join);
        done.map(|piece| piece.unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
            .collect()
    })
}

fn look_at<R: Rule>(
    world: &World<R>,
    promises: &[Property<World<R>>],
    visited: &Fingerprints,
    states: &[State],
) -> Piece {
    let mut piece = Piece {
        states: states.len(),
        steps: 0,
        new: Vec::new(),
        broken: None,
    };
    let mut steps = Vec::new();
    for (from, state) in states.iter().enumerate() {
        let broken = promises
            .iter()
            .filter(|promise| !(promise.condition)(world, state));
        // One state may break several promises; the same one is told of every time.
        if let Some(promise) = broken.map(|promise| promise.name).min() {
            piece.broken = Some((from, promise));
            break;
        }
        world.actions(state, &mut steps);
        for (step, action) in steps.drain(..).enumerate() {
            let next = world.next_state(state, action);
            let Some(state) = next.filter(|state| world.within_boundary(state)) else {
                continue;
            };
            piece.steps += 1;
            let fingerprint = fingerprint(&state);
            if !visited.contains(fingerprint) {
                piece.new.push(New {
                    state,
                    fingerprint,
                    from,
                    step,
                });
            }
        }
    }
    piece
}

/// How each state but the first came about, in the order in which they were found.
#[derive(Default)]
struct Ways {
    from: Vec<u32>,
    step: Vec<u8>,
}

impl Ways {
    /// Notes that the next state comes from state `from` by its step `step`.
    ///
    /// # Panics
    /// Where there are more than 2³² states, or more than 256 steps from one.
    fn add(&mut self, from: usize, step: usize) {
        self.from.push(u32::try_from(from).expect("fewer states"));
        self.step.push(u8::try_from(step).expect("fewer steps"));
    }

    /// The steps to state `number`.
    fn history<R: Rule>(&self, mut number: usize, world: &World<R>) -> Vec<Step> {
        let mut way = Vec::new();
        while let Some(place) = number.checked_sub(1) {
            way.push(usize::from(self.step[place]));
            number = self.from[place] as usize;
        }
        let mut state = State::new(&world.setting);
        let steps = way.into_iter().rev().map(|number| {
            let mut steps = Vec::new();
            world.steps(&state, &mut steps);
            let step = steps[number];
            (state, _) = world.after(&state, step);
            step
        });
        steps.collect()
    }
}
