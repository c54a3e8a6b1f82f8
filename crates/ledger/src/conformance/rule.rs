//! The session rule, seen through a ledger. Its table stands here once more as the specification has it, not derived
//! from the code that decides.

use super::{
    Fixture,
    bench::{Bench, KEY, PROOF, attempt, connection, create, policy, present, session},
};
use handfast_core::session::{
    Acknowledged, Consumption, Evidence, Generation, History, Presented, Pushed, Refusal,
    RevocationReason, SessionRecord, TokenPolicy,
};
use std::time::Duration;

/// How a session came to where a cell of the table begins.
#[derive(Clone, Copy, Debug)]
enum Step {
    Present(u64, Evidence),
    Push,
    Acknowledge(u64),
}

/// A cell of the table: history, presented generation, evidence, decision, and then the confirmed and issued generation
/// where it was accepted.
type Cell = (Vec<Step>, u64, Evidence, Presented, Option<(u64, u64)>);

use Evidence::Bare;
use Presented::{Advanced, AnsweredAgain, FromTheFuture, Refused, Replaced};
use Step::{Acknowledge, Present, Push};

const STALE: Presented = Refused(Refusal::Stale);
const REUSED: Presented = Refused(Refusal::Reused);

/// Generation 1 is void: it was issued to a bare client, whose next presentation replaced it.
const VOID_BETWEEN: [Step; 2] = [Present(0, Bare), Present(0, Bare)];
/// Generation 1 was pushed and acknowledged, so nobody ever presented generation 0.
const ACKNOWLEDGED: [Step; 2] = [Push, Acknowledge(1)];

fn steps(steps: &[Step]) -> Vec<Step> {
    steps.to_vec()
}

/// Generations 0 to 8 each presented once, so that 0 is one more than is remembered.
fn nine(evidence: Evidence) -> Vec<Step> {
    (0..9)
        .map(|generation| Present(generation, evidence))
        .collect()
}

fn row_of_attempt_keys() -> Vec<Cell> {
    let (k, l, m) = (attempt(1), attempt(2), attempt(3));
    vec![
        (steps(&[]), 0, k, Advanced, Some((0, 1))),
        (steps(&[Present(0, k)]), 1, k, Advanced, Some((1, 2))),
        (steps(&[Push]), 1, k, Advanced, Some((1, 2))),
        (steps(&VOID_BETWEEN), 2, k, Advanced, Some((2, 3))),
        (steps(&[Present(0, k)]), 0, k, AnsweredAgain, Some((0, 1))),
        (steps(&[Push]), 0, k, AnsweredAgain, Some((0, 1))),
        (
            steps(&[Push, Present(0, k)]),
            0,
            k,
            AnsweredAgain,
            Some((0, 1)),
        ),
        (steps(&[Push, Present(0, k)]), 0, l, REUSED, None),
        (steps(&[Present(0, l)]), 0, k, REUSED, None),
        (steps(&[Present(0, Bare)]), 0, k, REUSED, None),
        (steps(&VOID_BETWEEN), 0, k, REUSED, None),
        (steps(&VOID_BETWEEN), 1, k, REUSED, None),
        (steps(&[Present(0, k), Present(1, m)]), 0, k, STALE, None),
        (steps(&[Present(0, l), Present(1, m)]), 0, k, REUSED, None),
        (
            steps(&[Present(0, Bare), Present(1, m)]),
            0,
            k,
            REUSED,
            None,
        ),
        (steps(&ACKNOWLEDGED), 0, k, STALE, None),
        (nine(k), 1, k, STALE, None),
        (nine(k), 0, k, REUSED, None),
        (steps(&[]), 1, k, FromTheFuture, None),
        (steps(&[Present(0, k)]), 2, k, FromTheFuture, None),
    ]
}

fn row_of_bare_tokens() -> Vec<Cell> {
    let k = attempt(1);
    vec![
        (steps(&[]), 0, Bare, Advanced, Some((0, 1))),
        (steps(&[Present(0, k)]), 1, Bare, Advanced, Some((1, 2))),
        (steps(&[Push]), 1, Bare, Advanced, Some((1, 2))),
        (steps(&[Present(0, Bare)]), 0, Bare, Replaced, Some((0, 2))),
        (steps(&[Push]), 0, Bare, Replaced, Some((0, 2))),
        (steps(&VOID_BETWEEN), 0, Bare, Replaced, Some((0, 3))),
        (steps(&VOID_BETWEEN), 2, Bare, Advanced, Some((2, 3))),
        (steps(&VOID_BETWEEN), 1, Bare, REUSED, None),
        (
            steps(&[Push, Present(0, Bare)]),
            1,
            Bare,
            Advanced,
            Some((1, 2)),
        ),
        (steps(&[Present(0, k)]), 0, Bare, REUSED, None),
        (
            steps(&[Present(0, Bare), Present(1, Bare)]),
            0,
            Bare,
            REUSED,
            None,
        ),
        (
            steps(&[Present(0, k), Present(1, Bare)]),
            0,
            Bare,
            REUSED,
            None,
        ),
        (steps(&ACKNOWLEDGED), 0, Bare, STALE, None),
        (nine(Bare), 0, Bare, REUSED, None),
        (steps(&[]), 1, Bare, FromTheFuture, None),
    ]
}

fn row_of_proofs() -> Vec<Cell> {
    let needed = Refused(Refusal::ProofRequired);
    vec![
        (steps(&[]), 0, PROOF, Advanced, Some((0, 1))),
        (steps(&[Push]), 1, PROOF, Advanced, Some((1, 2))),
        (
            steps(&[Present(0, PROOF)]),
            0,
            PROOF,
            AnsweredAgain,
            Some((0, 1)),
        ),
        (steps(&[Push]), 0, PROOF, AnsweredAgain, Some((0, 1))),
        (
            steps(&[Present(0, PROOF), Present(1, PROOF)]),
            0,
            PROOF,
            STALE,
            None,
        ),
        (steps(&ACKNOWLEDGED), 0, PROOF, STALE, None),
        (nine(PROOF), 0, PROOF, STALE, None),
        (steps(&[]), 1, PROOF, FromTheFuture, None),
        (steps(&[]), 0, Bare, needed, None),
        (steps(&[]), 0, attempt(1), needed, None),
        (nine(PROOF), 0, Bare, needed, None),
    ]
}

pub fn every_cell_of_the_table_is_decided_as_written<F: Fixture>() {
    let bench = Bench::<F>::new();
    let keyless = row_of_attempt_keys()
        .into_iter()
        .chain(row_of_bare_tokens());
    let cells = keyless.map(|cell| (None, cell));
    let keyed = row_of_proofs().into_iter().map(|cell| (Some(KEY), cell));
    for (number, (key, cell)) in (1..).zip(cells.chain(keyed)) {
        let mut login = create(number, "alice");
        login.key = key;
        bench.ledger.create(login).wait().unwrap();
        decide_cell(&bench, number, &cell);
    }
}

fn decide_cell<F: Fixture>(bench: &Bench<F>, number: u64, cell: &Cell) {
    let (history, presented, evidence, expected, generations) = cell;
    for &step in history {
        take(bench, number, step);
    }
    let before = bench.record(number);
    let (newcomer, asked) = (
        number + 1_000,
        present(number, *presented, *evidence, number + 1_000),
    );
    let answer = bench.ledger.present(asked).wait().unwrap();
    assert_eq!(answer.presented, *expected, "{cell:?}");
    let after = bench.record(number);
    assert_eq!(answer.record, Some(after), "{cell:?}");
    if let &Some((confirmed, issued)) = generations {
        let actual = (after.confirmed.number(), after.issued.number());
        assert_eq!(actual, (confirmed, issued), "{cell:?}");
        assert_eq!(after.owner, Some(connection(newcomer)), "{cell:?}");
        assert_eq!(after.revoked, None, "{cell:?}");
    } else if *expected == REUSED {
        let end = after.revoked.map(|end| end.reason);
        assert_eq!(end, Some(RevocationReason::Reused), "{cell:?}");
        let refused = Refused(Refusal::Revoked);
        let newest = after.issued.number();
        assert_eq!(
            bench.present(number, newest, *evidence, number),
            refused,
            "{cell:?}"
        );
    } else {
        let history = if *expected == STALE {
            noted(&before, *presented, *evidence)
        } else {
            before.history
        };
        assert_eq!(after, SessionRecord { history, ..before }, "{cell:?}");
    }
}

/// What a presentation that is late leaves behind: its attempt key, where nothing had consumed its generation.
fn noted(before: &SessionRecord, presented: u64, evidence: Evidence) -> History {
    let mut remembered = *before.history.remembered();
    let behind = before.confirmed.number().checked_sub(presented);
    let place = behind.and_then(|behind| remembered.get_mut(usize::try_from(behind).unwrap()));
    if let (Some(entry @ Consumption::Nothing), Evidence::Attempt(hash)) = (place, evidence) {
        *entry = Consumption::Attempt(hash);
    }
    History::from_remembered(remembered)
}

fn take<F: Fixture>(bench: &Bench<F>, number: u64, step: Step) {
    match step {
        Present(generation, evidence) => {
            let presented = bench.present(number, generation, evidence, number);
            assert!(
                matches!(presented, Advanced | AnsweredAgain | Replaced),
                "{presented:?}"
            );
        }
        Push => {
            let pushed = bench.ledger.push(session(number), connection(number));
            assert_eq!(pushed.wait().unwrap().0, Pushed::Issued);
        }
        Acknowledge(generation) => {
            let acknowledged = acknowledge(bench, number, generation, number);
            assert_eq!(acknowledged, Acknowledged::Confirmed);
        }
    }
}

fn acknowledge<F: Fixture>(
    bench: &Bench<F>,
    number: u64,
    generation: u64,
    from: u64,
) -> Acknowledged {
    let generation = Generation::new(generation).unwrap();
    let ledger = &bench.ledger;
    ledger
        .acknowledge(session(number), generation, connection(from))
        .wait()
        .unwrap()
}

pub fn a_late_presentation_under_a_second_attempt_key_ends_the_session<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    for step in ACKNOWLEDGED {
        take(&bench, 1, step);
    }
    for _ in 0..2 {
        assert_eq!(bench.present(1, 0, attempt(1), 2), STALE);
    }
    assert_eq!(bench.present(1, 0, attempt(2), 2), REUSED);
}

pub fn a_generation_from_the_future_is_refused_and_counted<F: Fixture>() {
    let bench = Bench::<F>::new();
    let before = bench.login(1);
    assert_eq!(bench.ledger.counts().from_the_future, 0);
    assert_eq!(bench.present(1, 5, attempt(1), 2), FromTheFuture);
    assert_eq!(bench.ledger.counts().from_the_future, 1);
    assert_eq!(bench.record(1), before);
    assert_eq!(bench.recorder.take(), []);
}

pub fn a_generation_from_the_future_is_accepted_where_the_operator_says_so<F: Fixture>() {
    let fixture = F::empty();
    let backend = fixture.open();
    let policy = TokenPolicy {
        roll_forward: true,
        ..policy()
    };
    let bench = Bench::with(fixture, backend, policy);
    bench.login(1);
    assert_eq!(bench.present(1, 5, attempt(1), 2), Presented::RolledForward);
    assert_eq!(bench.ledger.counts().from_the_future, 1);
    let record = bench.record(1);
    let generations = (record.confirmed.number(), record.issued.number());
    assert_eq!(generations, (5, 6));
    assert_eq!(bench.present(1, 5, attempt(1), 2), AnsweredAgain);
}

pub fn a_session_that_never_was_is_unknown<F: Fixture>() {
    let bench = Bench::<F>::new();
    let answer = bench.ask(1, 0, attempt(1), 1).wait().unwrap();
    assert_eq!(answer.presented, Refused(Refusal::Unknown));
    assert_eq!(answer.record, None);
    let pushed = bench.ledger.push(session(1), connection(1)).wait().unwrap();
    assert_eq!(pushed, (Pushed::Ended, None));
    assert_eq!(acknowledge(&bench, 1, 0, 1), Acknowledged::Ignored);
    assert_eq!(bench.revoke(1).unwrap(), []);
    assert_eq!(bench.ledger.session(session(1)).wait().unwrap(), None);
    assert_eq!(bench.recorder.take(), []);
}

pub fn a_session_whose_time_is_over_is_expired<F: Fixture>() {
    let bench = Bench::<F>::new();
    let made = bench.login(1);
    let lifetime = made.expires_at.since(made.created_at);
    bench.clock.advance(lifetime - Duration::from_secs(1));
    assert_eq!(bench.present(1, 0, attempt(1), 1), Advanced);
    let last = bench.record(1);
    assert_eq!(last.token_expires_at, last.expires_at);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(
        bench.present(1, 1, attempt(2), 1),
        Refused(Refusal::Expired)
    );
    let (pushed, _) = bench.ledger.push(session(1), connection(1)).wait().unwrap();
    assert_eq!(pushed, Pushed::Ended);
    assert_eq!(acknowledge(&bench, 1, 1, 1), Acknowledged::Ignored);
    assert_eq!(bench.record(1), last);
}

pub fn a_push_is_to_the_owner_only_and_waits_for_its_confirmation<F: Fixture>() {
    let bench = Bench::<F>::new();
    let before = bench.login(1);
    let push = |from| {
        bench
            .ledger
            .push(session(1), connection(from))
            .wait()
            .unwrap()
    };
    assert_eq!(push(2), (Pushed::NotOwner, Some(before)));
    bench.clock.advance(Duration::from_secs(60));
    let (pushed, record) = push(1);
    assert_eq!(pushed, Pushed::Issued);
    let expected = SessionRecord {
        issued: before.issued.next(),
        token_issued_at: before.token_issued_at.after(Duration::from_secs(60)),
        token_expires_at: before.token_expires_at.after(Duration::from_secs(60)),
        last_seen_at: before.last_seen_at.after(Duration::from_secs(60)),
        ..before
    };
    assert_eq!(record, Some(expected));
    assert_eq!(push(1), (Pushed::Unconfirmed, Some(expected)));
    assert_eq!(acknowledge(&bench, 1, 1, 1), Acknowledged::Confirmed);
    assert_eq!(push(1).0, Pushed::Issued);
    assert_eq!(bench.record(1).issued.number(), 2);
    bench.revoke(1).unwrap();
    assert_eq!(push(1).0, Pushed::Ended);
    assert_eq!(bench.recorder.take().len(), 1);
}

pub fn an_acknowledgement_counts_from_the_owner_and_for_the_issued_generation_only<F: Fixture>() {
    let bench = Bench::<F>::new();
    bench.login(1);
    assert_eq!(acknowledge(&bench, 1, 0, 1), Acknowledged::Ignored);
    bench.ledger.push(session(1), connection(1)).wait().unwrap();
    let before = bench.record(1);
    for (generation, from) in [(0, 1), (2, 1), (1, 2)] {
        assert_eq!(
            acknowledge(&bench, 1, generation, from),
            Acknowledged::Ignored
        );
    }
    assert_eq!(bench.record(1), before);
    assert_eq!(acknowledge(&bench, 1, 1, 1), Acknowledged::Confirmed);
    assert_eq!(bench.record(1).confirmed.number(), 1);
    assert_eq!(acknowledge(&bench, 1, 1, 1), Acknowledged::Ignored);
    assert_eq!(bench.recorder.take(), []);
}
