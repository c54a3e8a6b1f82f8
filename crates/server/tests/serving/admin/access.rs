//! Who may ask at all.

use crate::{
    http::{self, Request},
    server::Server,
};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
};

const SUBJECTS: &str = "/admin/v1/subjects";

fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> (tempfile::TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "0123456789012345678901\n").unwrap();
    fs::set_permissions(folder.path().join("token"), Permissions::from_mode(0o644)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .current_dir(&folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (folder, output)
}

#[test]
fn nobody_gets_in_without_the_token_or_with_another() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let token = server.token();
    let missing = http::ask(server.admin(), Request::get(SUBJECTS));
    assert_eq!(missing.problem(), (401, "token_missing".to_owned(), None));
    let challenge = missing.header("www-authenticate");
    assert_eq!(challenge, Some("Bearer realm=\"handfast\""));
    let basic = Request::get(SUBJECTS).header("Authorization", &format!("Basic {token}"));
    assert_eq!(http::ask(server.admin(), basic).status, 401);
    for wrong in [
        "x",
        &token[1..],
        &format!("{token}x"),
        &token.to_uppercase(),
    ] {
        let answer = http::ask(server.admin(), Request::get(SUBJECTS).bearer(wrong));
        assert_eq!(answer.problem(), (401, "token_wrong".to_owned(), None));
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains("error=\"invalid_token\""));
    }
    // Not even what there is.
    for path in ["/", "/admin/v1/openapi.json", "/admin/v1/nothing"] {
        assert_eq!(http::ask(server.admin(), Request::get(path)).status, 401);
    }
    let answer = server.operate(Request::get(SUBJECTS));
    assert_eq!(
        (answer.status, answer.header("cache-control")),
        (200, Some("no-store"))
    );
}

#[test]
fn the_token_is_kept_from_others_and_over_restarts_and_out_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("HANDFAST_LOG__LEVEL", "trace")];
    let server = Server::start(folder.path(), &variables);
    let token = server.token();
    let path = folder.path().join("data/admin-token");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.operate(Request::get(SUBJECTS)).status, 200);
    server.kill();
    let server = Server::start(folder.path(), &variables);
    assert_eq!(server.token(), token);
    assert_eq!(server.operate(Request::get(SUBJECTS)).status, 200);
    assert!(!crate::server::log_of(folder.path()).contains(&token));
}

#[test]
fn a_token_that_others_may_read_stops_the_start_with_its_remedy() {
    let variables = [("HANDFAST_ADMIN__TOKEN_FILE", "token")];
    let (_folder, output) = start_with(&["--admin", "127.0.0.1:0"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("may be read by others (mode 0644); chmod 600 token"),
        "{said}"
    );
}

#[test]
fn a_token_file_that_is_not_there_stops_the_start_by_name() {
    let variables = [("HANDFAST_ADMIN__TOKEN_FILE", "no-such-file")];
    let (_folder, output) = start_with(&["--admin", "127.0.0.1:0"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no-such-file"), "{said}");
}

#[test]
fn other_machines_are_not_served_in_clear_and_the_doctor_says_the_same() {
    let (_folder, output) = start_with(&["--admin", "0.0.0.0:0"], &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("in clear") && said.contains("admin.insecure = true"),
        "{said}"
    );
    let doctor = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(["doctor", "--admin", "0.0.0.0:0"])
        .env_clear()
        .output()
        .unwrap();
    assert_eq!(doctor.status.code(), Some(2));
    assert_eq!(String::from_utf8(doctor.stderr).unwrap(), said);
}

#[test]
fn a_place_that_is_taken_stops_the_start_and_names_the_setting() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let taken = server.admin().to_string();
    let (_folder, output) = start_with(&["--admin", &taken], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&taken) && said.contains("--admin"), "{said}");
}

#[test]
fn what_is_not_there_or_cannot_be_done_is_a_problem_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let answer = server.operate(Request::get("/admin/v1/nothing"));
    assert_eq!(answer.problem(), (404, "no_such_path".to_owned(), None));
    let answer = server.operate(Request::new("DELETE", SUBJECTS));
    assert_eq!(answer.problem(), (405, "no_such_method".to_owned(), None));
    let mut allowed: Vec<_> = answer.header("allow").unwrap().split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
}
