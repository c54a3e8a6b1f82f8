//! The end of sessions: by their subject, by an operator, by misuse, for lack of room.

use super::{
    Fixture,
    bench::{Bench, PROOF, attempt, connection, create, origin, policy, revoke, session, wait_for},
};
use crate::{Change, Create, Ledger, Ownership, Revoke, Scope};
use handfast_core::session::{
    Evidence, Presented, Refusal, RevocationReason, SessionId, SessionRecord,
};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn revoke_all(subject: &str, except: Option<SessionId>) -> Revoke {
    Revoke {
        scope: Scope::Subject {
            subject: subject.into(),
            except,
        },
        reason: RevocationReason::PasswordChanged,
        by: Some(connection(50)),
        address: None,
    }
}

fn sorted(mut sessions: Vec<SessionId>) -> Vec<SessionId> {
    sessions.sort_unstable();
    sessions
}

fn ended<F: Fixture>(bench: &Bench<F>, number: u64) -> Option<RevocationReason> {
    bench.record(number).revoked.map(|end| end.reason)
}

fn limited(number: u64, sessions_max: u32) -> Create {
    Create {
        sessions_max: Some(sessions_max),
        ..create(number, "alice")
    }
}

pub fn a_revoked_session_is_over_and_keeps_its_first_reason<F: Fixture>() {
    let bench = Bench::<F>::new();
    let before = bench.login(1);
    bench.clock.advance(SECOND);
    let logout = Revoke {
        reason: RevocationReason::Logout,
        by: Some(connection(9)),
        ..revoke(1)
    };
    assert_eq!(bench.ledger.revoke(logout).wait().unwrap(), [session(1)]);
    let after = bench.record(1);
    let end = after.revoked.unwrap();
    assert_eq!(end.reason, RevocationReason::Logout);
    assert_eq!(end.at, before.created_at.after(SECOND));
    assert_eq!(
        SessionRecord {
            revoked: None,
            ..after
        },
        before
    );
    let expected = Change {
        session: session(1),
        owner: Some(connection(1)),
        former_owner: None,
        revoked: Some(RevocationReason::Logout),
        by: Some(connection(9)),
    };
    assert_eq!(bench.recorder.take(), [expected]);
    assert_eq!(bench.revoke(1).unwrap(), []);
    assert_eq!(
        bench
            .ledger
            .revoke(revoke_all("alice", None))
            .wait()
            .unwrap(),
        []
    );
    for evidence in [Evidence::Bare, attempt(1), PROOF] {
        let refused = Presented::Refused(Refusal::Revoked);
        assert_eq!(bench.present(1, 0, evidence, 2), refused);
    }
    assert_eq!(bench.record(1), after);
    assert_eq!(bench.recorder.take(), []);
}

/// Every end that is told: of what session, whose, why, and from where.
fn told_ends<F: Fixture>(bench: &Bench<F>) -> Vec<(SessionId, String, RevocationReason, String)> {
    let told = bench.recorder.take_ended().into_iter();
    told.map(|it| {
        let address = it.address.as_deref().unwrap_or_default().to_owned();
        (it.session, it.subject.to_string(), it.reason, address)
    })
    .collect()
}

pub fn each_end_is_told_once_with_its_subject_and_where_it_came_from<F: Fixture>() {
    let bench = Bench::<F>::new();
    for number in 1..=3 {
        bench.login(number);
    }
    let logout = Revoke {
        reason: RevocationReason::Logout,
        by: Some(connection(1)),
        address: Some("192.0.2.1".into()),
        ..revoke(1)
    };
    bench.ledger.revoke(logout).wait().unwrap();
    bench.present(2, 0, attempt(1), 21);
    bench.present(2, 0, attempt(2), 22);
    bench.ledger.create(limited(4, 1)).wait().unwrap();
    for number in 1..=3 {
        assert_eq!(bench.revoke(number).unwrap(), []);
    }
    let alice = || "alice".to_owned();
    let from = |number| origin(number).address.to_string();
    assert_eq!(
        told_ends(&bench),
        [
            (
                session(1),
                alice(),
                RevocationReason::Logout,
                "192.0.2.1".to_owned()
            ),
            (session(2), alice(), RevocationReason::Reused, from(22)),
            (session(3), alice(), RevocationReason::Limit, from(4)),
        ]
    );
    let revoked: u64 = bench.ledger.counts().revoked.iter().sum();
    assert_eq!(revoked, 3);
}

pub fn an_end_that_another_ledger_made_is_found_and_not_counted_again<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let (beside, told_beside) = bench.beside();
    beside.revoke(revoke(1)).wait().unwrap();
    let ownership = Ownership {
        session: session(1),
        connection: connection(1),
    };
    bench.ledger.examine(vec![ownership]).wait().unwrap();
    assert_eq!(
        bench.recorder.take()[0].revoked,
        Some(RevocationReason::Admin)
    );
    assert_eq!(bench.recorder.take_ended(), []);
    assert_eq!(told_beside.take_ended().len(), 1);
    let counted = |ledger: &Ledger| ledger.counts().revoked.iter().sum::<u64>();
    assert_eq!((counted(&bench.ledger), counted(&beside)), (0, 1));
}

pub fn a_revocation_for_a_subject_leaves_sessions_of_others_alone<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let of = |subject: &str| Revoke {
        scope: Scope::Session {
            session: session(1),
            subject: Some(subject.into()),
        },
        ..revoke(1)
    };
    assert_eq!(bench.ledger.revoke(of("bob")).wait().unwrap(), []);
    assert_eq!(ended(&bench, 1), None);
    assert_eq!(
        bench.ledger.revoke(of("alice")).wait().unwrap(),
        [session(1)]
    );
    assert_eq!(ended(&bench, 1), Some(RevocationReason::Admin));
}

pub fn revoking_a_subject_ends_all_its_sessions_but_the_excepted_one<F: Fixture>() {
    let bench = Bench::<F>::new();
    for number in 1..=4 {
        bench.login(number);
    }
    bench.ledger.create(create(5, "bob")).wait().unwrap();
    bench.revoke(4).unwrap();
    bench.recorder.take();
    let all_but_two = revoke_all("alice", Some(session(2)));
    let answer = bench.ledger.revoke(all_but_two).wait().unwrap();
    let expected = sorted(vec![session(1), session(3)]);
    assert_eq!(sorted(answer), expected);
    let reported = bench.recorder.take();
    assert!(
        reported
            .iter()
            .all(|change| change.by == Some(connection(50)))
    );
    let reported = reported.iter().map(|change| change.session).collect();
    assert_eq!(sorted(reported), expected);
    let ends = [1, 2, 3, 4, 5].map(|number| ended(&bench, number));
    let changed = Some(RevocationReason::PasswordChanged);
    let admin = Some(RevocationReason::Admin);
    assert_eq!(ends, [changed, None, changed, admin, None]);
}

pub fn a_login_before_the_revocation_of_its_subject_ends_with_it<F: Fixture>() {
    let bench = Bench::<F>::new();
    let held = bench.hold();
    let created = bench.ledger.create(create(1, "alice"));
    let revoked = bench.ledger.revoke(revoke_all("alice", None));
    drop(held);
    assert_eq!(created.wait().unwrap().revoked, None);
    assert_eq!(revoked.wait().unwrap(), [session(1)]);
    assert_eq!(ended(&bench, 1), Some(RevocationReason::PasswordChanged));
}

pub fn a_login_after_the_revocation_of_its_subject_lives<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let held = bench.hold();
    let revoked = bench.ledger.revoke(revoke_all("alice", None));
    let created = bench.ledger.create(create(2, "alice"));
    drop(held);
    assert_eq!(revoked.wait().unwrap(), [session(1)]);
    created.wait().unwrap();
    assert_eq!(ended(&bench, 2), None);
}

pub fn reuse_is_reported_with_the_connection_that_caused_it<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.present(1, 0, attempt(1), 1);
    let reused = Presented::Refused(Refusal::Reused);
    assert_eq!(bench.present(1, 0, attempt(2), 66), reused);
    let expected = Change {
        session: session(1),
        owner: Some(connection(1)),
        former_owner: None,
        revoked: Some(RevocationReason::Reused),
        by: Some(connection(66)),
    };
    assert_eq!(bench.recorder.take(), [expected]);
}

pub fn the_longest_unseen_sessions_make_room_for_a_login<F: Fixture>() {
    let bench = Bench::<F>::new();
    for number in 1..=4 {
        bench.login(number);
        bench.clock.advance(SECOND);
    }
    // The oldest one has been seen since.
    bench.present(1, 0, attempt(1), 1);
    bench.recorder.take();
    bench.ledger.create(limited(5, 5)).wait().unwrap();
    assert_eq!(bench.recorder.take(), []);
    bench.ledger.create(limited(6, 4)).wait().unwrap();
    let reported = bench.recorder.take();
    let ends = [2, 3].map(|number| Change {
        session: session(number),
        owner: Some(connection(number)),
        former_owner: None,
        revoked: Some(RevocationReason::Limit),
        by: Some(connection(6)),
    });
    assert_eq!(reported, ends);
    let live = bench.ledger.list("alice").wait().unwrap();
    let live = live.iter().map(|found| found.session).collect();
    assert_eq!(sorted(live), sorted([1, 4, 5, 6].map(session).to_vec()));
}

pub fn sessions_that_ended_do_not_count_as_sessions<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.clock.advance(policy().lifetime);
    bench.login(2);
    bench.login(3);
    bench.ledger.create(create(4, "bob")).wait().unwrap();
    bench.revoke(3).unwrap();
    // Session 1 has expired, 3 is revoked, 4 is somebody else's.
    bench.ledger.create(limited(5, 2)).wait().unwrap();
    let ends = [1, 2, 4, 5].map(|number| ended(&bench, number));
    assert_eq!(ends, [None; 4]);
}

pub fn logins_in_one_transaction_make_room_for_one_another<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.clock.advance(SECOND);
    let held = bench.hold();
    let receipts = [2, 3, 4].map(|number| bench.ledger.create(limited(number, 2)));
    drop(held);
    wait_for(receipts);
    let live = bench.ledger.list("alice").wait().unwrap();
    assert_eq!(live.len(), 2);
    assert!(live.iter().any(|found| found.session == session(4)));
    assert_eq!(ended(&bench, 1), Some(RevocationReason::Limit));
}
