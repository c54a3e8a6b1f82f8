//! Many at once.

use super::{
    Fixture,
    bench::{Bench, attempt, connection, present, revoke, session},
};
use crate::{Change, Ledger};
use handfast_core::session::{ConnectionId, Evidence, Presented, Refusal, RevocationReason};
use std::{collections::HashMap, sync::Barrier, thread};

const THREADS: u64 = 8;
const EACH: u64 = 125;

/// A thousand presentations of generation 0 of session 1, from as many connections and eight threads at once.
fn thousand<F: Fixture>(
    bench: &Bench<F>,
    evidence: impl Fn(u64) -> Evidence + Sync,
) -> Vec<Presented> {
    let ledgers = [&bench.ledger];
    at_once(&ledgers, evidence)
}

/// The same, each thread through the next one of `ledgers`.
fn at_once(ledgers: &[&Ledger], evidence: impl Fn(u64) -> Evidence + Sync) -> Vec<Presented> {
    let start = Barrier::new(THREADS.try_into().unwrap());
    let (start, evidence) = (&start, &evidence);
    let run = move |thread: u64, ledger: &Ledger| {
        start.wait();
        let connections = (0..EACH).map(|each| 10_000 + thread * EACH + each);
        let receipts: Vec<_> = connections
            .map(|from| ledger.present(present(1, 0, evidence(from), from)))
            .collect();
        let answers = receipts
            .into_iter()
            .map(|receipt| receipt.wait().unwrap().presented);
        answers.collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let threads = (0..THREADS).zip(ledgers.iter().cycle());
        let threads: Vec<_> = threads
            .map(|(thread, ledger)| scope.spawn(move || run(thread, ledger)))
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn count(answers: &[Presented], presented: Presented) -> usize {
    answers
        .iter()
        .filter(|&&answer| answer == presented)
        .count()
}

/// That ownership went from hand to hand: each change takes it from whom the one before gave it to.
fn assert_chain(changes: &[Change], first: ConnectionId, last: Option<ConnectionId>) {
    let by_former: HashMap<_, _> = changes
        .iter()
        .map(|change| (change.former_owner.unwrap(), change.owner.unwrap()))
        .collect();
    assert_eq!(
        by_former.len(),
        changes.len(),
        "nobody lost the session twice"
    );
    let mut owner = first;
    for _ in changes {
        owner = by_former[&owner];
    }
    assert_eq!(Some(owner), last);
}

pub fn a_thousand_presentations_with_one_attempt_key_issue_one_generation<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let answers = thousand(&bench, |_| attempt(1));
    assert_eq!(count(&answers, Presented::Advanced), 1);
    assert_eq!(count(&answers, Presented::AnsweredAgain), 999);
    let record = bench.record(1);
    assert_eq!((record.confirmed.number(), record.issued.number()), (0, 1));
    assert_eq!(record.revoked, None);
    let changes = bench.recorder.take();
    assert_eq!(changes.len(), 1_000);
    assert_chain(&changes, connection(1), record.owner);
}

pub fn of_a_thousand_presentations_with_different_attempt_keys_the_second_ends_the_session<
    F: Fixture,
>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let answers = thousand(&bench, attempt);
    assert_eq!(count(&answers, Presented::Advanced), 1);
    assert_eq!(count(&answers, Presented::Refused(Refusal::Reused)), 1);
    assert_eq!(count(&answers, Presented::Refused(Refusal::Revoked)), 998);
    let end = bench.record(1).revoked.unwrap();
    assert_eq!(end.reason, RevocationReason::Reused);
    let changes = bench.recorder.take();
    let ends = changes.iter().filter(|change| change.revoked.is_some());
    assert_eq!((changes.len(), ends.count()), (2, 1));
}

pub fn a_thousand_bare_presentations_each_void_the_generation_before<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let answers = thousand(&bench, |_| Evidence::Bare);
    assert_eq!(count(&answers, Presented::Advanced), 1);
    assert_eq!(count(&answers, Presented::Replaced), 999);
    let record = bench.record(1);
    assert_eq!(
        (record.confirmed.number(), record.issued.number()),
        (0, 1_000)
    );
    assert_chain(&bench.recorder.take(), connection(1), record.owner);
    // Of all those tokens the last one is the only one that opens anything.
    let reused = Presented::Refused(Refusal::Reused);
    assert_eq!(
        bench.present(1, 1_000, Evidence::Bare, 1),
        Presented::Advanced
    );
    assert_eq!(bench.present(1, 500, Evidence::Bare, 1), reused);
}

pub fn a_presentation_racing_a_revocation_leaves_nothing_alive<F: Fixture>() {
    let bench = Bench::<F>::new();
    let ledger = &bench.ledger;
    for number in 1..=100 {
        bench.login(number);
        let start = Barrier::new(2);
        let refused = thread::scope(|scope| {
            let presenting = scope.spawn(|| {
                start.wait();
                let receipts =
                    [7; 3].map(|from| ledger.present(present(number, 0, attempt(1), from)));
                receipts.map(|receipt| receipt.wait().unwrap().presented)
            });
            start.wait();
            let ended = bench.ledger.revoke(revoke(number)).wait().unwrap();
            assert_eq!(ended, [session(number)]);
            // It was answered, so from here on nothing is accepted, whatever is still on its way.
            let newest = bench.record(number).issued.number();
            let late = bench.present(number, newest, attempt(2), 8);
            let raced = presenting.join().unwrap();
            let refused = raced.map(|answer| answer == Presented::Refused(Refusal::Revoked));
            assert!(
                refused.is_sorted(),
                "accepted after it was refused: {raced:?}"
            );
            late
        });
        assert_eq!(refused, Presented::Refused(Refusal::Revoked));
        let record = bench.record(number);
        assert!(!record.is_live(record.created_at));
        let changes = bench.recorder.take();
        let (last, others) = changes.split_last().unwrap();
        assert!(
            last.revoked.is_some(),
            "the last thing that happened is its end"
        );
        assert!(others.iter().all(|change| change.revoked.is_none()));
    }
}

pub fn two_ledgers_on_one_storage_decide_as_one<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (beside, recorder) = bench.beside();
    bench.login(1);
    let answers = at_once(&[&bench.ledger, &beside], |_| attempt(1));
    assert_eq!(count(&answers, Presented::Advanced), 1);
    assert_eq!(count(&answers, Presented::AnsweredAgain), 999);
    let mut told = bench.recorder.take();
    told.extend(recorder.take());
    assert_chain(&told, connection(1), bench.record(1).owner);
    assert_chain(&bench.log(), connection(1), bench.record(1).owner);
}
