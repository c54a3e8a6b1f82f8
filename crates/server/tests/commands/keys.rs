//! `handfast keys list` and `rotate`.

use crate::program::Program;
use handfast::keys::{Algorithm, KeyFile};
use handfast_core::time::Timestamp;
use serde_json::Value;

/// A folder with a data folder in it that has one key, made at `made`.
pub(crate) fn with_key(made: u64) -> Program {
    let program = Program::new();
    std::fs::create_dir(program.path("handfast-data")).expect("a folder can be made");
    KeyFile::new(program.path("handfast-data/keys.jwks"))
        .load_or_create(Algorithm::Hs256, Timestamp::from_unix(made))
        .expect("a key can be made");
    program
}

fn listed(program: &Program) -> Vec<Value> {
    let printed = program.run("keys list --json");
    assert_eq!(printed.code, 0, "{printed:?}");
    serde_json::from_str(&printed.out).expect("it is JSON")
}

#[test]
fn without_a_key_file_there_is_a_remedy() {
    for command in ["keys list", "keys rotate"] {
        let printed = Program::new().run(command);
        assert_eq!((printed.code, printed.out.as_str()), (1, ""));
        assert!(
            printed.err.contains("handfast-data/keys.jwks"),
            "{printed:?}"
        );
        assert!(printed.err.contains("\n  = "), "{printed:?}");
    }
}

#[test]
fn the_listed_key_has_its_date_and_its_use() {
    let program = with_key(1_767_225_600);
    let printed = program.run("keys list");
    let lines: Vec<_> = printed.out.lines().collect();
    assert!(lines[0].starts_with("KEY "), "{printed:?}");
    assert!(lines[1].contains("  HS256      2026-01-01 00:00:00Z  signs and verifies"));
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_rotation_puts_a_new_key_in_front_and_lets_the_old_one_verify() {
    let program = with_key(1_767_225_600).variable("HANDFAST_TOKEN__ALGORITHM", "EdDSA");
    let before = listed(&program);
    let printed = program.run("keys rotate --activate-after 0s");
    assert_eq!(printed.code, 0, "{printed:?}");
    let after = listed(&program);
    assert_eq!(after.len(), 2);
    assert_eq!(after[0]["algorithm"], "EdDSA");
    assert_eq!(after[0]["signs"], true);
    assert_eq!(after[1]["kid"], before[0]["kid"]);
    assert_eq!(after[1]["signs"], false);
    assert!(after[1]["verify_until"].is_u64());
    let kid = before[0]["kid"].as_str().expect("a name");
    let replaced = format!("\nreplaced {kid} (HS256), which verifies until 20");
    assert!(printed.out.contains(&replaced), "{printed:?}");
}

#[test]
fn a_rotation_to_another_algorithm_is_warned_of() {
    let rotate = "keys rotate --activate-after 0s";
    let printed = with_key(1_767_225_600).run(rotate);
    assert_eq!(printed.code, 0, "{printed:?}");
    assert!(!printed.out.contains("warning"), "{printed:?}");
    let program = with_key(1_767_225_600).variable("HANDFAST_TOKEN__ALGORITHM", "EdDSA");
    let printed = program.run(rotate);
    assert_eq!(printed.code, 0, "{printed:?}");
    let warning = "\nwarning: the new key is for EdDSA, the one before it for HS256\n  = ";
    assert!(printed.out.contains(warning), "{printed:?}");
}

#[test]
fn a_new_key_waits_until_every_node_can_know_it() {
    let program = with_key(1_767_225_600);
    let before = listed(&program);
    let printed = program.run("keys rotate");
    assert!(printed.out.contains("\nsigns    from 20"), "{printed:?}");
    let after = listed(&program);
    assert_eq!(after[0]["signs"], false);
    let made = after[0]["created_at"].as_u64().expect("a time");
    assert_eq!(after[0]["sign_from"], made + 600);
    assert_eq!(after[1]["kid"], before[0]["kid"]);
    assert_eq!(after[1]["signs"], true, "the one before it goes on");
    let week_and_day = 8 * 86_400;
    assert_eq!(after[1]["verify_until"], made + 600 + week_and_day);
    let list = program.run("keys list").out;
    assert!(list.contains("verifies; signs from "), "{list}");
}

#[test]
fn a_wait_that_is_no_duration_is_refused_and_adds_no_key() {
    let program = with_key(1_767_225_600);
    let printed = program.run("keys rotate --activate-after 5");
    assert_eq!(printed.code, 2, "{printed:?}");
    assert!(printed.err.contains("\"5m\""), "{printed:?}");
    assert_eq!(listed(&program).len(), 1);
}

#[test]
fn no_list_shows_a_secret() {
    let program = with_key(1_767_225_600);
    let file = program.path("handfast-data/keys.jwks");
    let set: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("it is there"))
        .expect("it is JSON");
    let secret = set["keys"][0]["k"].as_str().expect("it has a secret");
    for command in ["keys list", "keys list --json", "keys rotate", "doctor"] {
        let printed = program.run(command);
        assert!(!printed.out.contains(secret) && !printed.err.contains(secret));
    }
}
