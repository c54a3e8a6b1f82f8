//! Storage that fails: nothing that was not stored is called stored, and nothing fails for ever.

use super::{
    Fixture, Gate,
    bench::{Bench, answered, attempt, create, policy, present, revoke, session},
    tampered::Plan,
};
use crate::{LedgerError, StorageFault};
use handfast_core::{session::Presented, time::Clock};
use std::{collections::HashSet, sync::Arc, time::Duration};

fn tampered<F: Fixture>() -> (Bench<F>, Plan) {
    let plan = Plan::default();
    let fixture = F::empty();
    let backend = plan.around(fixture.open());
    (Bench::with(fixture, backend, policy()), plan)
}

fn fault<T>(answer: Result<T, LedgerError>) -> Option<StorageFault> {
    match answer {
        Err(LedgerError::Unavailable(cause)) => Some(cause.fault()),
        Ok(_) | Err(_) => None,
    }
}

pub fn a_transaction_that_cannot_begin_fails_its_entries_and_the_next_succeeds<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    let before = bench.login(1);
    let held = bench.hold();
    let presented = bench.ask(1, 0, attempt(1), 2);
    let listed = bench.ledger.list("alice");
    plan.state().fail_begin = Some(StorageFault::Busy);
    drop(held);
    assert_eq!(fault(presented.wait()), Some(StorageFault::Busy));
    assert_eq!(fault(listed.wait()), Some(StorageFault::Busy));
    assert_eq!(bench.record(1), before);
    assert_eq!(bench.present(1, 0, attempt(1), 2), Presented::Advanced);
    assert_eq!(bench.ledger.counts().failed, 2);
}

pub fn a_transaction_that_cannot_commit_leaves_nothing_behind<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    let before = [1, 2, 3].map(|number| bench.login(number));
    bench.revoke(3).unwrap();
    let told = bench.recorder.take();
    let held = bench.hold();
    let presented = bench.ask(1, 0, attempt(1), 9);
    let created = bench.ledger.create(create(4, "alice"));
    let revoked = bench.ledger.revoke(revoke(2));
    let swept = bench
        .ledger
        .sweep(bench.clock.now().unix.after(Duration::from_secs(60)));
    bench.clock.advance(Duration::from_secs(60));
    plan.state().fail_commit = Some(StorageFault::Full);
    drop(held);
    let full = Some(StorageFault::Full);
    assert_eq!(fault(presented.wait()), full);
    assert_eq!(fault(created.wait()), full);
    assert_eq!(fault(revoked.wait()), full);
    assert_eq!(fault(swept.wait()), full);
    assert_eq!(bench.recorder.take(), []);
    assert_eq!([bench.record(1), bench.record(2)], before[..2]);
    assert!(bench.record(3).revoked.is_some());
    assert_eq!(bench.ledger.session(session(4)).wait().unwrap(), None);
    assert_eq!(bench.log(), told);
    // And then it goes on.
    bench.login(4);
    assert_eq!(bench.present(1, 0, attempt(1), 9), Presented::Advanced);
    let bench = bench.reopened();
    assert_eq!(bench.record(1).issued.number(), 1);
    assert_eq!(bench.record(2), before[1]);
}

pub fn nobody_is_told_before_what_is_told_is_durable<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    bench.login(1);
    let (gate, closing) = Gate::closed();
    plan.state().while_flushing = Some(Box::new(move || {
        gate.pass();
        Ok(())
    }));
    let mut asked = bench.ask(1, 0, attempt(1), 2);
    let held = closing.entered();
    assert!(answered(&mut asked).is_pending());
    assert_eq!(bench.recorder.take(), []);
    drop(held);
    assert_eq!(asked.wait().unwrap().presented, Presented::Advanced);
    assert_eq!(bench.recorder.take().len(), 1);
}

pub fn the_next_transaction_is_decided_while_one_is_flushed<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    bench.login(1);
    let (gate, closing) = Gate::closed();
    plan.state().while_flushing = Some(Box::new(move || {
        gate.pass();
        Ok(())
    }));
    let mut first = bench.ask(1, 0, attempt(1), 2);
    let flushing = closing.entered();
    // Returns when the second is under way.
    let deciding = bench.hold();
    let mut second = bench.ask(1, 1, attempt(2), 2);
    drop(deciding);
    assert!(answered(&mut first).is_pending());
    assert!(answered(&mut second).is_pending());
    drop(flushing);
    assert_eq!(first.wait().unwrap().presented, Presented::Advanced);
    assert_eq!(second.wait().unwrap().presented, Presented::Advanced);
}

pub fn a_flush_that_fails_is_told_to_who_waits_and_stops_the_ledger<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    bench.login(1);
    let (gate, closing) = Gate::closed();
    plan.state().while_flushing = Some(Box::new(move || {
        gate.pass();
        Err(StorageFault::Io)
    }));
    let flushed = bench.ask(1, 0, attempt(1), 2);
    let held = closing.entered();
    let behind = bench.ledger.session(session(1));
    drop(held);
    assert_eq!(fault(flushed.wait()), Some(StorageFault::Io));
    assert!(behind.wait().is_err());
    let later = bench.ledger.session(session(1)).wait();
    assert!(matches!(later, Err(LedgerError::Stopped)));
    assert_eq!(bench.recorder.take(), []);
    // Whoever starts again goes on with what is there, and the answer that was lost can be asked for again.
    let bench = bench.reopened();
    assert_eq!(bench.present(1, 0, attempt(1), 3), Presented::AnsweredAgain);
}

/// A presentation whose deadline passes while `wait` does what it is told.
fn too_late<F: Fixture>(wait: impl FnOnce(&Plan, Box<dyn FnOnce() + Send>)) {
    let (bench, plan) = tampered::<F>();
    let before = bench.login(1);
    let mut asked = present(1, 0, attempt(1), 2);
    asked.deadline = bench.clock.now().moment.after(Duration::from_secs(10));
    let clock = Arc::clone(&bench.clock);
    wait(
        &plan,
        Box::new(move || clock.advance(Duration::from_secs(10))),
    );
    let answer = bench.ledger.present(asked).wait();
    assert!(matches!(answer, Err(LedgerError::DeadlinePassed)));
    assert_eq!(bench.record(1), before);
}

pub fn a_deadline_that_passes_while_the_lock_is_waited_for_has_passed<F: Fixture>() {
    too_late::<F>(|plan, passes| plan.state().while_waiting = Some(passes));
}

pub fn a_deadline_that_passes_while_rows_are_waited_for_has_passed<F: Fixture>() {
    too_late::<F>(|plan, passes| plan.state().while_locking = Some(passes));
}

pub fn one_row_that_cannot_be_read_fails_only_those_who_need_it<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    for number in 1..=20 {
        bench.login(number);
    }
    plan.state().damaged = Some(session(13));
    assert_thirteen_fails_alone(&bench, StorageFault::Damaged);
}

pub fn one_row_that_cannot_be_written_fails_only_those_who_write_it<F: Fixture>() {
    let (bench, plan) = tampered::<F>();
    for number in 1..=20 {
        bench.login(number);
    }
    plan.state().unwritable = Some(session(13));
    assert_thirteen_fails_alone(&bench, StorageFault::Other);
}

/// That of twenty presentations in one transaction all succeed but that of session 13.
fn assert_thirteen_fails_alone<F: Fixture>(bench: &Bench<F>, expected: StorageFault) {
    let held = bench.hold();
    let receipts: Vec<_> = (1..=20)
        .map(|number| bench.ask(number, 0, attempt(1), 100 + number))
        .collect();
    drop(held);
    for (number, receipt) in (1..).zip(receipts) {
        let answer = receipt.wait();
        if number == 13 {
            assert_eq!(fault(answer), Some(expected));
        } else {
            assert_eq!(answer.unwrap().presented, Presented::Advanced);
            assert_eq!(bench.record(number).issued.number(), 1);
        }
    }
    assert_eq!(bench.record(13).issued.number(), 0);
    let told = bench.recorder.take();
    let told: HashSet<_> = told.iter().map(|change| change.session).collect();
    assert_eq!(told.len(), 19);
}
