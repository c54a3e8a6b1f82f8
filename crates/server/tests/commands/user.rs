//! `handfast user` and `handfast session` where no server runs.

use crate::program::{Printed, Program};
use serde_json::Value;

/// Where nobody listens: port 1 is for who is root and offers a service that nobody has.
const NOBODY: &str = "--admin 127.0.0.1:1";

fn program() -> Program {
    Program::new()
        .variable("HANDFAST_PASSWORD__MEMORY_KIB", "8")
        .variable("HANDFAST_PASSWORD__ITERATIONS", "1")
}

fn run(program: &Program, stdin: &str, line: &str) -> Printed {
    program.run_with(stdin, &format!("{line} {NOBODY}"))
}

#[track_caller]
fn fine(printed: &Printed) {
    assert_eq!((printed.code, printed.err.as_str()), (0, ""), "{printed:?}");
}

#[test]
fn accounts_are_made_before_the_first_start_and_listed() {
    let program = program();
    let added = run(&program, "correct horse\n", "user add Ada --password-stdin");
    fine(&added);
    assert!(added.out.ends_with("added ada\n"), "{added:?}");
    assert!(
        added
            .out
            .contains("no server runs; the account is in handfast-data")
    );
    fine(&run(
        &program,
        "correct horse",
        "user add bob --password-stdin",
    ));
    let listed = run(&program, "", "user list");
    fine(&listed);
    let lines: Vec<_> = listed.out.lines().collect();
    assert!(lines[0].starts_with("USER  MADE "), "{listed:?}");
    assert!(lines[1].starts_with("ada   20") && lines[1].ends_with("Z  enabled"));
    assert!(lines[2].starts_with("bob   20"));
    let listed: Vec<Value> =
        serde_json::from_str(&run(&program, "", "user list --json").out).unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (&listed[0]["subject"], &listed[0]["disabled"]),
        (&"ada".into(), &false.into())
    );
}

#[test]
fn what_cannot_be_undone_needs_a_yes_where_nobody_can_be_asked() {
    let program = program();
    fine(&run(
        &program,
        "correct horse\n",
        "user add ada --password-stdin",
    ));
    for line in [
        "user disable ada",
        "user passwd ada",
        "session revoke --user ada",
    ] {
        let refused = run(&program, "y\n", line);
        assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{line}");
        assert!(
            refused
                .err
                .contains("  = say that it is meant, with --yes\n"),
            "{refused:?}"
        );
    }
    assert!(run(&program, "", "user list").out.contains("enabled"));
    let disabled = run(&program, "", "user disable ada --yes");
    fine(&disabled);
    assert_eq!(disabled.out, "disabled ada\nended 0 sessions\n");
    assert!(run(&program, "", "user list").out.contains("disabled"));
    let enabled = run(&program, "", "user enable ada");
    fine(&enabled);
    assert_eq!(enabled.out, "enabled ada\n");
    assert!(run(&program, "", "user list").out.contains("enabled"));
}

#[test]
fn a_password_is_taken_from_a_terminal_or_on_demand_from_stdin_only() {
    let program = program();
    let refused = run(&program, "correct horse\n", "user add ada");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("--password-stdin"), "{refused:?}");
    let empty = run(&program, "", "user add ada --password-stdin");
    assert_eq!(empty.code, 1);
    assert!(empty.err.contains("no password was given"), "{empty:?}");
    let short = run(&program, "short\n", "user add ada --password-stdin");
    assert_eq!(short.code, 1);
    assert!(short.err.contains("`password` is too short"), "{short:?}");
    assert!(
        run(&program, "", "user list")
            .out
            .contains("there are no accounts")
    );
}

#[test]
fn who_is_not_there_is_named_as_such_and_nothing_is_typed_for_nothing() {
    let program = program();
    fine(&run(
        &program,
        "correct horse\n",
        "user add ada --password-stdin",
    ));
    for line in [
        "user passwd bob --password-stdin",
        "user disable bob --yes",
        "user enable bob",
        "session list bob",
        "session revoke --user bob --yes",
    ] {
        let refused = run(&program, "correct horse\n", line);
        assert_eq!((refused.code, refused.out.as_str()), (1, ""), "{line}");
        assert!(
            refused.err.contains("there is no such subject"),
            "{line}: {refused:?}"
        );
    }
    let unknown = run(&program, "", "session revoke AAAAAAAAAAAAAAAAAAAAAA --yes");
    assert!(
        unknown.err.contains("there is no such session"),
        "{unknown:?}"
    );
    let taken = run(&program, "correct horse\n", "user add ADA --password-stdin");
    assert_eq!(taken.code, 1);
    assert!(taken.err.contains("has an account already"), "{taken:?}");
}

#[test]
fn where_there_is_neither_a_server_nor_data_nothing_is_made() {
    let program = program();
    for line in ["user list", "user disable ada --yes", "session list ada"] {
        let refused = run(&program, "", line);
        assert_eq!(refused.code, 1);
        assert!(
            refused.err.contains("no server answers at 127.0.0.1:1"),
            "{refused:?}"
        );
        assert!(refused.err.contains("\n  = "), "{refused:?}");
    }
    assert!(!program.path("handfast-data").exists());
}

#[test]
fn a_session_or_a_user_is_named_to_end_and_not_both() {
    let program = program();
    assert_eq!(program.run("session revoke").code, 2);
    assert_eq!(program.run("session revoke x --user ada").code, 2);
}

#[test]
fn what_a_command_changes_is_recorded_and_what_it_only_looks_at_is_not() {
    let program = program().variable("HANDFAST_AUDIT__PATH", "audit.jsonl");
    fine(&run(
        &program,
        "correct horse\n",
        "user add ada --password-stdin",
    ));
    fine(&run(&program, "", "user list"));
    let shown = run(&program, "", "audit --json");
    fine(&shown);
    let records: Vec<Value> = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(records.len(), 1, "{shown:?}");
    assert_eq!(records[0]["event"], "operated");
    assert_eq!(records[0]["by"], "command");
    assert_eq!(records[0]["subject"], "ada");
    assert_eq!(records[0]["request"], "POST /admin/v1/subjects");
}

#[test]
fn a_record_that_cannot_be_written_stops_a_command_before_it_does_anything() {
    let program = program().variable("HANDFAST_AUDIT__PATH", "nowhere/audit.jsonl");
    let refused = run(&program, "correct horse\n", "user add ada --password-stdin");
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .err
            .contains("cannot be written to nowhere/audit.jsonl")
            && refused.err.contains("`audit.path`"),
        "{refused:?}"
    );
    let listed = Program::run(
        &program.variable("HANDFAST_AUDIT__PATH", ""),
        &format!("user list {NOBODY}"),
    );
    assert!(!listed.out.contains("ada"), "{listed:?}");
}
