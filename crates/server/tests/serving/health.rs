//! `handfast healthcheck`, as a container runs it beside the server.

use crate::server::{Server, wait_for_log};
use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::Command,
};

/// Whether the check of the server at `address` is content, and what it says.
fn checked(address: SocketAddr, options: &[&str]) -> (bool, String) {
    checked_with(address, options, &[])
}

/// The same, with these variables.
fn checked_with(
    address: SocketAddr,
    options: &[&str],
    variables: &[(&str, &str)],
) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .arg("healthcheck")
        .args(options)
        .env_clear()
        .env("HANDFAST_LISTEN", address.to_string())
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    (
        output.status.success(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

#[test]
fn a_health_check_tells_a_server_that_runs_from_one_that_can_serve() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[("HANDFAST_DRAIN__DELAY", "1h")]);
    let runs = (true, "ok  ok\n".to_owned());
    assert_eq!(checked(server.address, &[]), runs);
    let ready = (true, "ok  ready\n".to_owned());
    assert_eq!(checked(server.address, &["--ready"]), ready);

    server.signal("TERM");
    wait_for_log(folder.path(), "not ready any more", 0);
    assert_eq!(checked(server.address, &[]), runs);
    let stopping = (false, "fail  stopping\n".to_owned());
    assert_eq!(checked(server.address, &["--ready"]), stopping);
}

#[test]
fn a_health_check_does_not_call_ready_what_it_cannot_ask() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), &[]);
    let tls = [
        ("HANDFAST_TLS__CERT", "cert.pem"),
        ("HANDFAST_TLS__KEY", "key.pem"),
    ];
    assert!(checked_with(server.address, &[], &tls).0);
    let (is_ready, said) = checked_with(server.address, &["--ready"], &tls);
    assert!(!is_ready);
    assert!(said.contains("/readyz"), "{said}");
}

#[test]
fn a_health_check_fails_where_nobody_answers() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (is_well, said) = checked(address, &[]);
    assert!(!is_well);
    assert!(
        said.starts_with("fail  no handfast answers at 127.0.0.1:"),
        "{said}"
    );
}
