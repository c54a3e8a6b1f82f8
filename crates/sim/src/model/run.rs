//! Runs the checker over a model and tells what it found.

use super::{World, rule::Rule, setting::Setting, state::State, step::Step};
use stateright::{
    Checker, HasDiscoveries, Model,
    report::{ReportData, ReportDiscovery, Reporter},
};
use std::{collections::BTreeMap, fmt, time::Duration};

/// What a checker found.
#[derive(Debug)]
pub struct Found {
    /// How many different states there are.
    pub states: usize,
    /// How many steps were taken.
    pub steps: usize,
    /// The length of the longest of the shortest ways to a state.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The most changes of hands in any history.
    pub most_changes: u8,
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
pub fn check<R: Rule>(
    setting: Setting,
    rule: R,
    progress: impl FnMut(usize, Duration) + Send,
) -> Found {
    let checker = World::new(setting, rule)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs();
    let mut telling = Telling {
        progress,
        last: None,
    };
    let checker = checker.join_and_report(&mut telling);
    // One state may break several promises; the same one is told of every time.
    let broken = checker
        .discoveries()
        .into_iter()
        .min_by_key(|(promise, _)| *promise);
    let broken = broken.map(|(promise, path)| {
        let history = path.into_actions();
        let told = super::story::tell(checker.model(), &history);
        Counterexample {
            promise,
            history,
            told,
        }
    });
    Found {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        took: telling.last.unwrap_or_default(),
        most_changes: checker.model().most_changes(),
        broken,
    }
}

struct Telling<P> {
    progress: P,
    last: Option<Duration>,
}

impl<R: Rule, P: FnMut(usize, Duration)> Reporter<World<R>> for Telling<P> {
    fn report_checking(&mut self, data: ReportData) {
        self.last = Some(data.duration);
        if !data.done {
            (self.progress)(data.unique_states, data.duration);
        }
    }

    fn report_discoveries(
        &mut self,
        _: &World<R>,
        _: BTreeMap<&'static str, ReportDiscovery<World<R>>>,
    ) where
        Step: fmt::Debug + PartialEq,
        State: fmt::Debug + std::hash::Hash + PartialEq,
    {
    }

    fn delay(&self) -> Duration {
        /// How often progress is told, and by how much a run may end later than it could.
        const PACE: Duration = Duration::from_millis(50);
        PACE
    }
}
