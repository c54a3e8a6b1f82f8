//! The session rule, as it runs, against every history within bounds; and against mistakes that must be found.

use handfast_sim::model::{
    World,
    configuration::{ATTEMPTS, BARE, Configuration, LIMITS, LOSSES, PROOFS, THIEVES},
    mistake::{SEEDED, Seeded},
    rule::AsItRuns,
    run::{Found, check, check_by_stateright},
    setting::{Copies, Habit, Pushes, Setting, Writes},
    state::State,
};
use stateright::Model as _;
use std::collections::HashSet;

/// Visits every state of each model. A broken promise is shown with a shortest history.
fn holds(configurations: &[Configuration]) {
    for Configuration { name, setting } in configurations {
        let found = check(*setting, AsItRuns, |_| {});
        if let Some(broken) = found.broken {
            panic!("{name}: not {}:\n{}", broken.promise, broken.told);
        }
        assert!(found.visited.states > 100, "{name}: {:?}", found.visited);
    }
}

#[test]
fn clients_with_attempt_keys_are_never_revoked_and_always_get_in() {
    holds(ATTEMPTS);
}

#[test]
fn clients_with_a_key_are_never_revoked_and_always_get_in() {
    holds(PROOFS);
}

#[test]
fn bare_clients_within_their_promise_are_never_revoked_and_always_get_in() {
    holds(BARE);
}

#[test]
fn a_ledger_that_lost_a_write_raises_an_alarm_and_revokes_nobody() {
    holds(LOSSES);
}

#[test]
fn a_thief_is_found_out_in_time_and_has_nothing_of_a_session_that_is_bound_to_a_key() {
    holds(THIEVES);
}

#[test]
fn every_seeded_mistake_is_found() {
    for mistake in SEEDED {
        let found = check(mistake.setting, mistake.rule, |_| {});
        assert!(found.broken.is_some(), "nobody noticed {}", mistake.name);
    }
}

#[test]
fn nothing_is_found_where_the_mistakes_are_seeded_and_the_rule_is_right() {
    let right = |seeded: &Seeded| {
        let setting = seeded.setting.with_habit(Habit::WhenNeeded);
        setting.writing(Writes::Atomically)
    };
    let is_checked_above = |setting: &Setting| {
        THIEVES.iter().any(|it| {
            let anyone_may_ask = it.setting.readable().pushing(setting.pushes);
            it.setting.pushes != Pushes::None && anyone_may_ask == *setting
        })
    };
    let mut settings: Vec<Setting> = SEEDED.iter().map(right).collect();
    settings.retain(|setting| !is_checked_above(setting));
    settings.sort_by_key(|setting| format!("{setting:?}"));
    settings.dedup();
    for setting in settings {
        let found = check(setting, AsItRuns, |_| {});
        assert_eq!(found.broken.map(|it| it.told), None, "{setting:?}");
    }
}

#[test]
fn the_known_limits_are_as_they_are_written_down() {
    for limit in LIMITS {
        let found = check(limit.setting, AsItRuns, |_| {});
        let promise = found.broken.map(|broken| broken.promise);
        assert_eq!(promise, Some(limit.promise), "{}", limit.name);
    }
}

/// How many states there are, told apart by what they are and not by a fingerprint.
fn told_apart(setting: Setting) -> u64 {
    let world = World::new(setting, AsItRuns);
    let mut next = world.init_states();
    let mut states: HashSet<State> = next.iter().cloned().collect();
    while let Some(state) = next.pop() {
        for state in world.next_states(&state) {
            if world.within_boundary(&state) && states.insert(state.clone()) {
                next.push(state);
            }
        }
    }
    states.len() as u64
}

#[test]
fn both_checkers_visit_the_same_states_and_find_the_same_mistakes() {
    let small = [
        Setting::attempts(3, 2),
        Setting::proofs(2, 2).repeating(),
        Setting::bare(7),
        Setting::attempts(1, 2).losing(2, true),
        Setting::attempts(1, 2)
            .pushing(Pushes::None)
            .stolen(Copies::AtRest, 0),
    ];
    for setting in small {
        let found = check(setting, AsItRuns, |_| {}).visited;
        let by_stateright = check_by_stateright(setting, AsItRuns).visited;
        assert_eq!(found, by_stateright, "{setting:?}");
        assert_eq!(found.states, told_apart(setting), "{setting:?}");
    }
    for Seeded {
        name,
        rule,
        setting,
    } in SEEDED
    {
        let length = |found: Found| found.broken.expect("a mistake").history.len();
        let found = length(check(*setting, *rule, |_| {}));
        // It stops later than it could, and tells of what it found last.
        let by_stateright = length(check_by_stateright(*setting, *rule));
        assert!(found <= by_stateright, "{name}: {found}, {by_stateright}");
    }
}
