//! Receipts: who is answered, when, and what happens to what nobody waits for.

use super::{
    Fixture,
    bench::{Bench, answered, attempt, connection, create, policy, present, revoke, session},
};
use crate::{BATCH_ENTRIES, Change, Ledger, LedgerError, Observer, QUEUE_ENTRIES, Settings};
use handfast_core::{
    session::{Generation, Presented},
    time::Clock,
};
use std::{sync::Arc, task::Poll, time::Duration};

pub fn a_presentation_that_nobody_waits_for_is_not_applied<F: Fixture>() {
    let bench = Bench::<F>::new();
    let before = bench.login(1);
    let held = bench.hold();
    drop(bench.ask(1, 0, attempt(1), 2));
    drop(held);
    assert_eq!(bench.record(1), before);
    assert_eq!(bench.ledger.counts().too_late, 1);
    assert_eq!(bench.recorder.take(), []);
}

pub fn a_login_that_nobody_waits_for_is_not_applied<F: Fixture>() {
    let bench = Bench::<F>::new();
    let held = bench.hold();
    drop(bench.ledger.create(create(1, "alice")));
    drop(held);
    assert_eq!(bench.ledger.session(session(1)).wait().unwrap(), None);
    assert_eq!(bench.ledger.counts().too_late, 1);
}

pub fn everything_else_is_applied_whether_or_not_somebody_waits<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.login(2);
    let held = bench.hold();
    drop(bench.ledger.push(session(1), connection(1)));
    let first = Generation::FIRST.next();
    drop(bench.ledger.acknowledge(session(1), first, connection(1)));
    drop(bench.ledger.revoke(revoke(2)));
    drop(held);
    let record = bench.record(1);
    assert_eq!((record.confirmed, record.issued), (first, first));
    assert!(bench.record(2).revoked.is_some());
    assert_eq!(bench.ledger.counts().too_late, 0);
}

pub fn a_presentation_past_its_deadline_is_not_applied<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let now = bench.clock.now().moment;
    let until = |seconds| {
        let mut asked = present(1, 0, attempt(1), 10 + seconds);
        asked.deadline = now.after(Duration::from_secs(seconds));
        bench.ledger.present(asked)
    };
    let held = bench.hold();
    let receipts = [9, 10, 11].map(until);
    bench.clock.advance(Duration::from_secs(10));
    drop(held);
    let [ninth, tenth, eleventh] = receipts.map(|receipt| receipt.wait());
    assert!(matches!(ninth, Err(LedgerError::DeadlinePassed)));
    assert!(matches!(tenth, Err(LedgerError::DeadlinePassed)));
    assert_eq!(eleventh.unwrap().presented, Presented::Advanced);
    assert_eq!(bench.record(1).owner, Some(connection(21)));
    assert_eq!(bench.ledger.counts().too_late, 2);
}

pub fn more_than_fits_is_refused_at_once_and_the_rest_is_answered<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let held = bench.hold();
    let batches = bench.ledger.counts().batches;
    let waiting: Vec<_> = (0..QUEUE_ENTRIES)
        .map(|_| bench.ledger.session(session(1)))
        .collect();
    let mut refused = bench.ask(1, 0, attempt(1), 1);
    let Poll::Ready(Err(LedgerError::Overloaded)) = answered(&mut refused) else {
        panic!("it is to be refused while the worker stands still");
    };
    assert_eq!(bench.ledger.counts().overloaded, 1);
    drop(held);
    for receipt in waiting {
        assert!(receipt.wait().unwrap().is_some());
    }
    // One for what held the worker, and the least number for the rest.
    let batches = bench.ledger.counts().batches - batches;
    assert_eq!(
        usize::try_from(batches).unwrap(),
        1 + QUEUE_ENTRIES / BATCH_ENTRIES
    );
    assert_eq!(bench.present(1, 0, attempt(1), 1), Presented::Advanced);
}

pub fn the_observer_is_told_after_the_commit_and_before_the_answer<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let (beside, _) = bench.beside();
    let asked = present(1, 0, attempt(1), 2);
    let (hold, mut asked) = bench.hold_at(|ledger| ledger.present(asked));
    // The worker is telling the observer right now.
    let stored = beside.session(session(1)).wait().unwrap().unwrap();
    assert_eq!(stored.record.owner, Some(connection(2)));
    assert!(answered(&mut asked).is_pending());
    drop(hold);
    assert_eq!(asked.wait().unwrap().presented, Presented::Advanced);
}

pub fn what_waits_is_applied_before_the_last_handle_is_gone<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let held = bench.hold();
    let mut presented = bench.ask(1, 0, attempt(1), 2);
    let mut revoked = bench.ledger.revoke(revoke(1));
    drop(held);
    let bench = bench.reopened();
    assert!(matches!(answered(&mut presented), Poll::Ready(Ok(_))));
    assert!(matches!(answered(&mut revoked), Poll::Ready(Ok(_))));
    assert!(bench.record(1).revoked.is_some());
}

struct Panicking;

impl Observer for Panicking {
    fn committed(&self, _: &[Change]) {
        panic!("this observer always panics; the test expects it");
    }
}

pub fn an_observer_that_panics_stops_the_ledger<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let Bench {
        fixture,
        ledger,
        clock,
        ..
    } = bench;
    drop(ledger);
    let settings = Settings { policy: policy() };
    let backend = fixture.open();
    let ledger = Ledger::start(
        backend,
        settings,
        Arc::clone(&clock) as _,
        Arc::new(Panicking),
    );
    let ledger = ledger.unwrap();
    let answer = ledger.present(present(1, 0, attempt(1), 2)).wait();
    assert!(matches!(answer, Err(LedgerError::Stopped)));
    let answer = ledger.session(session(1)).wait();
    assert!(matches!(answer, Err(LedgerError::Stopped)));
    drop(ledger);
    // It was committed, for all that.
    let bench = Bench::on(fixture);
    assert_eq!(bench.record(1).owner, Some(connection(2)));
}
