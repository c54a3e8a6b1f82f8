//! What the files of `deploy` set is what the server can be set to, and leaves it the time that it needs.

use crate::{
    client::{Client, login, present},
    http::Request,
    server::Server,
};
use handfast_ledger::conformance::service::PostgresServer;
use std::process::{Command, Output};

const UNIT: &str = include_str!("../../../../deploy/systemd/handfast.service");
const COMPOSE: &str = include_str!("../../../../deploy/compose/compose.yaml");
const KUBERNETES: &str = include_str!("../../../../deploy/kubernetes/deployment.yaml");
const IMAGE: &str = include_str!("../../../../Dockerfile");
/// What a server may take beyond `drain.delay` and `drain.spread`, in seconds, as `docs/guide/running.md` counts it.
const LAST_SECONDS: u64 = 25;

/// The settings of a file: `HANDFAST_…: value`, `HANDFAST_…=value`, or `name: HANDFAST_…, value: …`. The URL of the
/// database comes from elsewhere, or has something in it that does.
fn settings(text: &str) -> Vec<(&str, String)> {
    let lines = text.lines().filter(|line| !line.trim().starts_with('#'));
    let words = lines.flat_map(|line| line.split("HANDFAST_").skip(1));
    let settings = words.filter_map(setting);
    settings
        .filter(|(name, _)| *name != "LEDGER__URL")
        .collect()
}

fn setting(text: &str) -> Option<(&str, String)> {
    let end = text.find(|it: char| !it.is_ascii_uppercase() && it != '_')?;
    let (name, rest) = text.split_at(end);
    let rest = rest
        .trim_start_matches([',', ' '])
        .trim_start_matches("value");
    let rest = rest.trim_start_matches([':', '=', ' ']);
    let value = rest.split([' ', '}']).next()?.trim_matches('"');
    (!value.is_empty()).then(|| (name, value.to_owned()))
}

/// Runs a command of the program under these settings.
fn run(arguments: &[&str], settings: &[(&str, String)]) -> Output {
    let variables = settings
        .iter()
        .map(|(name, value)| (format!("HANDFAST_{name}"), value));
    Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(arguments)
        .env_clear()
        .envs(variables)
        .output()
        .unwrap()
}

/// How many seconds a drain takes at most.
fn drain(settings: &[(&str, String)]) -> u64 {
    let shown = run(&["config", "show"], settings).stdout;
    let shown = String::from_utf8(shown).unwrap();
    let seconds = |name: &str| -> u64 {
        let value = shown.split(&format!("\n{name} = \"")).nth(1).unwrap();
        value.split("s\"").next().unwrap().parse().unwrap()
    };
    seconds("delay") + seconds("spread") + LAST_SECONDS
}

/// The number behind the name.
fn patience(text: &str, name: &str) -> u64 {
    let rest = text.split(name).nth(1).unwrap();
    let digits = rest.split(|it: char| !it.is_ascii_digit()).next();
    digits.unwrap().parse().unwrap()
}

#[test]
fn every_setting_in_the_files_is_one_that_the_server_takes() {
    for (file, least) in [(UNIT, 1), (COMPOSE, 5), (KUBERNETES, 8), (IMAGE, 2)] {
        let settings = settings(file);
        assert!(settings.len() >= least, "{settings:?}");
        let checked = run(&["config", "check"], &settings);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{settings:?}: {said}");
    }
}

#[test]
fn whoever_stops_a_server_waits_for_its_drain() {
    for (file, name) in [
        (UNIT, "TimeoutStopSec="),
        (COMPOSE, "stop_grace_period: "),
        (KUBERNETES, "terminationGracePeriodSeconds: "),
    ] {
        let (patience, drain) = (patience(file, name), drain(&settings(file)));
        assert!(
            patience >= drain,
            "{name}{patience}, but {drain} are needed"
        );
    }
}

#[test]
fn nodes_on_one_database_may_share_a_data_folder_as_they_do_in_compose() {
    let database = PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("HANDFAST_LEDGER__URL", database.expose())];
    let first = Server::start(folder.path(), &variables);
    let token = first.token();
    let second = Server::start(folder.path(), &variables);
    let mut client = Client::connect(first.address).unwrap();
    let answer = client.ask(&login("ada")).unwrap();
    let mut moved = Client::connect(second.address).unwrap();
    let resumed = moved.ask(&present(&answer["token"], "an attempt key of ada's"));
    assert_eq!(resumed.unwrap()["type"], "Success");
    assert_eq!(second.token(), token);
    let sessions = Request::get("/admin/v1/sessions?subject=ada");
    assert_eq!(second.operate(sessions).status, 200);
}
