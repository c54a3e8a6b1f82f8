//! A standby that takes over.

use crate::{clients::Clients, scratch::url};
use handfast_core::session::Presented;
use handfast_ledger::{
    Cursor, Ledger, Postgres, PostgresUrl,
    conformance::{
        attempt, create, present,
        service::{PostgresServer, Shutdown},
        session, start,
    },
};
use std::net::TcpListener;

/// A database on either of these, whichever takes writes.
fn either(primary: &PostgresServer, standby: &PostgresServer) -> PostgresUrl {
    let database = primary.database();
    let place = format!("127.0.0.1:{}", primary.port());
    let places = format!("{place},127.0.0.1:{}", standby.port());
    url(&database.expose().replace(&place, &places))
}

fn promote(standby: &PostgresServer) {
    let promoted = standby.url("postgres").query("SELECT pg_promote()");
    assert_eq!(promoted, "t");
}

#[test]
fn nothing_that_was_answered_is_lost_with_a_synchronous_standby() {
    let primary = PostgresServer::start_with(&[]);
    let standby = primary.standby("second");
    let settings = primary.url("postgres");
    settings.query("ALTER SYSTEM SET synchronous_standby_names = 'second'");
    settings.query("SELECT pg_reload_conf()");
    let place = either(&primary, &standby);
    let ledger = start(Postgres::open(&place).unwrap());
    let clients = Clients::log_in(&ledger);
    let held = clients.present_while(&ledger, || {
        clients.wait_for_answers(&ledger);
        primary.stop(Shutdown::Killed);
        promote(&standby);
        let alone = standby.url("postgres");
        alone.query("ALTER SYSTEM RESET synchronous_standby_names");
        alone.query("SELECT pg_reload_conf()");
        clients.wait_for_answers(&ledger);
    });
    held.verify(&ledger);
}

#[test]
fn what_an_asynchronous_standby_had_not_heard_of_is_an_alarm_and_no_theft() {
    let primary = PostgresServer::start_with(&[]);
    let standby = primary.standby("second");
    let place = either(&primary, &standby);
    let ledger = start(Postgres::open(&place).unwrap());
    let ask = |ledger: &Ledger, generation, from| {
        let key = attempt(generation);
        let asked = ledger.present(present(1, generation, key, from));
        asked.wait().unwrap().presented
    };
    ledger.create(create(1, "alice")).wait().unwrap();
    assert_eq!(ask(&ledger, 0, 1), Presented::Advanced);
    ledger.changes_since(Cursor::END).wait().unwrap();
    wait_until_heard(&primary, &standby);
    standby.stop(Shutdown::Fast);
    // This it never hears of.
    assert_eq!(ask(&ledger, 1, 2), Presented::Advanced);
    let lost = ledger.changes_since(Cursor::END).wait().unwrap();
    primary.stop(Shutdown::Killed);
    standby.start_again();
    promote(&standby);
    while ledger.check().wait().is_err() {}
    assert_eq!(ask(&ledger, 2, 2), Presented::FromTheFuture);
    assert_eq!(ledger.counts().from_the_future, 1);
    let found = ledger.session(session(1)).wait().unwrap().unwrap();
    assert_eq!(found.record.revoked, None);
    // And whoever follows the log is told to look for himself, even after it has grown again.
    assert_eq!(ask(&ledger, 1, 3), Presented::Advanced);
    let read = ledger.changes_since(lost.cursor).wait().unwrap();
    assert!(!read.complete);
}

#[test]
fn a_host_that_takes_connections_and_says_nothing_keeps_nobody_from_the_next() {
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = PostgresServer::shared();
    let database = server.database();
    let place = format!("127.0.0.1:{}", server.port());
    let places = format!("{},{place}", hangs.local_addr().unwrap());
    let place = url(&database.expose().replace(&place, &places));
    let ledger = start(Postgres::open(&place).unwrap());
    ledger.create(create(1, "alice")).wait().unwrap();
}

/// Waits until the standby has applied all that the primary has.
fn wait_until_heard(primary: &PostgresServer, standby: &PostgresServer) {
    let written = primary.url("postgres").query("SELECT pg_current_wal_lsn()");
    let applied = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
    while standby.url("postgres").query(&applied) != "t" {}
}
