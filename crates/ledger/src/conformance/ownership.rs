//! Whose session it is, and who is told when that changes.

use super::{
    Fixture,
    bench::{Bench, attempt, connection, create, origin, policy, present, session, wait_for},
};
use crate::{Change, LedgerError, Origin, Ownership};
use handfast_core::{
    session::{self as rule, RevocationReason, Session, Thumbprint},
    time::Clock,
};
use std::time::Duration;

fn taken_over(number: u64, from: u64, to: u64) -> Change {
    Change {
        session: session(number),
        owner: Some(connection(to)),
        former_owner: Some(connection(from)),
        revoked: None,
        by: Some(connection(to)),
    }
}

fn ownership(number: u64, by: u64) -> Ownership {
    Ownership {
        session: session(number),
        connection: connection(by),
    }
}

pub fn a_login_is_stored_as_it_was_made<F: Fixture>() {
    let bench = Bench::<F>::new();
    let mut login = create(1, "alice");
    login.key = Some(Thumbprint([9; 32]));
    let record = bench.ledger.create(login.clone()).wait().unwrap();
    let now = bench.clock.now().unix;
    assert_eq!(record, rule::create(login.owner, login.key, now, &policy()));
    let found = bench.ledger.session(session(1)).wait().unwrap();
    let expected = Session {
        session: session(1),
        subject: "alice".into(),
        address: login.origin.address,
        agent: login.origin.agent,
        record,
    };
    assert_eq!(found, Some(expected));
    assert_eq!(bench.recorder.take(), []);
}

pub fn a_name_that_exists_is_not_given_again<F: Fixture>() {
    let bench = Bench::<F>::new();
    let first = bench.login(1);
    let again = bench.ledger.create(create(1, "mallory")).wait();
    assert!(matches!(again, Err(LedgerError::SessionExists(name)) if name == session(1)));
    let held = bench.hold();
    let twice = [2, 2].map(|number| bench.ledger.create(create(number, "alice")));
    drop(held);
    let [first_of_two, second_of_two] = twice.map(|receipt| receipt.wait());
    first_of_two.unwrap();
    assert!(matches!(second_of_two, Err(LedgerError::SessionExists(_))));
    let kept = bench.ledger.session(session(1)).wait().unwrap().unwrap();
    assert_eq!((kept.record, &*kept.subject), (first, "alice"));
}

pub fn a_superseded_owner_is_reported_once<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.present(1, 0, attempt(1), 2);
    assert_eq!(bench.recorder.take(), [taken_over(1, 1, 2)]);
    // Answered again, to a third connection.
    bench.present(1, 0, attempt(1), 3);
    assert_eq!(bench.recorder.take(), [taken_over(1, 2, 3)]);
    // Refused: nothing changes hands.
    bench.present(1, 1, attempt(2), 3);
    bench.present(1, 0, attempt(1), 4);
    assert_eq!(bench.recorder.take(), []);
    assert_eq!(bench.record(1).owner, Some(connection(3)));
}

pub fn whoever_presents_again_is_not_reported<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    for generation in 0..3 {
        bench.present(1, generation, attempt(generation), 1);
    }
    assert_eq!(bench.recorder.take(), []);
}

pub fn two_takeovers_in_one_transaction_are_both_reported<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let held = bench.hold();
    let receipts = [2, 3, 3, 4].map(|from| bench.ask(1, 0, attempt(1), from));
    drop(held);
    wait_for(receipts);
    let expected = [
        taken_over(1, 1, 2),
        taken_over(1, 2, 3),
        taken_over(1, 3, 4),
    ];
    assert_eq!(bench.recorder.take(), expected);
}

pub fn an_origin_is_stored_with_a_new_owner_only<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    let stored = || {
        let found = bench.ledger.session(session(1)).wait().unwrap().unwrap();
        Origin {
            address: found.address,
            agent: found.agent,
        }
    };
    // The owner itself, from elsewhere.
    let mut roaming = present(1, 0, attempt(1), 1);
    roaming.origin = Some(origin(77));
    bench.ledger.present(roaming).wait().unwrap();
    assert_eq!(stored(), origin(1));
    // A new owner, of which nothing is known.
    let mut unknown = present(1, 1, attempt(2), 2);
    unknown.origin = None;
    bench.ledger.present(unknown).wait().unwrap();
    assert_eq!(stored(), origin(1));
    // A new owner.
    bench.clock.advance(Duration::from_secs(1));
    bench.present(1, 2, attempt(3), 3);
    assert_eq!(stored(), origin(3));
    // One that was refused.
    bench.present(1, 1, attempt(2), 4);
    assert_eq!(stored(), origin(3));
}

pub fn a_connection_that_owns_nothing_any_more_is_found_out<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.login(2);
    bench.present(1, 0, attempt(1), 3);
    bench.recorder.take();
    let log = bench.log();
    let examined = [
        ownership(1, 1),
        ownership(1, 3),
        ownership(2, 2),
        ownership(4, 4),
    ];
    let of_none = bench.ledger.examine(examined.into()).wait().unwrap();
    assert_eq!(of_none, [ownership(4, 4)]);
    let found = Change {
        by: None,
        ..taken_over(1, 1, 3)
    };
    assert_eq!(bench.recorder.take(), [found]);
    assert_eq!(bench.log(), log, "it was in the log before");
}

pub fn a_session_that_ended_has_ended_for_whoever_is_taken_for_its_owner<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.present(1, 0, attempt(1), 2);
    bench.revoke(1).unwrap();
    bench.recorder.take();
    let examined = [ownership(1, 1), ownership(1, 2)];
    bench.ledger.examine(examined.into()).wait().unwrap();
    let ended = |owner| Change {
        session: session(1),
        owner: Some(connection(owner)),
        former_owner: None,
        revoked: Some(RevocationReason::Admin),
        by: None,
    };
    assert_eq!(bench.recorder.take(), [ended(1), ended(2)]);
}

pub fn an_examination_is_told_between_the_decisions_that_it_came_between<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    bench.present(1, 0, attempt(1), 2);
    bench.recorder.take();
    let held = bench.hold();
    let before = bench.ledger.examine(vec![ownership(1, 1)]);
    let back = bench.ask(1, 0, attempt(1), 1);
    let after = bench.ledger.examine(vec![ownership(1, 1)]);
    drop(held);
    back.wait().unwrap();
    wait_for([before, after]);
    let found = Change {
        by: None,
        ..taken_over(1, 1, 2)
    };
    assert_eq!(bench.recorder.take(), [found, taken_over(1, 2, 1)]);
}
