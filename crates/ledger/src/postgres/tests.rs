//! What can only be seen from inside: what a connection has set for itself.

use super::{
    Database, PostgresUrl,
    log::PLACES_LOCK,
    schema::LOCKS,
    sessions::{LOCK_SUBJECTS, RESERVED},
};
use crate::conformance::service::PostgresServer;
use tokio_postgres::Client;

/// The value of `setting` on a connection of ours to `url`.
fn shown(url: &PostgresUrl, setting: &str) -> String {
    let database = Database::new(url).unwrap();
    let client = database.connect().unwrap();
    shown_on(&database, &client, setting)
}

fn shown_on(database: &Database, client: &Client, setting: &str) -> String {
    let show = format!("SHOW {setting}");
    let row = database.wait(async { Ok(client.query_one(&show, &[]).await?) });
    row.unwrap().get(0)
}

#[test]
fn a_commit_is_flushed_whatever_the_server_is_set_to() {
    let server = PostgresServer::shared();
    let database = server.database();
    let url: PostgresUrl = database.expose().parse().unwrap();
    let name = database.query("SELECT current_database()");
    for (set, kept) in [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ] {
        database.query(&format!(
            "ALTER DATABASE {name} SET synchronous_commit = {set}"
        ));
        assert_eq!(shown(&url, "synchronous_commit"), kept);
    }
}

#[test]
fn a_commit_is_flushed_also_when_the_server_is_set_to_something_else_later() {
    let server = PostgresServer::start();
    let operator = server.url("postgres");
    let database = Database::new(&operator.expose().parse().unwrap()).unwrap();
    let client = database.connect().unwrap();
    operator.query("ALTER SYSTEM SET synchronous_commit = off");
    operator.query("SELECT pg_reload_conf()");
    // Open connections have their signal before the server takes a new one with the new setting.
    while operator.query("SHOW synchronous_commit") != "off" {}
    assert_eq!(shown_on(&database, &client, "synchronous_commit"), "on");
}

#[test]
fn a_node_that_falls_silent_holds_its_locks_for_less_time_than_others_wait_for_them() {
    let database = PostgresServer::shared().database();
    let url: PostgresUrl = database.expose().parse().unwrap();
    assert_eq!(shown(&url, "idle_in_transaction_session_timeout"), "2s");
    assert_eq!(shown(&url, "lock_timeout"), "4s");
    assert_eq!(shown(&url, "statement_timeout"), "5s");
}

#[test]
fn a_subject_whose_number_is_that_of_the_log_s_lock_waits_for_nobody_who_reads_the_log() {
    const NAMESAKE: &str = "cpcfckha";
    let server = PostgresServer::shared().database();
    let hashed = server.query(&format!("SELECT hashtext('{NAMESAKE}')"));
    assert_eq!(hashed, PLACES_LOCK.to_string());
    let database = Database::new(&server.expose().parse().unwrap()).unwrap();
    let (reader, writer) = (database.connect().unwrap(), database.connect().unwrap());
    let lock = format!("SELECT pg_advisory_lock({LOCKS}, {PLACES_LOCK})");
    let locked = database.wait(async { Ok(reader.batch_execute(&lock).await?) });
    locked.unwrap();
    let subjects = [NAMESAKE];
    let passed = database.wait(async {
        Ok(writer
            .query(LOCK_SUBJECTS, &[&LOCKS, &&subjects[..], &&RESERVED[..]])
            .await?)
    });
    passed.unwrap();
}
