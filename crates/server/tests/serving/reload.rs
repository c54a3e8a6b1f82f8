//! SIGHUP, and what it changes.

use crate::{
    client::{Client, login, present},
    server::{Server, log_of, wait_for_log},
};
use std::{
    fs::{self, Permissions},
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
};
use tempfile::TempDir;
use tungstenite::{Error, client::IntoClientRequest as _};

const RELOADED: &str = "reloaded changed=";
const REFUSED: &str = "nothing was reloaded";

/// A server that reads a file.
struct Bench {
    folder: TempDir,
    server: Server,
}

impl Bench {
    fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("handfast.toml");
        fs::write(&file, settings).unwrap();
        let variables = [
            ("HANDFAST_CONFIG", file.to_str().unwrap()),
            ("HANDFAST_DRAIN__SPREAD", "0s"),
        ];
        let server = Server::start(folder.path(), &variables);
        Self { folder, server }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Sends SIGHUP with the file as it should be, and waits for what the server says to it.
    fn reload(&self, settings: &str, said: &str) {
        fs::write(self.path().join("handfast.toml"), settings).unwrap();
        let times = log_of(self.path()).matches(said).count();
        self.server.signal("HUP");
        wait_for_log(self.path(), said, times);
    }

    /// The status of an upgrade request of a page of another origin.
    fn status(&self) -> u16 {
        let mut request = format!("ws://{}/ws/", self.server.address)
            .into_client_request()
            .unwrap();
        let origin = "https://app.example".parse().unwrap();
        request.headers_mut().insert("Origin", origin);
        match Client::requesting(self.server.address, request) {
            Ok(_) => 101,
            Err(Error::Http(response)) => response.status().as_u16(),
            Err(error) => panic!("{error}"),
        }
    }
}

const ALLOWED: &str = "allowed_origins = ['https://app.example']\n";

#[test]
fn what_the_file_says_now_is_in_force_and_nobody_is_closed() {
    let bench = Bench::start("");
    let mut client = Client::connect(bench.server.address).unwrap();
    let token = client.ask(&login("ada")).unwrap()["token"].clone();
    assert_eq!(bench.status(), 403);
    bench.reload(&format!("{ALLOWED}[token]\nlifetime = '1d'\n"), RELOADED);
    assert_eq!(bench.status(), 101);
    let log = log_of(bench.path());
    assert!(
        log.contains("changed=\"allowed_origins, token.lifetime\""),
        "{log}"
    );
    let next = client.ask(&present(&token, "an attempt key of ada"));
    let next = next.unwrap();
    let lifetime = next["expires_at"].as_u64().unwrap() - next["refresh_at"].as_u64().unwrap();
    assert_eq!(lifetime, 86_400 - 600);
    bench.reload("", RELOADED);
    assert_eq!(bench.status(), 403, "and back");
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_is_told_with_its_line_and_its_remedy() {
    let bench = Bench::start("");
    bench.reload(&format!("{ALLOWED}[limits]\nmessage_bytes = 0\n"), REFUSED);
    assert_eq!(bench.status(), 403);
    let log = log_of(bench.path());
    for said in ["`limits.message_bytes`", "handfast.toml:3", "remedy="] {
        assert!(log.contains(said), "{said}: {log}");
    }
    bench.reload(&format!("{ALLOWED}nonsense = 1\n"), REFUSED);
    bench.reload(&format!("{ALLOWED}listen = \n"), REFUSED);
    assert_eq!(bench.status(), 403);
    bench.reload(ALLOWED, RELOADED);
    assert_eq!(bench.status(), 101);
}

#[test]
fn a_file_that_the_configuration_names_and_cannot_be_used_changes_nothing_either() {
    let bench = Bench::start("");
    let keys = bench.path().join("data/keys.jwks");
    fs::set_permissions(&keys, Permissions::from_mode(0o644)).unwrap();
    bench.reload(ALLOWED, REFUSED);
    assert!(log_of(bench.path()).contains("chmod 600"));
    assert_eq!(bench.status(), 403);
    fs::set_permissions(&keys, Permissions::from_mode(0o600)).unwrap();
    let tls = "[tls]\ncert = 'missing.pem'\nkey = 'missing.pem'\n";
    bench.reload(&format!("{ALLOWED}{tls}"), REFUSED);
    assert!(log_of(bench.path()).contains("missing.pem"));
    assert_eq!(bench.status(), 403);
    let mut client = Client::connect(bench.server.address).unwrap();
    assert_eq!(client.ask(&login("ada")).unwrap()["type"], "Registered");
}

#[test]
fn what_takes_a_restart_is_named_and_stays() {
    let bench = Bench::start("");
    bench.reload(
        &format!("demo_page = false\n{ALLOWED}[token]\nissuer = 'another'\n"),
        RELOADED,
    );
    wait_for_log(bench.path(), "`token.issuer` takes a restart", 0);
    let log = log_of(bench.path());
    assert!(log.contains("`demo_page` takes a restart"), "{log}");
    assert_eq!(bench.server.get("/").0, 200);
    assert_eq!(bench.status(), 101, "what needs none is in force");
}

#[test]
fn the_log_says_more_from_the_moment_on_that_it_is_asked_to() {
    let bench = Bench::start("");
    let failed = "a connection failed before its upgrade";
    let fail = || {
        let mut stream = TcpStream::connect(bench.server.address).unwrap();
        stream.write_all(b"this is no request\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    };
    fail();
    bench.reload("[log]\nlevel = 'debug'\n", RELOADED);
    assert!(!log_of(bench.path()).contains(failed));
    fail();
    wait_for_log(bench.path(), failed, 0);
}
