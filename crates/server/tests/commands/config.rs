//! `handfast config show` and `check`, as a shell sees them.

use crate::program::Program;

#[test]
fn without_any_set_up_the_defaults_are_shown_and_can_work() {
    let program = Program::new();
    let shown = program.run("config show");
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(shown.out.starts_with("listen = \"127.0.0.1:9001\" "));
    assert!(shown.out.contains("\n[token]\nlifetime = \"7d\" "));
    let checked = program.run("config check");
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.out.starts_with("ok: "));
}

#[test]
fn what_is_shown_brings_about_the_same_when_it_is_used_as_a_file() {
    let settings = "allowed_origins = ['https://a.example']\n[token]\nlifetime = '1h'\n\
                    [limits]\nlogins_per_account = 'off'\n";
    let program = Program::new().file("handfast.toml", settings);
    let shown = program.run("--config handfast.toml config show").out;
    let again = Program::new().file("shown.toml", &shown);
    let shown_again = again.run("--config shown.toml config show").out;
    let values = |text: &str| {
        let lines = text.lines();
        let lines = lines.map(|line| line.split("  #").next().unwrap().trim_end().to_owned());
        lines.collect::<Vec<_>>()
    };
    assert_eq!(values(&shown), values(&shown_again));
    assert!(shown.contains("logins_per_account = \"off\""));
}

#[test]
fn each_value_is_shown_with_where_it_came_from() {
    let program = Program::new()
        .file("handfast.toml", "\nlisten = '127.0.0.1:1'\ndata = 'x'\n")
        .variable("HANDFAST_CONFIG", "handfast.toml")
        .variable("HANDFAST_HEARTBEAT__INTERVAL", "30s");
    let shown = program.run("config show --listen 127.0.0.1:2").out;
    let line = |start: &str| {
        let found = shown.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no {start}")).to_owned()
    };
    assert!(line("listen = \"127.0.0.1:2\"").ends_with("# --listen"));
    assert!(line("data = \"x\"").ends_with("# handfast.toml:3"));
    assert!(line("interval = \"30s\"").ends_with("# HANDFAST_HEARTBEAT__INTERVAL"));
    assert!(line("timeout = \"10s\"").ends_with("# default"));
}

#[test]
fn a_file_that_merely_lies_there_is_not_read() {
    let program = Program::new().file("handfast.toml", "nonsense");
    assert_eq!(program.run("config check").code, 0);
}

#[test]
fn every_problem_is_told_with_its_place_and_its_remedy() {
    let program = Program::new()
        .file(
            "bad.toml",
            "lisen = '127.0.0.1:9001'\n[token]\nlifetime = 20\n[tokens]\nissuer = 'x'\n",
        )
        .variable("HANDFAST_TOKEN_ISSUER", "x");
    for command in ["config check", "config show", "serve", ""] {
        let told = program.run(&format!("{command} --config bad.toml --admin 9002"));
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{command}");
        let expected = "\
error: `lisen`: there is no such setting
  --> bad.toml:1
  = did you mean `listen`?
error: `token.lifetime`: 20 has no unit
  --> bad.toml:3
  = write what it counts, for example \"20s\" or \"20m\"
error: `tokens`: there is no such section
  --> bad.toml:4
  = did you mean `token`?
error: there is no such environment variable
  --> HANDFAST_TOKEN_ISSUER
  = did you mean `HANDFAST_TOKEN__ISSUER`?
error: `admin.listen`: \"9002\" is not an address with a port
  --> --admin
  = write an IP address and a port, for example \"127.0.0.1:9001\" or \"[::]:9001\"
5 problems in the configuration
";
        assert_eq!(told.err, expected);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let told = Program::new().run("config check --config missing.toml");
    assert_eq!(told.code, 2);
    assert!(told.err.contains("  --> missing.toml\n"), "{}", told.err);
}

#[test]
fn a_password_in_a_url_is_never_printed() {
    let program = Program::new()
        .variable(
            "HANDFAST_LEDGER__URL",
            "postgres://handfast:hunter2@db/handfast",
        )
        .variable("HANDFAST_FANOUT__URL", "redis://:hunter2@cache");
    for command in ["config check", "config show"] {
        let told = program.run(command);
        assert_eq!(told.code, 0, "{}", told.err);
        let said = format!("{}{}", told.out, told.err);
        assert!(!said.contains("hunter2"), "{said}");
    }
    let shown = program.run("config show").out;
    assert!(
        shown.contains("postgres://handfast:…@db:5432/handfast"),
        "{shown}"
    );
    let wrong = Program::new().variable("HANDFAST_LEDGER__URL", "mysql://root:hunter2@db");
    let told = wrong.run("config check");
    assert_eq!(told.code, 2);
    assert!(
        told.err.contains("\"sqlite\" and \"postgres://"),
        "{}",
        told.err
    );
    assert!(!told.err.contains("hunter2"), "{}", told.err);
}

#[test]
fn a_doubt_does_not_stop_the_start_and_is_told() {
    let program = Program::new().variable("HANDFAST_SESSION__MAX_LIFETIME", "1d");
    let checked = program.run("config check");
    assert_eq!(checked.code, 0);
    assert!(
        checked.out.starts_with("warning: `session.max_lifetime`"),
        "{}",
        checked.out
    );
}

#[test]
fn a_wrong_command_line_ends_with_2_and_help_with_0() {
    let program = Program::new();
    assert_eq!(program.run("frobnicate").code, 2);
    assert_eq!(program.run("--frobnicate").code, 2);
    let help = program.run("--help");
    assert_eq!(help.code, 0);
    assert!(help.out.contains("handfast doctor"));
    assert!(program.run("--version").out.starts_with("handfast 0."));
}

#[test]
fn what_a_collector_knows_the_server_by_is_not_shown_and_not_sent_in_clear_without_a_warning() {
    let program = Program::new()
        .variable("HANDFAST_OTLP__ENDPOINT", "http://otel.example.com:4318")
        .variable("HANDFAST_OTLP__HEADERS", "authorization=Bearer hunter2");
    let shown = program.run("config show");
    let checked = program.run("config check");
    assert_eq!((shown.code, checked.code), (0, 0), "{checked:?}");
    assert!(shown.out.contains("headers = [\"authorization=…\"]"));
    let said = format!("{shown:?} {checked:?}");
    assert!(!said.contains("hunter2"), "{said}");
    assert!(said.contains("over the network in clear"), "{said}");
}
