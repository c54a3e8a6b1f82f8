//! What is removed when nobody needs it any more.

use super::{
    Fixture,
    bench::{Bench, attempt, create, policy, session, wait_for},
};
use crate::{Cursor, SWEEP_SESSIONS};
use handfast_core::{
    session::{Presented, Refusal},
    time::{Clock, Timestamp},
};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// Sweeps through the whole ledger; how many sessions that removed.
fn sweep_all<F: Fixture>(bench: &Bench<F>, before: Timestamp) -> usize {
    let mut removed = 0;
    loop {
        let swept = bench.ledger.sweep(before).wait().unwrap();
        removed += swept.sessions;
        if swept.round_complete {
            return removed;
        }
    }
}

fn exists<F: Fixture>(bench: &Bench<F>, number: u64) -> bool {
    bench
        .ledger
        .session(session(number))
        .wait()
        .unwrap()
        .is_some()
}

pub fn sessions_that_ended_long_ago_are_removed_and_others_stay<F: Fixture>() {
    let bench = Bench::<F>::new();
    for number in 1..=5 {
        bench.login(number);
    }
    bench.revoke(1).unwrap();
    bench.clock.advance(policy().lifetime - HOUR);
    for number in [3, 4] {
        assert_eq!(
            bench.present(number, 0, attempt(1), number),
            Presented::Advanced
        );
    }
    bench.clock.advance(2 * HOUR);
    bench.revoke(4).unwrap();
    // Sessions 2 and 5 expired an hour ago.
    let half_an_hour_ago = bench.clock.now().unix.as_unix() - 1_800;
    assert_eq!(sweep_all(&bench, Timestamp::from_unix(half_an_hour_ago)), 3);
    let left = [1, 2, 3, 4, 5].map(|number| exists(&bench, number));
    assert_eq!(left, [false, false, true, true, false]);
    let unknown = Presented::Refused(Refusal::Unknown);
    assert_eq!(bench.present(1, 0, attempt(1), 1), unknown);
    assert_eq!(bench.present(3, 1, attempt(2), 1), Presented::Advanced);
    let listed = bench.ledger.list("alice").wait().unwrap();
    assert_eq!(listed.len(), 1);
}

pub fn a_live_session_stays_whatever_the_caller_says<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.clock.advance(policy().lifetime - HOUR);
    bench.login(2);
    bench.clock.advance(2 * HOUR);
    assert_eq!(sweep_all(&bench, Timestamp::from_unix(u64::MAX)), 1);
    assert_eq!([1, 2].map(|number| exists(&bench, number)), [false, true]);
}

pub fn a_sweep_is_bounded_and_rounds_reach_everything<F: Fixture>() {
    let bench = Bench::<F>::new();
    let count = u64::try_from(SWEEP_SESSIONS).unwrap() + 10;
    let receipts: Vec<_> = (0..count)
        .map(|number| bench.ledger.create(create(number, "alice")))
        .collect();
    wait_for(receipts);
    bench.clock.advance(policy().lifetime);
    bench.login(count);
    bench.clock.advance(HOUR);
    let before = bench.clock.now().unix;
    let first = bench.ledger.sweep(before).wait().unwrap();
    assert!(!first.round_complete);
    assert!(first.sessions >= SWEEP_SESSIONS - 1 && first.sessions <= SWEEP_SESSIONS);
    let second = bench.ledger.sweep(before).wait().unwrap();
    assert!(second.round_complete);
    assert_eq!(first.sessions + second.sessions, SWEEP_SESSIONS + 10);
    let another_round = bench.ledger.sweep(before).wait().unwrap();
    assert!(another_round.round_complete);
    assert_eq!(another_round.sessions, 0);
    assert!(exists(&bench, count));
}

pub fn a_long_log_is_forgotten_by_one_sweep_after_the_other<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let begin = bench
        .ledger
        .changes_since(Cursor::END)
        .wait()
        .unwrap()
        .cursor;
    // Each is a transaction of its own, and so a row of the log where that has rows.
    for turn in 0..2 * u64::try_from(SWEEP_SESSIONS).unwrap() {
        bench.present(1, 0, attempt(1), 2 + turn % 2);
    }
    let end = || bench.ledger.changes_since(Cursor::END).wait().unwrap();
    let kept_from = end().cursor;
    bench.clock.advance(HOUR);
    bench.present(1, 0, attempt(1), 4);
    let before = bench.clock.now().unix;
    let mut sweeps = 1;
    while bench.ledger.sweep(before).wait().unwrap().log_is_long {
        sweeps += 1;
    }
    assert!(sweeps <= 3, "{sweeps} sweeps");
    let read = bench.ledger.changes_since(begin).wait().unwrap();
    assert!(!read.complete, "the log still goes back to the beginning");
    let held = bench.ledger.changes_since(kept_from).wait().unwrap();
    assert_eq!((held.complete, held.changes.len()), (true, 1));
}
