//! Every history of a small world.

use super::world::{Broken, Move, Setting, Shows, Theft, World};
use std::collections::{HashSet, VecDeque};

/// What a search found.
#[derive(Debug)]
struct Found {
    worlds: usize,
    /// The most changes of hands in any history.
    changes_of_hands: u8,
    silently_refused: bool,
}

/// How many worlds one search may visit.
const WORLDS_MAX: usize = 300_000;

/// The worlds that were reached, each with the world and the move that it was first reached by.
type Parents = Vec<(usize, Option<Move>)>;

/// Visits every world that `setting` leads to.
///
/// # Panics
/// Where a promise is broken, with the shortest history that breaks it.
fn search(setting: Setting) -> Found {
    let mut seen = HashSet::new();
    let mut parents: Parents = vec![(0, None)];
    let mut queue = VecDeque::from([(0, World::new(setting))]);
    let mut changes_of_hands = 0;
    let mut silently_refused = false;
    while let Some((number, world)) = queue.pop_front() {
        changes_of_hands = changes_of_hands.max(world.changes_of_hands);
        match world.recovers() {
            Err(Broken::SilentlyRefused) => silently_refused = true,
            recovers => assert_eq!(recovers, Ok(()), "after {}", history(&parents, number)),
        }
        for step in world.moves() {
            let mut next = world.clone();
            match next.make(step) {
                Err(Broken::SilentlyRefused) => silently_refused = true,
                made => assert_eq!(made, Ok(()), "{step:?} after {}", history(&parents, number)),
            }
            if seen.insert(next.fingerprint()) {
                parents.push((number, Some(step)));
                queue.push_back((parents.len() - 1, next));
                assert!(
                    seen.len() <= WORLDS_MAX,
                    "a search that does not end in time"
                );
            }
        }
    }
    Found {
        worlds: seen.len(),
        changes_of_hands,
        silently_refused,
    }
}

fn history(parents: &Parents, mut number: usize) -> String {
    let mut moves = Vec::new();
    while let (parent, Some(step)) = parents[number] {
        moves.push(format!("{step:?}"));
        number = parent;
    }
    moves.reverse();
    moves.join(", ")
}

/// One tab that shows an attempt key, with pushes, and nobody else.
const ONE_TAB: Setting = Setting {
    shows: Shows::Attempt,
    tabs: 1,
    pushes: true,
    repeats: false,
    thief: None,
    generations_max: 4,
    flights_max: 2,
};
/// A thief who copies the storage while no attempt is in progress, and acknowledges nothing.
const AT_REST: Option<Theft> = Some(Theft {
    at_rest: true,
    acknowledges: false,
});
/// A thief who copies the storage whenever it likes, and acknowledges nothing.
const AT_ANY_TIME: Option<Theft> = Some(Theft {
    at_rest: false,
    acknowledges: false,
});

/// Searches a world without a thief.
fn search_honest(setting: Setting) {
    let found = search(setting);
    assert!(found.worlds > 1000, "so few worlds show nothing: {found:?}");
}

/// Searches a world with a thief, who must be found out after at most `changes_max` changes of hands.
fn search_thief(setting: Setting, changes_max: u8) {
    let found = search(setting);
    assert!(found.worlds > 1000, "so few worlds show nothing: {found:?}");
    assert!(found.changes_of_hands <= changes_max, "{found:?}");
    assert!(!found.silently_refused, "{found:?}");
}

#[test]
fn one_tab_with_attempt_keys_always_gets_in_and_is_never_revoked() {
    search_honest(ONE_TAB);
}

#[test]
fn two_tabs_with_attempt_keys_always_get_in_and_are_never_revoked() {
    search_honest(Setting {
        tabs: 2,
        generations_max: 3,
        ..ONE_TAB
    });
}

#[test]
fn requests_that_the_network_repeats_revoke_nobody() {
    search_honest(Setting {
        repeats: true,
        ..ONE_TAB
    });
}

#[test]
fn a_bare_client_within_its_promise_always_gets_in_and_is_never_revoked() {
    search_honest(Setting {
        shows: Shows::Nothing,
        generations_max: 5,
        flights_max: 3,
        ..ONE_TAB
    });
}

#[test]
fn two_tabs_with_a_key_always_get_in_and_are_never_revoked() {
    search_honest(Setting {
        shows: Shows::Proof,
        tabs: 2,
        generations_max: 2,
        ..ONE_TAB
    });
}

#[test]
fn a_thief_without_the_key_gets_nothing_and_disturbs_nobody() {
    search_thief(
        Setting {
            shows: Shows::Proof,
            generations_max: 3,
            thief: AT_ANY_TIME,
            ..ONE_TAB
        },
        0,
    );
}

#[test]
fn who_copied_storage_at_rest_is_found_out_by_the_second_party_that_presents() {
    search_thief(
        Setting {
            pushes: false,
            thief: AT_REST,
            ..ONE_TAB
        },
        0,
    );
}

#[test]
fn who_copied_storage_at_rest_while_a_push_was_under_way_is_found_out_one_change_of_hands_later() {
    search_thief(
        Setting {
            generations_max: 3,
            thief: AT_REST,
            ..ONE_TAB
        },
        1,
    );
}

#[test]
fn who_copied_storage_in_the_middle_of_an_attempt_is_found_out_after_three_changes_of_hands() {
    search_thief(
        Setting {
            pushes: false,
            generations_max: 3,
            thief: AT_ANY_TIME,
            ..ONE_TAB
        },
        3,
    );
}

#[test]
fn pushes_do_not_help_a_thief_who_acknowledges_none() {
    search_thief(
        Setting {
            flights_max: 1,
            thief: AT_ANY_TIME,
            ..ONE_TAB
        },
        3,
    );
}

#[test]
fn who_copied_a_bare_token_is_found_out_after_two_changes_of_hands() {
    search_thief(
        Setting {
            shows: Shows::Nothing,
            thief: AT_ANY_TIME,
            ..ONE_TAB
        },
        2,
    );
}

/// Such a thief can leave the honest client with a generation that counts as replaced by a push, so that it is told
/// `stale` for good; that is why nothing is said about it here.
#[test]
fn a_thief_who_acknowledges_is_found_out_after_five_changes_of_hands_within_four_generations() {
    let found = search(Setting {
        flights_max: 1,
        thief: Some(Theft {
            at_rest: false,
            acknowledges: true,
        }),
        ..ONE_TAB
    });
    assert!(found.changes_of_hands <= 5, "{found:?}");
}
