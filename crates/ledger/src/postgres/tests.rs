//! What can only be seen from inside: what a connection has set for itself.

use super::{Database, PostgresUrl};
use crate::conformance::service::PostgresServer;

/// The value of `setting` on a connection of ours to `url`.
fn shown(url: &PostgresUrl, setting: &str) -> String {
    let database = Database::new(url).unwrap();
    let client = database.connect().unwrap();
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
fn a_node_that_falls_silent_holds_its_locks_for_less_time_than_others_wait_for_them() {
    let database = PostgresServer::shared().database();
    let url: PostgresUrl = database.expose().parse().unwrap();
    assert_eq!(shown(&url, "idle_in_transaction_session_timeout"), "2s");
    assert_eq!(shown(&url, "lock_timeout"), "4s");
    assert_eq!(shown(&url, "statement_timeout"), "5s");
}
