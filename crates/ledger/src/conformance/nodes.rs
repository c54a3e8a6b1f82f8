//! What only matters where several ledgers have one storage.

use super::{
    Fixture,
    bench::{Bench, attempt, connection, create, policy, present, session, wait_for},
    tampered::Plan,
};
use crate::{Change, Changes, Cursor, Ledger, LedgerError, Revoke, Scope, StorageFault};
use handfast_core::session::{Evidence, Presented, RevocationReason, SessionId};
use std::{
    collections::HashMap,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

const ROUNDS: u64 = 20;
const SESSIONS: u64 = 50;

pub fn a_commit_whose_answer_was_lost_is_in_the_log<F: Fixture>() {
    let plan = Plan::default();
    let fixture = F::empty();
    let backend = plan.around(fixture.open());
    let bench = Bench::with(fixture, backend, policy());
    bench.login(1);
    let before = bench.ledger.changes_since(Cursor::END).wait().unwrap();
    plan.state().lose_commit = true;
    let answer = bench.ask(1, 0, attempt(1), 2).wait();
    let Err(LedgerError::Unavailable(cause)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(cause.fault(), StorageFault::InDoubt);
    assert_eq!(bench.recorder.take(), []);
    // Whoever follows the log hears of it all the same, and the client that tries again has lost nothing.
    let read = bench.ledger.changes_since(before.cursor).wait().unwrap();
    let told: Vec<_> = read.changes.iter().map(|it| it.former_owner).collect();
    assert_eq!(told, [Some(connection(1))]);
    assert_eq!(bench.present(1, 0, attempt(1), 2), Presented::AnsweredAgain);
}

/// Runs both at once.
fn at_once<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            start.wait();
            first()
        });
        start.wait();
        let second = second();
        (first.join().unwrap(), second)
    })
}

pub fn batches_that_cross_wait_for_each_other_and_none_fails<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (beside, _) = bench.beside();
    wait_for((1..=SESSIONS).map(|number| bench.ledger.create(create(number, "alice"))));
    let everyone = |ledger: &Ledger, numbers: Vec<u64>, from: u64| {
        let asked = numbers
            .into_iter()
            .map(|number| ledger.present(present(number, 0, attempt(1), from)));
        let asked: Vec<_> = asked.collect();
        wait_for(asked);
    };
    for round in 0..ROUNDS {
        at_once(
            || everyone(&bench.ledger, (1..=SESSIONS).collect(), 100 + round),
            || everyone(&beside, (1..=SESSIONS).rev().collect(), 200 + round),
        );
    }
    assert_eq!(bench.ledger.counts().failed, 0);
    assert_eq!(beside.counts().failed, 0);
}

pub fn logins_on_two_nodes_make_room_for_one_another<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (beside, _) = bench.beside();
    let login = |ledger: &Ledger, numbers: std::ops::Range<u64>| {
        for number in numbers {
            let mut login = create(number, "alice");
            login.sessions_max = Some(3);
            ledger.create(login).wait().unwrap();
        }
    };
    at_once(
        || login(&bench.ledger, 100..150),
        || login(&beside, 200..250),
    );
    let live = bench.ledger.list("alice").wait().unwrap();
    assert_eq!(live.len(), 3);
}

pub fn a_subject_that_is_revoked_on_one_node_loses_what_the_other_made_before<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (beside, _) = bench.beside();
    let is_over = AtomicBool::new(false);
    let ledger = &bench.ledger;
    let made_before_it_ended = || {
        let mut numbers = 1..;
        while !is_over.load(Ordering::SeqCst) {
            let number = numbers.next().unwrap();
            ledger.create(create(number, "alice")).wait().unwrap();
        }
        numbers.next().unwrap()
    };
    let revoke = || {
        let mut ended = 0;
        while ended < 20 {
            let all = Revoke {
                scope: Scope::Subject {
                    subject: "alice".into(),
                    except: None,
                },
                reason: RevocationReason::PasswordChanged,
                by: None,
                address: None,
            };
            ended += beside.revoke(all).wait().unwrap().len();
        }
        is_over.store(true, Ordering::SeqCst);
    };
    let (made, ()) = at_once(made_before_it_ended, revoke);
    let lives = (1..made).map(|number| bench.record(number).revoked.is_none());
    assert!(
        lives.is_sorted(),
        "a session outlived the end of one that was made after it"
    );
}

pub fn what_two_nodes_change_at_once_is_found_in_the_order_of_each_session<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (beside, beside_told) = bench.beside();
    let (reader, _) = bench.beside();
    wait_for((1..=SESSIONS).map(|number| bench.ledger.create(create(number, "alice"))));
    let begin = bench.ledger.changes_since(Cursor::END).wait().unwrap();
    let is_over = AtomicBool::new(false);
    let takeovers = |ledger: &Ledger, from: u64| {
        for round in 0..ROUNDS {
            let asked = (1..=SESSIONS).map(|number| {
                let from = from + round * SESSIONS + number;
                ledger.present(present(number, 0, attempt(1), from))
            });
            let asked: Vec<_> = asked.collect();
            wait_for(asked);
        }
    };
    let mut found = Vec::new();
    let mut read_on = |cursor: Cursor| {
        let Changes {
            cursor,
            changes,
            complete,
            ..
        } = reader.changes_since(cursor).wait().unwrap();
        assert!(complete);
        found.extend(changes);
        cursor
    };
    let write = || {
        at_once(
            || takeovers(&bench.ledger, 10_000),
            || takeovers(&beside, 20_000),
        );
        is_over.store(true, Ordering::SeqCst);
    };
    at_once(write, || {
        let mut cursor = begin.cursor;
        while !is_over.load(Ordering::SeqCst) {
            cursor = read_on(cursor);
        }
        read_on(cursor);
    });
    let mut told = bench.recorder.take();
    told.extend(beside_told.take());
    assert_eq!(told.len(), found.len());
    for number in 1..=SESSIONS {
        let record = bench.record(number);
        let last = assert_handed_on(&found, session(number), number);
        assert_eq!(record.owner, Some(connection(last)));
    }
}

/// That each change of `session` took it from whom the one before gave it to; gives its last owner.
fn assert_handed_on(changes: &[Change], session: SessionId, first: u64) -> u64 {
    let owners: HashMap<_, _> = (0..30_000).map(|it| (connection(it), it)).collect();
    let mut owner = connection(first);
    for change in changes.iter().filter(|it| it.session == session) {
        assert_eq!(change.former_owner, Some(owner));
        owner = change.owner.unwrap();
    }
    owners[&owner]
}

pub fn a_bare_token_on_two_nodes_is_decided_as_on_one<F: Fixture>() {
    let bench = Bench::<F>::new();
    let (beside, _) = bench.beside();
    for number in 1..=SESSIONS {
        bench.login(number);
        let ask = |ledger: &Ledger, from| {
            let asked = present(number, 0, Evidence::Bare, from);
            ledger.present(asked).wait().unwrap().presented
        };
        let (mine, theirs) = at_once(|| ask(&bench.ledger, 100), || ask(&beside, 200));
        let both = [mine, theirs];
        assert!(
            both.contains(&Presented::Advanced) && both.contains(&Presented::Replaced),
            "{both:?}"
        );
        assert_eq!(bench.record(number).issued.number(), 2);
    }
}
