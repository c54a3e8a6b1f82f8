//! Servers that share a PostgreSQL database.

use crate::{
    client::{Client, login, present},
    server::{Server, log_of},
};
use handfast_ledger::conformance::service::{DatabaseUrl, PostgresServer, Shutdown};
use std::{
    fs, io,
    net::{Shutdown as Shut, TcpListener, TcpStream},
    path::Path,
    process::{Command, Output},
    thread,
};

const URL: &str = "HANDFAST_LEDGER__URL";

/// A server on `database` with its keys in `folder`.
fn on(database: &DatabaseUrl, folder: &Path) -> Server {
    Server::start(folder, &[(URL, database.expose())])
}

/// A second folder with the same keys, as every node is given.
pub(crate) fn with_keys_of(folder: &Path) -> tempfile::TempDir {
    let other = tempfile::tempdir().unwrap();
    fs::create_dir(other.path().join("data")).unwrap();
    let keys = "data/keys.jwks";
    fs::copy(folder.join(keys), other.path().join(keys)).unwrap();
    other
}

/// Runs a command of the program on the data in `folder`.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_handfast"));
    command
        .args(arguments)
        .arg("--data")
        .arg(folder.join("data"));
    command.env_clear().envs(variables.iter().copied());
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_client_goes_on_at_another_server_and_its_old_token_is_dead_at_both() {
    let database = PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let one = on(&database, folder.path());
    let first = Client::connect(one.address)
        .unwrap()
        .ask(&login("ada"))
        .unwrap();
    assert_eq!(first["type"], "Registered");
    let other_folder = with_keys_of(folder.path());
    let other = on(&database, other_folder.path());
    let moved = Client::connect(other.address)
        .unwrap()
        .ask(&present(&first["token"], "an attempt key of its own"))
        .unwrap();
    assert_eq!(moved["type"], "Success");
    let stolen = Client::connect(one.address)
        .unwrap()
        .ask(&present(&first["token"], "an attempt key of another"))
        .unwrap();
    assert_eq!(stolen["reason"], "reused");
    // The account is there at both, too.
    let again = Client::connect(other.address)
        .unwrap()
        .ask(&login("ada"))
        .unwrap();
    assert_eq!(again["type"], "Success");
}

#[test]
fn a_server_starts_only_with_its_database_or_waits_for_it_and_says_which() {
    let postgres = PostgresServer::start();
    let database = postgres.database();
    postgres.stop(Shutdown::Fast);
    let folder = tempfile::tempdir().unwrap();
    let variables = [(URL, database.expose())];
    let failed = run(
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0"],
        &variables,
    );
    let said = text(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("is it running"), "{said}");
    assert!(!said.contains("open-sesame"), "{said}");
    thread::scope(|scope| {
        let starting = scope.spawn(|| Server::waiting(folder.path(), &variables));
        let has_said_so = || {
            let log = fs::read_to_string(folder.path().join("log"));
            log.is_ok_and(|log| log.contains("waiting for the ledger"))
        };
        while !has_said_so() {
            thread::yield_now();
        }
        postgres.start_again();
        let server = starting.join().unwrap();
        assert_eq!(server.get("/readyz").0, 200);
    });
    assert!(!log_of(folder.path()).contains("open-sesame"));
}

/// Leads every connection but one to `port`, and hangs up on that one.
fn hanging_up_on(number: usize, port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (index, client) in listener.incoming().enumerate() {
            if index == number {
                continue;
            }
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            for (mut from, mut to) in [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ] {
                thread::spawn(move || {
                    drop(io::copy(&mut from, &mut to));
                    drop(to.shutdown(Shut::Write));
                });
            }
        }
    });
    address.port()
}

#[test]
fn a_server_waits_whichever_of_its_connections_to_the_database_fails() {
    let postgres = PostgresServer::shared();
    for number in 0..3 {
        let database = postgres.database();
        let port = hanging_up_on(number, postgres.port());
        let url = database.expose();
        let url = url.replace(&format!(":{}/", postgres.port()), &format!(":{port}/"));
        let folder = tempfile::tempdir().unwrap();
        let server = Server::waiting(folder.path(), &[(URL, &url)]);
        assert_eq!(server.get("/healthz").0, 200);
    }
}

#[test]
fn nothing_secret_reaches_the_log_of_a_server_on_a_database() {
    let database = PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let variables = [(URL, database.expose()), ("HANDFAST_LOG__LEVEL", "trace")];
    let server = Server::start(folder.path(), &variables);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    server.kill();
    let hash = database.query("SELECT password_hash FROM handfast.accounts");
    assert!(hash.starts_with("$argon2id$"));
    let log = log_of(folder.path());
    for secret in ["open-sesame", "correct horse", &hash] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

#[test]
fn an_embedded_ledger_is_copied_into_a_database_with_nothing_lost() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = Server::start(folder.path(), &[]);
    let tokens = ["ada", "bob", "cleo"].map(|name| {
        let mut client = Client::connect(embedded.address).unwrap();
        client.ask(&login(name)).unwrap()["token"].clone()
    });
    let dead = {
        let mut client = Client::connect(embedded.address).unwrap();
        let logged_in = client.ask(&login("dan")).unwrap();
        client.ask(&serde_json::json!({"type": "Logout"})).unwrap();
        logged_in["token"].clone()
    };
    let database = PostgresServer::shared().database();
    let copy = || {
        run(
            folder.path(),
            &["ledger", "copy", "--to", database.expose()],
            &[],
        )
    };
    let refused = copy();
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("in use"),
        "{said}"
    );
    embedded.kill();
    let copied = copy();
    let said = text(&copied.stdout);
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    assert!(said.contains("4 sessions and 4 accounts"), "{said}");
    assert!(!said.contains("open-sesame"), "{said}");
    let server = on(&database, folder.path());
    let mut client = Client::connect(server.address).unwrap();
    let ended = client
        .ask(&present(&dead, "an attempt key of its own"))
        .unwrap();
    assert_eq!(ended["reason"], "revoked");
    for token in &tokens {
        let mut client = Client::connect(server.address).unwrap();
        assert_eq!(
            client
                .ask(&present(token, "an attempt key of its own"))
                .unwrap()["type"],
            "Success"
        );
    }
    drop(server);
    let refused = copy();
    let said = text(&refused.stderr);
    assert!(!refused.status.success(), "{said}");
    assert!(
        said.contains("holds sessions or accounts already"),
        "{said}"
    );
}

#[test]
fn the_doctor_and_the_migration_know_a_database() {
    let database = PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let variables = [(URL, database.expose())];
    let look_at = |check: &str| {
        let looked = run(
            folder.path(),
            &["doctor", "--json", "--listen", "127.0.0.1:0"],
            &variables,
        );
        let findings: Vec<serde_json::Value> = serde_json::from_slice(&looked.stdout).unwrap();
        let found = findings.iter().find(|finding| finding["check"] == check);
        found.unwrap()["verdict"].clone()
    };
    let look = || look_at("ledger");
    assert_eq!(look_at("ledger clock"), "ok");
    assert_eq!(look(), "warn");
    let migrated = run(folder.path(), &["ledger", "migrate"], &variables);
    assert!(migrated.status.success(), "{}", text(&migrated.stderr));
    assert_eq!(look(), "ok");
    database.query("UPDATE handfast.schema_version SET version = 9");
    assert_eq!(look(), "fail");
    let migrated = run(folder.path(), &["ledger", "migrate"], &variables);
    let said = text(&migrated.stderr);
    assert!(
        !migrated.status.success() && said.contains("newer handfast"),
        "{said}"
    );
}
