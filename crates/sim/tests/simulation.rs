//! Clients, nodes and a ledger under every fault, from two thousand seeds and those that once found something.

use handfast_sim::simulation::{
    Outcome, Plan,
    fault::{Counts, Fault, Faults, Sabotage},
};
use std::ops::Range;

const NO_FAULTS: Faults = Faults {
    any: false,
    thieves: false,
    lost_writes: false,
};

fn everybody_is_back(seeds: Range<u64>) {
    let mut counts = Counts::default();
    let mut broken = Vec::new();
    for seed in seeds {
        let plan = Plan::of_seed(seed);
        let outcome = plan.run();
        counts.add(&outcome.counts);
        if let Some((at, violation)) = outcome.violation {
            broken.push(format!("seed {seed}, after {at:?}: {violation}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    // A run in which nothing happens would prove nothing.
    for fault in Fault::ALL {
        assert!(counts.of(fault) > 0, "{fault:?} never happened");
    }
    assert!(counts.presentations > 1000 && counts.pushes > 100 && counts.robbed > 10);
}

#[test]
fn whatever_fails_everybody_is_back_from_seeds_0_to_499() {
    everybody_is_back(0..500);
}

#[test]
fn whatever_fails_everybody_is_back_from_seeds_500_to_999() {
    everybody_is_back(500..1_000);
}

#[test]
fn whatever_fails_everybody_is_back_from_seeds_1000_to_1499() {
    everybody_is_back(1_000..1_500);
}

#[test]
fn whatever_fails_everybody_is_back_from_seeds_1500_to_1999() {
    everybody_is_back(1_500..2_000);
}

#[test]
fn tokens_and_sessions_that_expire_are_replaced_by_logins() {
    let plan = Plan {
        rounds: 33,
        ..Plan::long(1)
    };
    let Outcome {
        violation, counts, ..
    } = plan.run();
    assert_eq!(violation, None);
    assert!(counts.logins > 4, "nothing expired in {counts:?}");
}

/// Its node was frozen while it presented; it gave up and went to another, and was in. Then the first presentation was
/// decided, for a connection that was gone, and the client was told that another one has its session.
#[test]
fn whose_own_late_presentation_took_its_session_comes_back_by_itself() {
    let plan = Plan {
        rounds: 6,
        ..Plan::long(245)
    };
    let Outcome {
        violation, counts, ..
    } = plan.run();
    assert_eq!(violation, None);
    assert!(counts.echoes > 0);
    assert_eq!(counts.stayed_away, 0);
}

/// A tab whose storage has another tab's session by now confirms no push; the ledger lost its session meanwhile.
#[test]
fn whoever_confirms_nothing_hears_as_well_that_its_session_is_lost() {
    let plan = Plan {
        rounds: 14,
        ..Plan::long(155)
    };
    assert_eq!(plan.run().violation, None);
}

#[test]
fn a_run_can_be_had_again_from_its_seed() {
    let plan = Plan::of_seed(7);
    assert_eq!(plan.run(), plan.run());
}

#[test]
fn where_nothing_fails_everybody_logs_in_once() {
    let plan = Plan {
        faults: NO_FAULTS,
        ..Plan::of_seed(1)
    };
    let outcome = plan.run();
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.counts.logins, u64::try_from(plan.clients).unwrap());
}

/// Runs seeds with a mistake in what is simulated, until a check finds it.
fn is_found(sabotage: Sabotage) {
    let found = (0..200).find_map(|seed| {
        let plan = Plan {
            sabotage: Some(sabotage),
            ..Plan::of_seed(seed)
        };
        plan.run().violation
    });
    assert!(found.is_some(), "nobody noticed {sabotage:?}");
}

#[test]
fn nodes_that_do_not_look_at_attempt_keys_are_found_out() {
    is_found(Sabotage::ForgetsAttemptKeys);
}

#[test]
fn nodes_that_hear_nothing_of_each_other_are_found_out() {
    is_found(Sabotage::HearsNothing);
}

#[test]
fn a_ledger_that_loses_in_silence_is_found_out() {
    is_found(Sabotage::LosesInSilence);
}

#[test]
fn flushes_that_lie_are_found_out_by_a_power_cut() {
    is_found(Sabotage::FlushLies);
}

#[test]
fn a_logout_that_ends_nothing_is_found_out() {
    is_found(Sabotage::EndsNothing);
}

#[test]
fn nodes_that_take_old_tokens_for_new_ones_are_found_out() {
    is_found(Sabotage::TakesOldForNew);
}

#[test]
fn clients_that_send_before_they_store_are_found_out() {
    is_found(Sabotage::SendsBeforeStoring);
}
