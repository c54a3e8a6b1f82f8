//! What `model` prints.

use super::{
    thousands,
    watch::{Watch, peak_memory},
};
use crate::model::{
    configuration::{ATTEMPTS, BARE, Configuration, DEEP, LIMITS, LOSSES, PROOFS, THIEVES},
    mistake::SEEDED,
    rule::AsItRuns,
    run::{Found, Progress, check},
};
use anstream::{eprintln, println};
use std::time::Duration;

/// Checks every model, and prints what was found. Says whether every promise holds and every mistake was found.
pub(crate) fn model(deep: bool, histories: bool) -> bool {
    let groups = [
        ("Honest clients with attempt keys", ATTEMPTS),
        ("Honest clients with a key", PROOFS),
        ("Honest bare clients", BARE),
        ("A ledger that loses its last write", LOSSES),
        ("A thief who copied the storage", THIEVES),
        ("More of the same", if deep { DEEP } else { &[] }),
    ];
    let mut sum = Sum::default();
    for (name, configurations) in groups {
        if !configurations.is_empty() {
            println!("{name}");
        }
        for configuration in configurations {
            let (found, took) = promises(configuration);
            sum.add(&found, took);
        }
    }
    sum.print();
    let missed = mistakes(histories);
    limits(histories);
    sum.broken == 0 && missed == 0
}

#[derive(Default)]
struct Sum {
    configurations: usize,
    visited: Progress,
    took: Duration,
    /// The probability that two states of one configuration have the same fingerprint.
    collision: f64,
    broken: usize,
}

impl Sum {
    fn add(&mut self, found: &Found, took: Duration) {
        let Progress {
            states,
            steps,
            depth,
        } = found.visited;
        self.configurations += 1;
        self.visited.states += states;
        self.visited.steps += steps;
        self.visited.depth = self.visited.depth.max(depth);
        self.took += took;
        let pairs = states as f64 * (states as f64 - 1.0) / 2.0;
        self.collision += pairs / 2_f64.powi(64);
        self.broken += usize::from(found.broken.is_some());
    }

    fn print(&self) {
        println!(
            "{} configurations, {} states, {} steps, depth at most {}, {:.0?}{}, {} broken",
            self.configurations,
            thousands(self.visited.states),
            thousands(self.visited.steps),
            self.visited.depth,
            self.took,
            peak_memory(),
            self.broken
        );
        println!(
            "The probability that a state was missed, because another has its fingerprint: less than {:.1e}",
            self.collision
        );
    }
}

fn promises(configuration: &Configuration) -> (Found, Duration) {
    let mut watch = Watch::begin(configuration.name);
    let found = check(configuration.setting, AsItRuns, |progress| {
        watch.tell(progress);
    });
    let took = watch.end();
    println!(
        "  {:<80} {:>13} states, depth {:>3}, {:>7.1?}",
        configuration.name,
        thousands(found.visited.states),
        found.visited.depth,
        took
    );
    if let Some(broken) = &found.broken {
        println!("  BROKEN: {}\n{}", broken.promise, broken.told);
    }
    (found, took)
}

fn mistakes(histories: bool) -> usize {
    println!("Seeded mistakes");
    let mut missed = 0;
    for mistake in SEEDED {
        let found = check(mistake.setting, mistake.rule, |_| {});
        let outcome = match &found.broken {
            Some(broken) => format!(
                "found: not {} ({} steps)",
                broken.promise,
                broken.history.len()
            ),
            None => "NOT FOUND".to_owned(),
        };
        println!("  {:<72} {outcome}", mistake.name);
        missed += usize::from(found.broken.is_none());
        if let Some(broken) = found.broken.filter(|_| histories) {
            println!("{}", broken.told);
        }
    }
    missed
}

fn limits(histories: bool) {
    println!("Known limits, each with the promise that it breaks");
    for limit in LIMITS {
        let found = check(limit.setting, AsItRuns, |_| {});
        let outcome = found
            .broken
            .as_ref()
            .map_or("no more", |broken| broken.promise);
        println!("  {}: {outcome}", limit.name);
        if let Some(broken) = found.broken.filter(|_| histories) {
            println!("{}", broken.told);
        }
    }
    if !histories {
        eprintln!("`--histories` shows how each of them comes about");
    }
}
