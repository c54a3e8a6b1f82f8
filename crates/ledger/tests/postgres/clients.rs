//! Clients that present all the time, whatever happens to the ledger.

use handfast_core::session::{Evidence, Presented, Refusal};
use handfast_ledger::{
    Ledger, LedgerError,
    conformance::{attempt, create, present, wait_for},
};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

const SESSIONS: u64 = 40;

/// How many answers there must be between one trouble and the next, so that some presentations are always under way.
const ANSWERS: u64 = 500;

/// The clients of as many sessions.
pub(crate) struct Clients;

/// For each session the generation that its client was answered last.
pub(crate) struct Held(Vec<(u64, u64)>);

/// The attempt key that session `number`'s client has for `generation`.
fn key(number: u64, generation: u64) -> Evidence {
    attempt(number << 32 | generation)
}

fn lets_in(presented: Presented) -> bool {
    matches!(presented, Presented::Advanced | Presented::AnsweredAgain)
}

impl Clients {
    pub(crate) fn log_in(ledger: &Ledger) -> Self {
        wait_for((1..=SESSIONS).map(|number| ledger.create(create(number, "alice"))));
        Self
    }

    /// Lets all present at once, again and again, until `trouble` is over.
    pub(crate) fn present_while(&self, ledger: &Ledger, trouble: impl FnOnce()) -> Held {
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let clients = (1..=SESSIONS).map(|number| {
                let is_over = &is_over;
                scope.spawn(move || (number, client(ledger, number, is_over)))
            });
            let clients: Vec<_> = clients.collect();
            trouble();
            is_over.store(true, Ordering::SeqCst);
            let held = clients.into_iter().map(|client| client.join().unwrap());
            Held(held.collect())
        })
    }

    /// Waits until more presentations were answered.
    pub(crate) fn wait_for_answers(&self, ledger: &Ledger) {
        let before = ledger.counts().answered;
        while ledger.counts().answered < before + ANSWERS {
            thread::yield_now();
        }
    }
}

/// A client that presents until it is over: it tries again what was not answered, as clients do. Gives the generation
/// that it was answered last.
fn client(ledger: &Ledger, number: u64, is_over: &AtomicBool) -> u64 {
    let mut held = 0;
    while !is_over.load(Ordering::SeqCst) {
        let asked = present(number, held, key(number, held), 1_000 + number);
        match ledger.present(asked).wait() {
            Ok(answer) => {
                let presented = answer.presented;
                assert!(
                    lets_in(presented),
                    "an honest client was locked out: {presented:?}"
                );
                held = answer.record.unwrap().issued.number();
            }
            Err(LedgerError::Unavailable(_)) => thread::yield_now(),
            Err(other) => panic!("{other:?}"),
        }
    }
    held
}

impl Held {
    /// What a client holds opens its session, and what is before that opens nothing.
    pub(crate) fn verify(&self, ledger: &Ledger) {
        // A database that could not be reached is left alone for a moment.
        while ledger.check().wait().is_err() {}
        for &(number, generation) in &self.0 {
            assert!(generation > 0);
            let asked = present(number, generation, key(number, generation), 1);
            let answer = ledger.present(asked).wait().unwrap().presented;
            assert!(lets_in(answer), "session {number}: {answer:?}");
            let stolen = present(number, generation - 1, attempt(u64::MAX), 666);
            let answer = ledger.present(stolen).wait().unwrap().presented;
            assert_eq!(answer, Presented::Refused(Refusal::Reused));
        }
    }
}
