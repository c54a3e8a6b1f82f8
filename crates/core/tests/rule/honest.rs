//! Long random histories of honest clients.

use super::world::{Broken, Setting, Shows, World};
use proptest::prelude::*;

/// Which of the possible moves comes next, as a share of them.
fn choices() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 1..400)
}

/// Walks through a world; after every move, the client must be able to get back in.
fn walk(setting: Setting, choices: &[u16]) -> Result<World, Broken> {
    let mut world = World::new(setting);
    for choice in choices {
        let moves = world.moves();
        if moves.is_empty() {
            break;
        }
        world.make(moves[usize::from(*choice) % moves.len()])?;
        world.recovers()?;
    }
    Ok(world)
}

fn setting(shows: Shows, tabs: usize) -> impl Strategy<Value = Setting> {
    (any::<bool>(), any::<bool>(), 1..=6_usize).prop_map(move |(pushes, repeats, flights_max)| {
        Setting {
            shows,
            tabs,
            pushes,
            // A bare client's messages arrive in order, and so not twice.
            repeats: repeats && shows != Shows::Nothing,
            thief: None,
            generations_max: 10_000,
            flights_max,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tabs_with_attempt_keys_are_never_revoked_and_never_locked_out(
        setting in (1..=3_usize).prop_flat_map(|tabs| setting(Shows::Attempt, tabs)),
        choices in choices(),
    ) {
        let walked = walk(setting, &choices);
        prop_assert!(walked.is_ok(), "{:?}", walked.err());
    }

    #[test]
    fn tabs_with_a_key_are_never_revoked_and_never_locked_out(
        setting in (1..=3_usize).prop_flat_map(|tabs| setting(Shows::Proof, tabs)),
        choices in choices(),
    ) {
        let walked = walk(setting, &choices);
        prop_assert!(walked.is_ok(), "{:?}", walked.err());
    }

    #[test]
    fn a_bare_client_within_its_promise_is_never_revoked_and_never_locked_out(
        setting in setting(Shows::Nothing, 1),
        choices in choices(),
    ) {
        let walked = walk(setting, &choices);
        prop_assert!(walked.is_ok(), "{:?}", walked.err());
    }
}

/// The walks above would prove nothing if they never got anywhere.
#[test]
fn a_random_walk_gets_through_many_generations() {
    let setting = Setting {
        shows: Shows::Attempt,
        tabs: 2,
        pushes: true,
        repeats: true,
        thief: None,
        generations_max: 10_000,
        flights_max: 4,
    };
    let mut number = 1_u16;
    let choices: Vec<u16> = std::iter::repeat_with(|| {
        // A linear congruence is random enough to wander.
        number = number.wrapping_mul(25_173).wrapping_add(13_849);
        number >> 3
    })
    .take(4000)
    .collect();
    let world = walk(setting, &choices).unwrap();
    assert!(world.record.confirmed.number() > 50, "{:?}", world.record);
}
