//! A file that somebody spoils or takes away while the server runs.

use crate::scratch::{Scratch, serve};
use handfast_core::{session::Evidence, time::Timestamp};
use handfast_ledger::{
    LedgerError, StorageFault,
    conformance::{create, present, session},
};
use rusqlite::Connection;
use std::fs;

#[test]
fn a_spoilt_row_fails_its_own_session_only() {
    let scratch = Scratch::new();
    let ledger = serve(&scratch.file());
    for number in 1..=3 {
        ledger.create(create(number, "alice")).wait().unwrap();
    }
    let spoiler = Connection::open(scratch.file()).unwrap();
    let spoilt = spoiler.execute(
        "UPDATE sessions SET history = x'00ff' WHERE session = ?1",
        [session(2).as_bytes()],
    );
    assert_eq!(spoilt, Ok(1));
    let receipts: Vec<_> = (1..=3)
        .map(|number| ledger.present(present(number, 0, Evidence::Bare, 9)))
        .collect();
    for (number, receipt) in (1..).zip(receipts) {
        match receipt.wait() {
            Err(LedgerError::Unavailable(cause)) => {
                assert_eq!((number, cause.fault()), (2, StorageFault::Damaged));
            }
            answer => assert!(number != 2 && answer.is_ok(), "{number}: {answer:?}"),
        }
    }
    assert!(ledger.session(session(1)).wait().unwrap().is_some());
    let swept = ledger.sweep(Timestamp::from_unix(u64::MAX)).wait().unwrap();
    assert!(swept.round_complete, "a sweep goes on behind it");
}

#[test]
fn a_file_that_was_taken_away_is_missed_and_found_again() {
    let scratch = Scratch::new();
    let ledger = serve(&scratch.file());
    ledger.create(create(1, "alice")).wait().unwrap();
    ledger.check().wait().unwrap();
    let elsewhere = scratch.folder().join("elsewhere.db");
    fs::rename(scratch.file(), &elsewhere).unwrap();
    let unavailable = |answer| matches!(answer, Err(LedgerError::Unavailable(_)));
    assert!(unavailable(ledger.check().wait()));
    // From then on nothing is stored where nobody would find it.
    assert!(unavailable(
        ledger.create(create(2, "alice")).wait().map(drop)
    ));
    assert!(!scratch.file().exists());
    fs::rename(&elsewhere, scratch.file()).unwrap();
    ledger.create(create(2, "alice")).wait().unwrap();
    ledger.check().wait().unwrap();
    assert_eq!(ledger.list("alice").wait().unwrap().len(), 2);
}
