//! What a record keeps beside generations: times, its end, its owner.

use handfast_core::{
    session::{
        Acknowledged, AttemptHash, ConnectionId, Consumption, Evidence, Generation, History,
        Presentation, Presented, Pushed, REMEMBERED_GENERATIONS, Refusal, RevocationReason,
        SessionRecord, TokenPolicy, acknowledge, create, present, push, revoke,
    },
    time::Timestamp,
};
use std::time::Duration;

const OWNER: ConnectionId = ConnectionId { node: 1, number: 0 };
const LATER: ConnectionId = ConnectionId { node: 1, number: 1 };
const DAY: u64 = 24 * 3600;
const POLICY: TokenPolicy = TokenPolicy {
    lifetime: Duration::from_secs(7 * DAY),
    session_lifetime: Duration::from_secs(30 * DAY),
    roll_forward: false,
};

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(1_800_000_000 + seconds)
}

fn attempt(generation: u64) -> Presentation {
    Presentation {
        generation: Generation::new(generation).expect("a small number"),
        evidence: Evidence::Attempt(AttemptHash::of(&format!("the attempt at {generation}"))),
        connection: LATER,
    }
}

fn logged_in() -> SessionRecord {
    create(OWNER, None, at(0), &POLICY)
}

/// Presents the issued generation at `now`.
fn advanced(record: SessionRecord, now: Timestamp) -> SessionRecord {
    let (record, presented) = present(record, &attempt(record.issued.number()), now, &POLICY);
    assert_eq!(presented, Presented::Advanced);
    record
}

#[test]
fn answering_again_changes_neither_the_generation_nor_its_expiry() {
    let first = advanced(logged_in(), at(100));
    let (again, presented) = present(first, &attempt(0), at(200), &POLICY);
    assert_eq!(presented, Presented::AnsweredAgain);
    assert_eq!(again.issued, first.issued);
    assert_eq!(again.token_issued_at, at(100));
    assert_eq!(again.token_expires_at, at(100 + 7 * DAY));
}

#[test]
fn a_token_never_outlives_its_session() {
    let mut record = logged_in();
    for day in 1..30 {
        record = advanced(record, at(day * DAY));
        assert!(record.token_expires_at <= record.expires_at);
    }
    assert_eq!(record.expires_at, at(30 * DAY));
    assert_eq!(record.token_expires_at, at(30 * DAY));
}

#[test]
fn a_session_past_its_time_accepts_and_issues_nothing() {
    let record = logged_in();
    let end = at(30 * DAY);
    let presented = present(record, &attempt(0), end, &POLICY);
    assert_eq!(presented, (record, Presented::Refused(Refusal::Expired)));
    assert_eq!(push(record, OWNER, end, &POLICY), (record, Pushed::Ended));
    assert!(record.is_live(at(7 * DAY - 1)) && !record.is_live(at(7 * DAY)));
}

#[test]
fn a_token_past_its_time_is_not_pushed_to_and_not_acknowledged() {
    let record = logged_in();
    let (pushed, outcome) = push(record, OWNER, at(10), &POLICY);
    assert_eq!(outcome, Pushed::Issued);
    let late = at(10 + 7 * DAY);
    assert_eq!(push(record, OWNER, late, &POLICY), (record, Pushed::Ended));
    let outcome = acknowledge(pushed, pushed.issued, OWNER, late);
    assert_eq!(outcome, (pushed, Acknowledged::Ignored));
}

#[test]
fn a_revoked_session_keeps_its_first_reason_and_accepts_nothing() {
    let (record, _) = push(logged_in(), OWNER, at(1), &POLICY);
    let record = revoke(record, RevocationReason::Admin, at(2));
    let again = revoke(record, RevocationReason::Logout, at(3));
    assert_eq!(again, record);
    for generation in 0..3 {
        let presented = present(record, &attempt(generation), at(4), &POLICY);
        assert_eq!(presented, (record, Presented::Refused(Refusal::Revoked)));
    }
    assert_eq!(push(record, OWNER, at(4), &POLICY), (record, Pushed::Ended));
    let outcome = acknowledge(record, record.issued, OWNER, at(4));
    assert_eq!(outcome, (record, Acknowledged::Ignored));
}

#[test]
fn a_wall_clock_that_jumps_back_moves_no_client_out_of_sight() {
    let record = advanced(logged_in(), at(5000));
    assert_eq!(record.last_seen_at, at(5000));
    assert_eq!(advanced(record, at(10)).last_seen_at, at(5000));
}

#[test]
fn a_late_retry_is_known_for_eight_generations_and_counts_as_reuse_after_that() {
    let mut record = logged_in();
    for _ in 0..REMEMBERED_GENERATIONS {
        record = advanced(record, at(1));
    }
    let (_, presented) = present(record, &attempt(0), at(2), &POLICY);
    assert_eq!(presented, Presented::Refused(Refusal::Stale));
    record = advanced(record, at(3));
    let (_, presented) = present(record, &attempt(0), at(4), &POLICY);
    assert_eq!(presented, Presented::Refused(Refusal::Reused));
}

#[test]
fn times_at_the_end_of_time_saturate() {
    let policy = TokenPolicy {
        lifetime: Duration::MAX,
        session_lifetime: Duration::MAX,
        roll_forward: true,
    };
    let end = Timestamp::from_unix(u64::MAX);
    let record = create(OWNER, None, at(0), &policy);
    assert_eq!(record.expires_at, end);
    assert_eq!(record.token_expires_at, end);
    let (record, presented) = present(record, &attempt(0), end, &policy);
    assert_eq!(presented, Presented::Refused(Refusal::Expired));
    let last = Generation::MAX.number();
    let (record, presented) = present(record, &attempt(last), at(1), &policy);
    assert_eq!(presented, Presented::RolledForward);
    assert!(record.confirmed == Generation::MAX && record.confirmed < record.issued);
    let oldest = record.history.remembered().last();
    assert_eq!(oldest, Some(&Consumption::Nothing));
}

#[test]
fn a_history_comes_back_from_what_it_was_stored_as() {
    let mut record = logged_in();
    for _ in 0..20 {
        record = advanced(record, at(1));
    }
    let stored = *record.history.remembered();
    assert_eq!(History::from_remembered(stored), record.history);
    let Consumption::Attempt(hash) = record.history.of_confirmed() else {
        panic!("consumed by an attempt");
    };
    assert_eq!(AttemptHash::from_bytes(*hash.as_bytes()), hash);
    assert_eq!(format!("{hash:?}"), "AttemptHash(…)");
}
