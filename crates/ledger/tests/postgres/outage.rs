//! A server that goes away, hangs, or comes back as another.

use crate::{
    clients::Clients,
    scratch::{Scratch, url},
};
use handfast_core::{
    session::Presented,
    time::{Clock, Moment, Now, Timestamp},
};
use handfast_ledger::{
    Cursor, Ledger, LedgerError, Postgres, Settings, StorageFault,
    accounts::{Accounts as _, PasswordHash, PostgresAccounts},
    conformance::{
        Bench, Fixture as _, attempt, create, policy, present,
        service::{PostgresServer, Shutdown},
        session, start,
    },
};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

#[test]
fn what_was_answered_outlives_a_crash_of_the_server_at_any_moment() {
    // It flushes to the disk, as it does out of the box.
    let server = PostgresServer::start_with(&[]);
    let database = server.database();
    let ledger = start(Postgres::open(&url(database.expose())).unwrap());
    let clients = Clients::log_in(&ledger);
    let held = clients.present_while(&ledger, || {
        for _ in 0..3 {
            clients.wait_for_answers(&ledger);
            server.stop(Shutdown::Immediate);
            server.start_again();
        }
    });
    held.verify(&ledger);
}

#[test]
fn a_server_that_was_away_is_used_again_without_a_failure_of_who_comes_after() {
    let server = PostgresServer::start();
    let place = url(server.database().expose());
    let ledger = start(Postgres::open(&place).unwrap());
    let accounts = PostgresAccounts::open(&place).unwrap();
    ledger.create(create(1, "alice")).wait().unwrap();
    server.stop(Shutdown::Fast);
    let answer = ledger.check().wait();
    let Err(LedgerError::Unavailable(cause)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(cause.fault(), StorageFault::Io);
    let fault = accounts.find("alice").unwrap_err().fault();
    assert_eq!(fault, StorageFault::Io);
    server.start_again();
    while ledger.check().wait().is_err() {}
    assert!(ledger.session(session(1)).wait().unwrap().is_some());
    assert!(accounts.find("alice").unwrap().is_none());
    // Nobody asked while it was away this time, so nobody is told.
    server.stop(Shutdown::Fast);
    server.start_again();
    assert!(ledger.session(session(1)).wait().unwrap().is_some());
    let hash = PasswordHash::new("$argon2id$");
    let now = handfast_ledger::conformance::ManualClock::new().now().unix;
    accounts.create("alice", &hash, now).unwrap();
}

#[test]
fn a_node_that_freezes_while_it_holds_a_session_loses_it_to_the_others() {
    let bench = Bench::<Scratch>::new();
    let (beside, _) = bench.beside();
    bench.login(1);
    let (frozen, frozen_asked) =
        bench.hold_deciding(|ledger| ledger.present(present(1, 0, attempt(1), 2)));
    // It waits for the frozen one's lock, which the server takes away in the end.
    let other = beside.present(present(1, 0, attempt(7), 3)).wait().unwrap();
    assert_eq!(other.presented, Presented::Advanced);
    drop(frozen);
    let woken = frozen_asked.wait();
    assert!(
        matches!(woken, Err(LedgerError::Unavailable(_))),
        "{woken:?}"
    );
    let record = bench.record(1);
    assert_eq!(record.issued.number(), 1);
    assert_eq!(record.owner, other.record.unwrap().owner);
}

/// A session of PostgreSQL's own client.
struct Psql(Child);

impl Psql {
    fn on(scratch: &Scratch) -> Self {
        let mut psql = scratch.0.client();
        psql.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(psql.spawn().unwrap())
    }

    /// Runs `sql` and waits until it is done.
    fn run(&mut self, sql: &str) {
        let stdin = self.0.stdin.as_mut().unwrap();
        writeln!(stdin, "{sql};\n\\echo done").unwrap();
        let stdout = BufReader::new(self.0.stdout.as_mut().unwrap());
        assert!(
            stdout
                .lines()
                .map(Result::unwrap)
                .any(|line| line == "done")
        );
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        drop(self.0.wait());
    }
}

#[test]
fn a_change_that_is_committed_long_after_later_ones_is_found() {
    let bench = Bench::<Scratch>::new();
    bench.login(1);
    bench.login(2);
    let begin = bench.ledger.changes_since(Cursor::END).wait().unwrap();
    bench.present(1, 0, attempt(1), 10);
    // Another node takes session 2, and has not committed it yet.
    let mut slow = Psql::on(&bench.fixture);
    slow.run(
        "BEGIN; INSERT INTO handfast.arrivals (at, changes, entries) \
         SELECT at, changes, entries FROM handfast.arrivals",
    );
    bench.present(1, 0, attempt(1), 11);
    let read = bench.ledger.changes_since(begin.cursor).wait().unwrap();
    assert_eq!((read.complete, read.changes.len()), (true, 2));
    bench.present(1, 0, attempt(1), 12);
    slow.run("COMMIT");
    let late = bench.ledger.changes_since(read.cursor).wait().unwrap();
    assert_eq!((late.complete, late.changes.len()), (true, 2));
    assert!(late.changes.contains(&read.changes[0]));
}

#[test]
fn a_log_that_was_set_back_and_grew_again_is_told_from_the_one_before() {
    let bench = Bench::<Scratch>::new();
    bench.login(1);
    let take_over = |from| {
        bench.present(1, 0, attempt(1), from);
        bench.ledger.changes_since(Cursor::END).wait().unwrap()
    };
    let kept = take_over(2);
    let lost = take_over(3);
    // A backup from before the last change is restored, and the node goes on from there.
    let last = "SELECT max(place) FROM handfast.changes";
    bench.fixture.0.query(&format!(
        "DELETE FROM handfast.changes WHERE place = ({last})"
    ));
    for from in 4..8 {
        take_over(from);
    }
    let read = bench.ledger.changes_since(lost.cursor).wait().unwrap();
    assert!(!read.complete);
    assert_eq!(read.cursor, take_over(7).cursor);
    let read = bench.ledger.changes_since(kept.cursor).wait().unwrap();
    assert_eq!((read.complete, read.changes.len()), (true, 4));
}

#[test]
fn a_rotation_that_the_server_lost_is_an_alarm_and_no_theft() {
    let bench = Bench::<Scratch>::new();
    bench.login(1);
    bench.present(1, 0, attempt(1), 1);
    // As an asynchronous standby that was promoted: it has not heard of the last rotation.
    let keep = "CREATE TABLE kept AS SELECT * FROM handfast.sessions";
    bench.fixture.0.query(keep);
    bench.present(1, 1, attempt(2), 1);
    let restore = "DELETE FROM handfast.sessions; INSERT INTO handfast.sessions SELECT * FROM kept";
    bench.fixture.0.query(restore);
    let answer = bench.present(1, 2, attempt(3), 1);
    assert_eq!(answer, Presented::FromTheFuture);
    assert_eq!(bench.record(1).revoked, None);
    assert_eq!(bench.ledger.counts().from_the_future, 1);
}

/// The time of day, and as much more.
struct Ahead(Duration);

impl Clock for Ahead {
    fn now(&self) -> Now {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap();
        Now {
            moment: Moment::from_millis(0),
            unix: Timestamp::from_unix(since_1970.as_secs()).after(self.0),
        }
    }
}

#[test]
fn a_node_whose_clock_is_months_ahead_removes_no_session_that_lives() {
    let scratch = Scratch::empty();
    let start = |clock: Ahead| {
        let settings = Settings { policy: policy() };
        Ledger::start(scratch.open(), settings, Arc::new(clock), Arc::new(())).unwrap()
    };
    let right = start(Ahead(Duration::ZERO));
    right.create(create(1, "alice")).wait().unwrap();
    let wrong = start(Ahead(Duration::from_secs(365 * 86_400)));
    let long_over = Timestamp::from_unix(u64::MAX);
    let swept = wrong.sweep(long_over).wait().unwrap();
    assert!(swept.round_complete && swept.sessions == 0, "{swept:?}");
    assert!(right.session(session(1)).wait().unwrap().is_some());
}
