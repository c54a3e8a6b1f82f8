//! Runs a checker over a model and tells what it found.

use super::{World, promise::Broken, rule::Rule, setting::Setting, state::State, step::Step};
use stateright::{Checker, HasDiscoveries, Model};

pub use super::search::Progress;

/// What a checker found.
#[derive(Debug)]
pub struct Found {
    /// How far it came: over all states, where no promise is broken.
    pub visited: Progress,
    /// A promise that is broken, with a shortest history that breaks it.
    pub broken: Option<Counterexample>,
}

/// A broken promise, and how.
#[derive(Debug)]
pub struct Counterexample {
    /// The promise.
    pub promise: &'static str,
    /// The history.
    pub history: Vec<Step>,
    /// The same, with what each step came to.
    pub told: String,
}

/// Visits every state of a model, and tells `progress` of it now and then.
pub fn check<R: Rule>(setting: Setting, rule: R, progress: impl FnMut(Progress)) -> Found {
    let world = World::new(setting, rule);
    let (visited, broken) = super::search::search(&world, progress);
    found(&world, visited, broken)
}

/// The same by stateright's search, which takes longer and more memory, and is not written for this.
pub fn check_by_stateright<R: Rule>(setting: Setting, rule: R) -> Found {
    let checker = World::new(setting, rule)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let visited = Progress {
        states: checker.unique_state_count() as u64,
        steps: checker.state_count() as u64,
        depth: checker.max_depth() as u64,
    };
    // One state may break several promises; the same one is told of every time.
    let broken = checker
        .discoveries()
        .into_iter()
        .map(|(promise, path)| (promise, path.into_actions()))
        .min_by_key(|(promise, _)| *promise);
    found(checker.model(), visited, broken)
}

fn found<R: Rule>(
    world: &World<R>,
    visited: Progress,
    broken: Option<(&'static str, Vec<Step>)>,
) -> Found {
    let broken = broken.map(|(promise, history)| Counterexample {
        promise: name(world, promise, &history),
        told: super::story::tell(world, &history),
        history,
    });
    Found { visited, broken }
}

/// The promise that is broken. Where the good run that liveness is about breaks another one, it is that one.
fn name<R: Rule>(world: &World<R>, promise: &'static str, history: &[Step]) -> &'static str {
    let first = State::new(&world.setting);
    let last = history
        .iter()
        .fold(first, |state, step| world.after(&state, *step).0);
    match world.recovers(&last) {
        Ok(()) | Err(Broken::HonestLockedOut) => promise,
        Err(other) => other.promise(),
    }
}
