//! What `model` prints.

use super::thousands;
use crate::model::{
    configuration::{ATTEMPTS, BARE, Configuration, DEEP, LIMITS, LOSSES, PROOFS, THIEVES},
    mistake::SEEDED,
    rule::AsItRuns,
    run::{Found, check},
};
use anstream::{eprint, eprintln, println};
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
            sum.add(&promises(configuration));
        }
    }
    println!(
        "{} configurations, {} states, {} steps, {:.0?}, {} broken",
        sum.configurations,
        thousands(sum.states),
        thousands(sum.steps),
        sum.took,
        sum.broken
    );
    let missed = mistakes(histories);
    limits(histories);
    sum.broken == 0 && missed == 0
}

#[derive(Default)]
struct Sum {
    configurations: usize,
    states: u64,
    steps: u64,
    took: Duration,
    broken: usize,
}

impl Sum {
    fn add(&mut self, found: &Found) {
        self.configurations += 1;
        self.states += count(found.states);
        self.steps += count(found.steps);
        self.took += found.took;
        self.broken += usize::from(found.broken.is_some());
    }
}

fn promises(configuration: &Configuration) -> Found {
    let found = watched(configuration.name, || {
        check(configuration.setting, AsItRuns, |states, took| {
            eprint!("\r  {} states, {:.0?} ", thousands(count(states)), took);
        })
    });
    println!(
        "  {:<60} {:>13} states, depth {:>3}, {:>7.1?}",
        configuration.name,
        thousands(count(found.states)),
        found.depth,
        found.took
    );
    if let Some(broken) = &found.broken {
        println!("  BROKEN: {}\n{}", broken.promise, broken.told);
    }
    found
}

/// Takes the line with the progress away again.
fn watched(name: &str, check: impl FnOnce() -> Found) -> Found {
    eprint!("  {name}");
    let found = check();
    eprint!("\r\x1b[K");
    found
}

fn mistakes(histories: bool) -> usize {
    println!("Seeded mistakes");
    let mut missed = 0;
    for mistake in SEEDED {
        let found = check(mistake.setting, mistake.rule, |_, _| {});
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
        let found = check(limit.setting, AsItRuns, |_, _| {});
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

fn count(states: usize) -> u64 {
    u64::try_from(states).unwrap_or(u64::MAX)
}
