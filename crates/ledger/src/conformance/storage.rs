//! What is stored, and how it is found again.

use super::{
    Fixture,
    bench::{Bench, KEY, PROOF, attempt, connection, create, policy, session, wait_for},
    tampered::Plan,
};
use crate::LIST_SESSIONS;
use handfast_core::session::{Evidence, Presented, SessionId};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn listed<F: Fixture>(bench: &Bench<F>, subject: &str) -> Vec<SessionId> {
    let found = bench.ledger.list(subject).wait().unwrap();
    found.iter().map(|found| found.session).collect()
}

/// Sessions with every kind of history that there is.
fn furnish<F: Fixture>(bench: &Bench<F>) {
    for number in 1..=4 {
        bench.login(number);
        bench.clock.advance(SECOND);
    }
    let mut bound = create(5, "bob");
    bound.key = Some(KEY);
    bench.ledger.create(bound).wait().unwrap();
    for generation in 0..12 {
        bench.present(1, generation, attempt(generation), 1);
        bench.present(2, generation, Evidence::Bare, 2 + generation % 2);
        bench.present(5, generation, PROOF, 5);
    }
    bench.present(2, 11, Evidence::Bare, 2);
    bench.ledger.push(session(3), connection(3)).wait().unwrap();
    bench.revoke(4).unwrap();
}

pub fn everything_is_there_after_reopening<F: Fixture>() {
    let bench = Bench::<F>::new();
    furnish(&bench);
    let all = |bench: &Bench<F>| {
        let sessions = [1, 2, 3, 4, 5].map(|number| bench.ledger.session(session(number)));
        sessions.map(|found| found.wait().unwrap().unwrap())
    };
    let (sessions, log) = (all(&bench), bench.log());
    assert!(!log.is_empty());
    let bench = bench.reopened();
    assert_eq!(all(&bench), sessions);
    assert_eq!(bench.log(), log);
    assert_eq!(
        listed(&bench, "alice"),
        [1, 2, 3].map(session).into_iter().rev().collect::<Vec<_>>()
    );
    // And it goes on from there.
    assert_eq!(bench.present(1, 12, attempt(12), 1), Presented::Advanced);
    assert_eq!(
        bench.present(1, 12, attempt(12), 1),
        Presented::AnsweredAgain
    );
}

pub fn a_list_is_live_sessions_newest_seen_first<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.clock.advance(policy().lifetime);
    for number in 2..=5 {
        bench.login(number);
        bench.clock.advance(SECOND);
    }
    bench.ledger.create(create(6, "bob")).wait().unwrap();
    bench.revoke(4).unwrap();
    bench.present(2, 0, attempt(1), 2);
    assert_eq!(listed(&bench, "alice"), [2, 5, 3].map(session));
    assert_eq!(listed(&bench, "bob"), [session(6)]);
    assert_eq!(listed(&bench, "carol"), []);
    assert_eq!(listed(&bench, "Alice"), []);
    let bobs = bench.ledger.list("bob").wait().unwrap().remove(0);
    let found = bench.ledger.session(session(6)).wait().unwrap();
    assert_eq!(found, Some(bobs));
}

pub fn a_list_is_bounded<F: Fixture>() {
    let bench = Bench::<F>::new();
    let login = |number| bench.ledger.create(create(number, "alice"));
    let many = 3 * u64::try_from(LIST_SESSIONS).unwrap();
    let receipts: Vec<_> = (10..10 + many).map(login).collect();
    wait_for(receipts);
    bench.clock.advance(SECOND);
    bench.login(1);
    let sessions = listed(&bench, "alice");
    assert_eq!(sessions.len(), LIST_SESSIONS);
    assert_eq!(sessions[0], session(1));
}

pub fn a_session_is_found_whatever_its_state<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let expired = bench.login(2);
    bench.revoke(1).unwrap();
    bench.clock.advance(policy().session_lifetime);
    assert!(bench.record(1).revoked.is_some());
    assert_eq!(bench.record(2), expired);
}

pub fn a_check_is_answered<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.ledger.check().wait().unwrap();
    let held = bench.hold();
    let checks = [bench.ledger.check(), bench.ledger.check()];
    drop(held);
    wait_for(checks);
}

pub fn only_what_the_rule_changed_is_written<F: Fixture>() {
    let plan = Plan::default();
    let fixture = F::empty();
    let backend = plan.around(fixture.open());
    let bench = Bench::with(fixture, backend, policy());
    bench.login(1);
    bench.login(2);
    assert_eq!(plan.state().rows_written, 2);
    bench.present(1, 0, attempt(1), 1);
    assert_eq!(plan.state().rows_written, 3);
    // Answered again in the same second to the same owner; refused; unknown; not the owner's; not revocable again.
    bench.present(1, 0, attempt(1), 1);
    bench.present(1, 9, attempt(1), 1);
    bench.present(3, 0, attempt(1), 1);
    bench.ledger.push(session(2), connection(1)).wait().unwrap();
    bench.revoke(3).unwrap();
    assert_eq!(plan.state().rows_written, 3);
    // Three rotations of one session in one transaction are one row.
    let held = bench.hold();
    let written = plan.state().rows_written;
    let receipts = [1, 2, 3].map(|generation| bench.ask(1, generation, attempt(generation), 1));
    drop(held);
    wait_for(receipts);
    assert_eq!(plan.state().rows_written, written + 1);
}
