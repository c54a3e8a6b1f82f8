//! Whatever is asked, the embedded ledger answers what the reference answers.

use crate::scratch::Scratch;
use handfast_core::{
    session::{Evidence, Generation, RevocationReason},
    time::{Clock, Timestamp},
};
use handfast_ledger::{
    Create, Memory, Receipt, Revoke, Scope,
    conformance::{
        Bench, Fixture, KEY, PROOF, attempt, connection, create, origin, present, session,
    },
};
use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof},
    test_runner::{Config, TestRunner},
};
use std::{fmt::Debug, time::Duration};

/// How many sessions, subjects and connections there are, few enough that they meet.
const SESSIONS: u64 = 6;
const SUBJECTS: [&str; 2] = ["alice", "bob"];
const CONNECTIONS: u64 = 5;

#[derive(Clone, Debug)]
enum Intent {
    Create {
        number: u64,
        subject: usize,
        key: bool,
        sessions_max: Option<u32>,
    },
    Present {
        number: u64,
        behind: u64,
        evidence: Evidence,
        from: u64,
        with_origin: bool,
    },
    Push {
        number: u64,
        from: u64,
    },
    Acknowledge {
        number: u64,
        behind: u64,
        from: u64,
    },
    RevokeSession {
        number: u64,
        subject: Option<usize>,
    },
    RevokeSubject {
        subject: usize,
        except: Option<u64>,
    },
    List {
        subject: usize,
    },
    Session {
        number: u64,
    },
    Sweep {
        before: Duration,
    },
    Check,
}

/// What comes together in one transaction, and how much later.
#[derive(Clone, Debug)]
struct Round {
    later: Duration,
    intents: Vec<Intent>,
}

fn intents() -> impl Strategy<Value = Intent> {
    let evidence = || {
        prop_oneof![
            Just(Evidence::Bare),
            Just(PROOF),
            (0..3_u64).prop_map(attempt),
        ]
    };
    let subject = || 0..SUBJECTS.len();
    let number = || 0..SESSIONS;
    let from = || 0..CONNECTIONS;
    prop_oneof![
        3 => (number(), subject(), any::<bool>(), option::of(1..4_u32)).prop_map(
            |(number, subject, key, sessions_max)| Intent::Create { number, subject, key, sessions_max }
        ),
        9 => (number(), 0..4_u64, evidence(), from(), any::<bool>()).prop_map(
            |(number, behind, evidence, from, with_origin)| {
                Intent::Present { number, behind, evidence, from, with_origin }
            }
        ),
        3 => (number(), from()).prop_map(|(number, from)| Intent::Push { number, from }),
        3 => (number(), 0..3_u64, from())
            .prop_map(|(number, behind, from)| Intent::Acknowledge { number, behind, from }),
        1 => (number(), option::of(subject()))
            .prop_map(|(number, subject)| Intent::RevokeSession { number, subject }),
        1 => (subject(), option::of(number()))
            .prop_map(|(subject, except)| Intent::RevokeSubject { subject, except }),
        1 => subject().prop_map(|subject| Intent::List { subject }),
        1 => number().prop_map(|number| Intent::Session { number }),
        1 => (0..40_u64).prop_map(|days| Intent::Sweep { before: Duration::from_secs(days * 86_400) }),
        1 => Just(Intent::Check),
    ]
}

fn rounds() -> impl Strategy<Value = Vec<Round>> {
    let later = prop_oneof![
        6 => Just(Duration::ZERO),
        3 => Just(Duration::from_secs(1)),
        1 => Just(Duration::from_secs(4 * 86_400)),
    ];
    let round =
        (later, vec(intents(), 1..12)).prop_map(|(later, intents)| Round { later, intents });
    vec(round, 1..25)
}

#[test]
fn whatever_is_asked_both_ledgers_answer_alike() {
    let config = Config {
        cases: 64,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&rounds(), |rounds| {
        let expected = play(&Bench::<Reference>::new(), &rounds);
        let actual = play(&Bench::<Scratch>::new(), &rounds);
        assert_eq!(actual, expected);
        Ok(())
    });
    outcome.unwrap();
}

/// All that the ledger of `bench` says when it is asked this.
fn play<F: Fixture>(bench: &Bench<F>, rounds: &[Round]) -> Vec<String> {
    let mut said = Vec::new();
    for round in rounds {
        bench.clock.advance(round.later);
        let issued = (0..SESSIONS).map(|number| issued_of(bench, number));
        let issued: Vec<_> = issued.map(Option::unwrap_or_default).collect();
        let held = bench.hold();
        let asked: Vec<_> = round
            .intents
            .iter()
            .map(|intent| ask(bench, intent, &issued))
            .collect();
        drop(held);
        said.extend(asked.into_iter().map(|answer| answer()));
        said.push(format!("{:?}", bench.recorder.take()));
    }
    for number in 0..SESSIONS {
        said.push(format!(
            "{:?}",
            bench.ledger.session(session(number)).wait()
        ));
    }
    said
}

fn issued_of<F: Fixture>(bench: &Bench<F>, number: u64) -> Option<u64> {
    let found = bench.ledger.session(session(number)).wait().unwrap();
    found.map(|found| found.record.issued.number())
}

/// Asks, and gives what waits for the answer.
fn ask<F: Fixture>(
    bench: &Bench<F>,
    intent: &Intent,
    issued: &[u64],
) -> Box<dyn FnOnce() -> String> {
    let ledger = &bench.ledger;
    // From one that is still to come, backwards.
    let generation = |number: u64, behind| {
        (issued[usize::try_from(number).unwrap()] + 1_u64).saturating_sub(behind)
    };
    match intent.clone() {
        Intent::Create {
            number,
            subject,
            key,
            sessions_max,
        } => later(ledger.create(Create {
            key: key.then_some(KEY),
            sessions_max,
            ..create(number, SUBJECTS[subject])
        })),
        Intent::Present {
            number,
            behind,
            evidence,
            from,
            with_origin,
        } => {
            let mut asked = present(number, generation(number, behind), evidence, from);
            asked.origin = with_origin.then(|| origin(from));
            later(ledger.present(asked))
        }
        Intent::Push { number, from } => later(ledger.push(session(number), connection(from))),
        Intent::Acknowledge {
            number,
            behind,
            from,
        } => {
            let generation = Generation::new(generation(number, behind)).unwrap();
            later(ledger.acknowledge(session(number), generation, connection(from)))
        }
        Intent::RevokeSession { number, subject } => later(ledger.revoke(Revoke {
            scope: Scope::Session {
                session: session(number),
                subject: subject.map(|subject| SUBJECTS[subject].into()),
            },
            reason: RevocationReason::Logout,
            by: Some(connection(0)),
            address: None,
        })),
        Intent::RevokeSubject { subject, except } => later(ledger.revoke(Revoke {
            scope: Scope::Subject {
                subject: SUBJECTS[subject].into(),
                except: except.map(session),
            },
            reason: RevocationReason::PasswordChanged,
            by: None,
            address: None,
        })),
        Intent::List { subject } => later(ledger.list(SUBJECTS[subject])),
        Intent::Session { number } => later(ledger.session(session(number))),
        Intent::Sweep { before } => {
            let now = bench.clock.now().unix.as_unix();
            let before = Timestamp::from_unix(now.saturating_sub(before.as_secs()));
            later(ledger.sweep(before))
        }
        Intent::Check => later(ledger.check()),
    }
}

fn later<T: Debug + 'static>(receipt: Receipt<T>) -> Box<dyn FnOnce() -> String> {
    Box::new(|| format!("{:?}", receipt.wait()))
}

struct Reference(Memory);

impl Fixture for Reference {
    type Backend = Memory;

    fn empty() -> Self {
        Self(Memory::new())
    }

    fn open(&self) -> Memory {
        self.0.clone()
    }

    fn open_beside(&self) -> Memory {
        self.0.clone()
    }
}
