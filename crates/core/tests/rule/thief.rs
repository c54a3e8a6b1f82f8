//! Long random histories with a second holder of a token.

use super::world::{Move, Setting, Shows, Theft, World};
use proptest::prelude::*;

fn choices() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(any::<u16>(), 1..200)
}

/// Walks through a world with a thief, who may steal after `before` moves, and says whether it was in the middle of an
/// attempt and how often hands changed.
fn walk(setting: Setting, before: usize, choices: &[u16]) -> Result<World, TestCaseError> {
    let mut world = World::new(setting);
    for (number, choice) in choices.iter().enumerate() {
        let mut moves = world.moves();
        if number < before {
            moves.retain(|step| *step != Move::Steal);
        } else if moves.contains(&Move::Steal) {
            moves = vec![Move::Steal];
        }
        if moves.is_empty() {
            break;
        }
        let step = moves[usize::from(*choice) % moves.len()];
        let made = world.make(step).and_then(|()| world.recovers());
        prop_assert_eq!(made, Ok(()), "by {:?}", step);
    }
    Ok(world)
}

fn setting(shows: Shows, at_rest: bool) -> impl Strategy<Value = Setting> {
    (any::<bool>(), 1..=4_usize).prop_map(move |(pushes, flights_max)| Setting {
        shows,
        tabs: 1,
        pushes,
        repeats: false,
        thief: Some(Theft {
            at_rest,
            acknowledges: false,
        }),
        generations_max: 10_000,
        flights_max,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn who_copied_storage_at_rest_changes_hands_once_at_most(
        setting in setting(Shows::Attempt, true),
        before in 0..60_usize,
        choices in choices(),
    ) {
        let world = walk(setting, before, &choices)?;
        prop_assert!(world.changes_of_hands <= u8::from(setting.pushes));
    }

    #[test]
    fn who_copied_storage_at_any_time_changes_hands_three_times_at_most(
        setting in setting(Shows::Attempt, false),
        before in 0..60_usize,
        choices in choices(),
    ) {
        let world = walk(setting, before, &choices)?;
        let most = if world.was_stolen_mid_attempt() { 3 } else { 1 };
        prop_assert!(world.changes_of_hands <= most);
    }

    #[test]
    fn who_copied_a_bare_token_changes_hands_twice_at_most(
        setting in setting(Shows::Nothing, false),
        before in 0..60_usize,
        choices in choices(),
    ) {
        let world = walk(setting, before, &choices)?;
        prop_assert!(world.changes_of_hands <= 2);
    }

    #[test]
    fn a_thief_without_the_key_never_gets_in(
        setting in setting(Shows::Proof, false),
        before in 0..60_usize,
        choices in choices(),
    ) {
        let world = walk(setting, before, &choices)?;
        prop_assert_eq!(world.record.revoked, None);
    }
}
