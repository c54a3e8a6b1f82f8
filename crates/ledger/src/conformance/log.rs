//! The log of changes, by which nodes find what others did.

use super::{
    Fixture,
    bench::{Bench, attempt, connection, revoke, session, wait_for},
};
use crate::{BATCH_ENTRIES, CHANGES_ENTRIES, Cursor};
use handfast_core::{session::Evidence, time::Clock};
use std::time::Duration;

fn end<F: Fixture>(bench: &Bench<F>) -> Cursor {
    bench
        .ledger
        .changes_since(Cursor::END)
        .wait()
        .unwrap()
        .cursor
}

/// Session 1 goes to connection 2 and back to 1.
fn change_hands_twice<F: Fixture>(bench: &Bench<F>) {
    let generation = bench.record(1).issued.number();
    bench.present(1, generation, attempt(generation), 2);
    bench.present(1, generation, attempt(generation), 1);
}

pub fn every_change_is_found_behind_the_cursor<F: Fixture>() {
    let bench = Bench::<F>::new();
    for number in 1..=3 {
        bench.login(number);
    }
    let mut cursors = vec![(end(&bench), 0)];
    let mut told = Vec::new();
    let mut note = || {
        told.extend(bench.recorder.take());
        cursors.push((end(&bench), told.len()));
    };
    change_hands_twice(&bench);
    note();
    bench.revoke(2).unwrap();
    note();
    let held = bench.hold();
    let receipts = [4, 5, 6].map(|from| bench.ask(3, 0, attempt(1), from));
    let revoked = bench.ledger.revoke(revoke(3));
    drop(held);
    wait_for(receipts);
    revoked.wait().unwrap();
    note();
    assert_eq!(told.len(), 7);
    assert_eq!(bench.log(), told);
    for (cursor, before) in cursors {
        let mut read = bench.ledger.changes_since(cursor).wait().unwrap();
        read.changes
            .retain(|change| [1, 2, 3].map(session).contains(&change.session));
        assert_eq!(read.changes, told[before..]);
        assert!(read.complete && !read.more);
        assert_eq!(read.cursor, end(&bench));
    }
}

pub fn a_new_node_begins_at_the_end<F: Fixture>() {
    let bench = Bench::<F>::new();
    let nothing = bench.ledger.changes_since(Cursor::END).wait().unwrap();
    assert!(nothing.complete && nothing.changes.is_empty());
    bench.login(1);
    change_hands_twice(&bench);
    let from_the_start = bench.ledger.changes_since(nothing.cursor).wait().unwrap();
    assert!(from_the_start.complete);
    assert_eq!(from_the_start.changes, bench.recorder.take());
    let read = bench.ledger.changes_since(Cursor::END).wait().unwrap();
    assert_eq!(
        (read.changes, read.complete, read.more),
        (vec![], true, false)
    );
    assert_eq!(read.cursor, from_the_start.cursor);
}

pub fn what_another_ledger_changed_is_found<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let cursor = end(&bench);
    let (beside, recorder) = bench.beside();
    beside.revoke(revoke(1)).wait().unwrap();
    let read = bench.ledger.changes_since(cursor).wait().unwrap();
    assert_eq!(read.changes, recorder.take());
    assert_eq!(read.changes[0].owner, Some(connection(1)));
    assert_eq!(bench.recorder.take(), []);
    assert!(bench.record(1).revoked.is_some());
}

pub fn a_long_log_is_read_in_parts<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let cursor = end(&bench);
    // A part is whole batches, so it may hold almost one more than it need.
    let takeovers = CHANGES_ENTRIES + BATCH_ENTRIES;
    let receipts: Vec<_> = (0..takeovers)
        .map(|turn| bench.ask(1, 0, attempt(1), 2 + u64::try_from(turn % 2).unwrap()))
        .collect();
    wait_for(receipts);
    let told = bench.recorder.take();
    assert_eq!(told.len(), takeovers);
    let part = bench.ledger.changes_since(cursor).wait().unwrap();
    assert!(part.complete && part.more);
    assert!(part.changes.len() < takeovers);
    let rest = bench.ledger.changes_since(part.cursor).wait().unwrap();
    assert!(rest.complete && !rest.more);
    assert_eq!([part.changes, rest.changes].concat(), told);
}

pub fn a_cursor_from_before_the_kept_log_is_told_so<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let before = end(&bench);
    change_hands_twice(&bench);
    let last_forgotten = end(&bench);
    bench.clock.advance(Duration::from_secs(100));
    change_hands_twice(&bench);
    let kept = bench.recorder.take().split_off(2);
    bench.ledger.sweep(bench.clock.now().unix).wait().unwrap();
    let read = bench.ledger.changes_since(before).wait().unwrap();
    assert_eq!(
        (read.complete, &read.changes[..], read.more),
        (false, &[][..], false)
    );
    assert_eq!(read.cursor, end(&bench));
    let read = bench.ledger.changes_since(last_forgotten).wait().unwrap();
    assert_eq!((read.complete, read.changes), (true, kept));
}

pub fn a_log_that_was_forgotten_goes_on_where_it_was<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let before = end(&bench);
    change_hands_twice(&bench);
    let after = end(&bench);
    bench.clock.advance(Duration::from_secs(100));
    let swept = bench.ledger.sweep(bench.clock.now().unix).wait().unwrap();
    assert!(swept.round_complete);
    bench.recorder.take();
    let bench = bench.reopened();
    change_hands_twice(&bench);
    let read = bench.ledger.changes_since(after).wait().unwrap();
    assert_eq!((read.complete, read.changes), (true, bench.recorder.take()));
    let read = bench.ledger.changes_since(before).wait().unwrap();
    assert!(!read.complete);
}

pub fn a_cursor_behind_the_end_is_told_so<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.present(1, 0, Evidence::Bare, 2);
    let Cursor(place) = end(&bench);
    let read = bench
        .ledger
        .changes_since(Cursor(place + 1))
        .wait()
        .unwrap();
    assert!(!read.complete);
    assert_eq!(read.cursor, Cursor(place));
}
