//! The configuration as a whole; what single values look like is tested beside their types.

use super::{clash::Clash, clash::Doubt, problem::Wrong, *};
use std::{fs, time::Duration};

fn from<const N: usize>(variables: [(&str, &str); N]) -> Result<Loaded, Problems> {
    load(Flags::default(), Environment::from(variables))
}

/// The one clash that there is.
fn clash<const N: usize>(variables: [(&str, &str); N]) -> Clash {
    match &wrongs(variables)[..] {
        [Wrong::Together(clash)] => Clash::clone(clash),
        wrongs => panic!("{wrongs:?}"),
    }
}

fn wrongs<const N: usize>(variables: [(&str, &str); N]) -> Vec<Wrong> {
    let Problems(problems) = from(variables).expect_err("it cannot work");
    problems.into_iter().map(|problem| problem.what).collect()
}

fn doubts<const N: usize>(variables: [(&str, &str); N]) -> Vec<Doubt> {
    let loaded = from(variables).expect("it can work");
    let warnings = loaded.warnings.into_iter();
    warnings.map(|warning| warning.what).collect()
}

fn file(text: &str) -> (tempfile::TempDir, Flags) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("handfast.toml");
    fs::write(&path, text).expect("a file");
    let config = Some(path);
    (
        folder,
        Flags {
            config,
            ..Flags::default()
        },
    )
}

#[test]
fn the_defaults_can_work_and_raise_no_doubt() {
    let loaded = from([]).expect("it can work");
    assert_eq!(loaded.warnings, []);
    assert_eq!(loaded.config.listen.to_string(), "127.0.0.1:9001");
    assert_eq!(loaded.config.token.lifetime, Duration::from_secs(604_800));
    assert_eq!(loaded.config.limits.message_bytes, 65_536);
}

#[test]
fn a_flag_wins_over_a_variable_a_variable_over_the_file_the_file_over_the_default() {
    let (_folder, flags) = file("listen = '127.0.0.1:1'\ndata = 'file'\ndemo_page = false\n");
    let flags = Flags {
        listen: Some("127.0.0.1:3".to_owned()),
        ..flags
    };
    let variables = [
        ("HANDFAST_LISTEN", "127.0.0.1:2"),
        ("HANDFAST_DATA", "variable"),
    ];
    let config = load(flags, variables.into()).expect("it can work").config;
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.data, PathBuf::from("variable"));
    assert!(!config.demo_page);
    assert_eq!(config.heartbeat.interval, Duration::from_secs(25));
}

#[test]
fn the_environment_may_name_the_file() {
    let (_folder, flags) = file("data = 'named'\n");
    let path = flags.config.expect("a path");
    let path = path.to_str().expect("it is UTF-8");
    let loaded = from([("HANDFAST_CONFIG", path)]).expect("it can work");
    assert_eq!(loaded.config.data, PathBuf::from("named"));
}

#[test]
fn every_problem_is_reported_in_one_go_those_of_the_file_first() {
    let (_folder, flags) = file("listen = 9001\n[token]\nlifetme = '20s'\nlifetime = 20\n");
    let flags = Flags {
        admin: Some("nowhere".to_owned()),
        ..flags
    };
    let variables = [("HANDFAST_REGISTRATION", "opne")];
    let Problems(problems) = load(flags, variables.into()).expect_err("it cannot work");
    let sources = problems.iter().map(|problem| match &problem.source {
        Source::Line(_, line) => format!("line {line}"),
        other => other.to_string(),
    });
    let sources: Vec<_> = sources.collect();
    let expected = [
        "line 1",
        "line 3",
        "line 4",
        "HANDFAST_REGISTRATION",
        "--admin",
    ];
    assert_eq!(sources, expected);
}

#[test]
fn a_file_that_cannot_be_read_is_not_held_against_the_rest() {
    let missing = Flags {
        config: Some("no such folder/handfast.toml".into()),
        ..Flags::default()
    };
    // With the default `refresh_after` this lifetime could not work; the file may say better.
    let variables = [
        ("HANDFAST_TOKEN__LIFETIME", "20s"),
        ("HANDFAST_LISTEN", "x"),
    ];
    let Problems(problems) = load(missing, variables.into()).expect_err("it cannot work");
    assert!(matches!(problems[0].what, Wrong::Unreadable(_)));
    assert!(matches!(problems[1].what, Wrong::Malformed { .. }));
    assert_eq!(problems.len(), 2);
}

#[test]
fn a_token_must_be_replaced_before_it_expires() {
    assert!(matches!(
        clash([("HANDFAST_TOKEN__LIFETIME", "20s")]),
        Clash::RefreshedTooLate { .. }
    ));
    let quick = [
        ("HANDFAST_TOKEN__LIFETIME", "20s"),
        ("HANDFAST_TOKEN__REFRESH_AFTER", "12s"),
        ("HANDFAST_HEARTBEAT__INTERVAL", "5s"),
    ];
    assert_eq!(doubts(quick), []);
}

#[test]
fn a_broken_setting_is_not_held_against_those_that_go_with_it() {
    let wrongs = wrongs([
        ("HANDFAST_TOKEN__LIFETIME", "20s"),
        ("HANDFAST_TOKEN__REFRESH_AFTER", "12"),
    ]);
    assert_eq!(wrongs, [Wrong::UnitMissing("12".to_owned())]);
}

#[test]
fn an_honest_client_must_be_able_to_refresh_as_often_as_it_is_told_to() {
    let hasty = [
        ("HANDFAST_TOKEN__REFRESH_AFTER", "1s"),
        ("HANDFAST_HEARTBEAT__INTERVAL", "1s"),
    ];
    let Clash::RefreshedTooOften { least, .. } = clash(hasty) else {
        panic!("it was taken");
    };
    assert_eq!(least, "2s");
    let unlimited = [
        hasty[0],
        hasty[1],
        ("HANDFAST_LIMITS__PRESENTATIONS_PER_SESSION", "off"),
    ];
    assert_eq!(doubts(unlimited), [Doubt::PresentationsUnlimited]);
}

#[test]
fn a_heartbeat_of_no_time_is_refused() {
    assert!(matches!(
        wrongs([("HANDFAST_HEARTBEAT__INTERVAL", "0s")])[..],
        [Wrong::OutOfRange { .. }]
    ));
}

#[test]
fn half_of_a_certificate_is_refused() {
    assert_eq!(
        clash([("HANDFAST_TLS__CERT", "cert.pem")]),
        Clash::CertWithoutKey
    );
    assert_eq!(
        clash([("HANDFAST_TLS__KEY", "key.pem")]),
        Clash::KeyWithoutCert
    );
    let both = [("HANDFAST_TLS__CERT", "c"), ("HANDFAST_TLS__KEY", "k")];
    assert!(from(both).expect("it can work").config.tls.is_some());
}

#[test]
fn what_works_but_surprises_is_told_as_a_doubt() {
    assert!(matches!(
        doubts([("HANDFAST_SESSION__MAX_LIFETIME", "1d")])[..],
        [Doubt::OutlivesSession { .. }]
    ));
    assert!(matches!(
        doubts([("HANDFAST_TOKEN__REFRESH_AFTER", "10s")])[..],
        [Doubt::RefreshedBetweenBeats { .. }]
    ));
    assert_eq!(
        doubts([("HANDFAST_PASSWORD__MEMORY_KIB", "8")]),
        [Doubt::WeakHash]
    );
    assert_eq!(
        doubts([("HANDFAST_FANOUT__URL", "nats://bus")]),
        [Doubt::NobodyToTell]
    );
    let cookie = ("HANDFAST_DELIVERY", "cookie");
    let anywhere = ("HANDFAST_LISTEN", "0.0.0.0:9001");
    let proxies = ("HANDFAST_TRUSTED_PROXIES", "10.0.0.0/8");
    assert_eq!(doubts([cookie, anywhere]), [Doubt::CookieWithoutTls]);
    assert_eq!(doubts([cookie, anywhere, proxies]), []);
    assert_eq!(doubts([cookie]), []);
    assert_eq!(
        doubts([("HANDFAST_LEDGER__ROLL_FORWARD", "true")]),
        [Doubt::RollsForward]
    );
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    assert!(matches!(
        clash([("HANDFAST_LIMITS__MESSAGE_BYTES", "2KiB")]),
        Clash::LargerBeforeLogin { .. }
    ));
    assert!(matches!(
        clash([
            ("HANDFAST_PASSWORD__PARALLELISM", "4"),
            ("HANDFAST_PASSWORD__MEMORY_KIB", "31"),
        ]),
        Clash::TooLittleMemory { least_kib: 32, .. }
    ));
}

#[test]
fn operators_are_not_spoken_to_in_clear_over_a_network_unless_that_is_said() {
    let anywhere = ("HANDFAST_ADMIN__LISTEN", "0.0.0.0:9002");
    let insecure = ("HANDFAST_ADMIN__INSECURE", "true");
    let tls = [("HANDFAST_TLS__CERT", "c"), ("HANDFAST_TLS__KEY", "k")];
    assert!(matches!(clash([anywhere]), Clash::AdminInClear { .. }));
    assert_eq!(doubts([anywhere, insecure]), [Doubt::AdminInClear]);
    assert_eq!(doubts([anywhere, tls[0], tls[1]]), []);
    assert_eq!(doubts([insecure]), []);
    assert_eq!(doubts([("HANDFAST_ADMIN__LISTEN", "[::1]:9002")]), []);
}

#[test]
fn every_setting_has_a_variable_that_is_not_taken_for_service_discovery() {
    for setting in from([]).expect("it can work").effective {
        let variable = layer::variable_of(setting.key);
        let layer = Environment::from([(variable.as_str(), "x")]).layer();
        assert!(layer.settings.contains_key(setting.key), "{variable}");
    }
}

#[test]
fn the_settings_of_a_section_stand_together() {
    let loaded = from([]).expect("it can work");
    let mut sections: Vec<_> = loaded
        .effective
        .iter()
        .map(|setting| unknown::section_of(setting.key))
        .collect();
    sections.dedup();
    let before = sections.len();
    sections.sort_unstable();
    sections.dedup();
    assert_eq!(sections.len(), before);
    assert!(sections[0].is_none(), "the top comes first");
}
