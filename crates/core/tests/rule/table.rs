//! The rule against the [reference](super::reference): in every state of a random history, every presentation that
//! could come next is decided alike.

use super::reference::{KEY, PROOF, Reference};
use handfast_core::{
    session::{
        Acknowledged, AttemptHash, ConnectionId, Evidence, Generation, Presentation, Presented,
        Pushed, Refusal, SessionRecord, Thumbprint, TokenPolicy, acknowledge, create, present,
        push,
    },
    time::Timestamp,
};
use proptest::prelude::*;
use std::{sync::LazyLock, time::Duration};

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

fn policy(roll_forward: bool) -> TokenPolicy {
    TokenPolicy {
        lifetime: Duration::from_secs(7 * 24 * 3600),
        session_lifetime: Duration::from_secs(30 * 24 * 3600),
        roll_forward,
    }
}

fn connection(number: u64) -> ConnectionId {
    ConnectionId { node: 1, number }
}

fn generation(number: u64) -> Generation {
    Generation::new(number).expect("a small number")
}

/// Everything that a client could show.
static EVIDENCES: LazyLock<[Evidence; 8]> = LazyLock::new(|| {
    let hash = |key| AttemptHash::of(key);
    let attempt = |key| Evidence::Attempt(hash(key));
    let other_proof = |attempt| Evidence::Proof {
        key: Thumbprint([8; 32]),
        attempt,
    };
    [
        Evidence::Bare,
        attempt("the first attempt"),
        attempt("the second attempt"),
        attempt("the third attempt"),
        PROOF,
        Evidence::Proof {
            key: KEY,
            attempt: Some(hash("the first attempt")),
        },
        other_proof(None),
        other_proof(Some(hash("the first attempt"))),
    ]
});

fn evidence_of(number: usize) -> Evidence {
    EVIDENCES[number % EVIDENCES.len()]
}

/// How far behind the issued generation presentations are tried: beyond what a record remembers.
const TRIED_BEHIND: u64 = 12;

#[derive(Clone, Debug)]
enum Step {
    /// Present a generation: so many behind the issued one, or ahead of it.
    Present {
        behind: u64,
        ahead: u64,
        evidence: usize,
        connection: u64,
    },
    /// Present the confirmed generation again, as a client does whose answer was lost.
    Retry {
        evidence: usize,
        connection: u64,
    },
    Push {
        connection: u64,
    },
    Acknowledge {
        behind: u64,
        connection: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let owner = 0..3_u64;
    prop_oneof![
        6 => (0..5_usize, owner.clone()).prop_map(|(evidence, connection)| Step::Present {
            behind: 0,
            ahead: 0,
            evidence,
            connection
        }),
        2 => (0..12_u64, 0..12_u64, 0..5_usize, owner.clone()).prop_map(
            |(behind, ahead, evidence, connection)| Step::Present {
                behind,
                ahead,
                evidence,
                connection
            }
        ),
        3 => (0..5_usize, owner.clone())
            .prop_map(|(evidence, connection)| Step::Retry { evidence, connection }),
        3 => owner.clone().prop_map(|connection| Step::Push { connection }),
        3 => (0..2_u64, owner)
            .prop_map(|(behind, connection)| Step::Acknowledge { behind, connection }),
    ]
}

/// A record and its reference, side by side.
struct Pair {
    record: SessionRecord,
    reference: Reference,
    policy: TokenPolicy,
}

impl Pair {
    fn new(key_bound: bool, roll_forward: bool) -> Self {
        let policy = policy(roll_forward);
        let key = key_bound.then_some(KEY);
        Self {
            record: create(connection(0), key, NOW, &policy),
            reference: Reference::new(connection(0), key_bound, roll_forward),
            policy,
        }
    }

    fn present(&mut self, g: u64, evidence: Evidence, by: u64) -> Presented {
        let presentation = Presentation {
            generation: generation(g),
            evidence,
            connection: connection(by),
        };
        let (record, presented) = present(self.record, &presentation, NOW, &self.policy);
        let expected = self.reference.present(g, evidence, connection(by));
        assert_eq!(presented, expected, "generation {g} with {evidence:?}");
        let unchanged = matches!(
            presented,
            Presented::FromTheFuture
                | Presented::Refused(Refusal::Revoked | Refusal::ProofRequired)
        );
        if unchanged {
            assert_eq!(record, self.record, "a refusal changed the record");
        }
        if presented == Presented::Refused(Refusal::Stale) {
            let history = record.history;
            let noted = SessionRecord {
                history,
                ..self.record
            };
            assert_eq!(
                record, noted,
                "a late presentation changed more than what is noted of it"
            );
        }
        self.record = record;
        self.reference.assert_same(&self.record);
        presented
    }

    fn step(&mut self, step: &Step) {
        let issued = self.reference.issued;
        match *step {
            Step::Present {
                behind,
                ahead,
                evidence,
                connection,
            } => {
                let g = (issued + ahead).saturating_sub(behind);
                self.present(g, evidence_of(evidence), connection);
            }
            Step::Retry {
                evidence,
                connection,
            } => {
                self.present(self.reference.confirmed, evidence_of(evidence), connection);
            }
            Step::Push { connection: by } => {
                let (record, pushed) = push(self.record, connection(by), NOW, &self.policy);
                assert_eq!(pushed, self.reference.push(connection(by)));
                assert!(pushed == Pushed::Issued || record == self.record);
                self.record = record;
            }
            Step::Acknowledge {
                behind,
                connection: by,
            } => {
                let g = issued.saturating_sub(behind);
                let (record, outcome) =
                    acknowledge(self.record, generation(g), connection(by), NOW);
                let news = self.reference.acknowledge(g, connection(by));
                assert_eq!(outcome == Acknowledged::Confirmed, news);
                assert!(news || record == self.record);
                self.record = record;
            }
        }
        self.reference.assert_same(&self.record);
    }

    /// Tries everything that could be presented next, each on a copy.
    fn probe(&self) {
        let issued = self.reference.issued;
        for g in issued.saturating_sub(TRIED_BEHIND)..=issued + 2 {
            for &evidence in &*EVIDENCES {
                let mut copy = Self {
                    record: self.record,
                    reference: self.reference.clone(),
                    policy: self.policy,
                };
                copy.present(g, evidence, 9);
            }
        }
    }

    /// Whether `step` would end the session; most random steps would, and histories should be long.
    fn would_end(&self, step: &Step) -> bool {
        let (g, evidence) = match *step {
            Step::Present {
                behind,
                ahead,
                evidence,
                ..
            } => (
                (self.reference.issued + ahead).saturating_sub(behind),
                evidence,
            ),
            Step::Retry { evidence, .. } => (self.reference.confirmed, evidence),
            Step::Push { .. } | Step::Acknowledge { .. } => return false,
        };
        let mut copy = self.reference.clone();
        copy.present(g, evidence_of(evidence), connection(9));
        copy.revoked
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_presentation_in_every_reached_state_is_decided_as_the_table_says(
        steps in prop::collection::vec(step(), 1..60),
        key_bound in prop::bool::weighted(0.2),
        roll_forward in any::<bool>(),
    ) {
        let mut pair = Pair::new(key_bound, roll_forward);
        for (number, step) in steps.iter().enumerate() {
            let last = number + 1 == steps.len();
            if last || !pair.would_end(step) {
                pair.step(step);
                pair.probe();
            }
        }
    }
}
