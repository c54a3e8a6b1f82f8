//! The session rule against a second one, which was written from the protocol's table and remembers everything.

use crate::supply::Supply;
use handfast_core::{
    session::{
        self, Acknowledged, AttemptHash, ConnectionId, Evidence, Generation, Presentation,
        Presented, Pushed, Refusal, RevocationReason, SessionRecord, Thumbprint, TokenPolicy,
    },
    time::Timestamp,
};
use reference::{KEY, PROOF, Reference};
use std::time::Duration;

#[path = "../../core/tests/rule/reference.rs"]
mod reference;

const BEGIN: u64 = 1_800_000_000;
const TOKEN_LIFETIME: u64 = 1_000;
const SESSION_LIFETIME: u64 = 20_000;

/// A record, its reference, and the time.
struct Pair {
    record: SessionRecord,
    reference: Reference,
    policy: TokenPolicy,
    now: u64,
}

/// Plays a history. Every decision and every record must be the reference's.
pub fn target(data: &[u8]) {
    let mut supply = Supply::new(data);
    let mut pair = Pair::new(supply.flag(), supply.flag());
    while !supply.is_empty() {
        pair.step(&mut supply);
        pair.check();
    }
}

fn connection(number: u8) -> ConnectionId {
    ConnectionId {
        node: 1,
        number: number.into(),
    }
}

fn evidence(supply: &mut Supply<'_>) -> Evidence {
    let hash = |which: u8| AttemptHash::from_bytes([which; 16]);
    let which = supply.byte();
    match which % 8 {
        0 | 1 => Evidence::Bare,
        2..=4 => Evidence::Attempt(hash(which % 3)),
        5 => PROOF,
        6 => Evidence::Proof {
            key: KEY,
            attempt: Some(hash(which % 3)),
        },
        _ => Evidence::Proof {
            key: Thumbprint([8; 32]),
            attempt: (which & 8 == 8).then(|| hash(which % 3)),
        },
    }
}

impl Pair {
    fn new(key_bound: bool, roll_forward: bool) -> Self {
        let policy = TokenPolicy {
            lifetime: Duration::from_secs(TOKEN_LIFETIME),
            session_lifetime: Duration::from_secs(SESSION_LIFETIME),
            roll_forward,
        };
        let key = key_bound.then_some(KEY);
        Self {
            record: session::create(connection(0), key, Timestamp::from_unix(BEGIN), &policy),
            reference: Reference::new(connection(0), key_bound, roll_forward),
            policy,
            now: BEGIN,
        }
    }

    fn is_over(&self) -> bool {
        self.now >= BEGIN + SESSION_LIFETIME
    }

    fn step(&mut self, supply: &mut Supply<'_>) {
        let before = self.record;
        match supply.below(16) {
            0..=5 => self.present(self.reference.issued, supply),
            6 | 7 => self.present(self.reference.confirmed, supply),
            8 => {
                let behind = u64::from(supply.below(24));
                self.present(self.reference.issued.saturating_sub(behind), supply);
            }
            9 => {
                let ahead = u64::from(supply.below(24));
                self.present(self.reference.issued + ahead, supply);
            }
            10 | 11 => self.push(connection(supply.below(3))),
            12 | 13 => self.acknowledge(supply),
            14 => self.now += supply.number() % 400,
            _ if supply.byte() > 250 => self.revoke(),
            _ => {}
        }
        let after = self.record;
        assert!(after.issued >= before.issued && after.confirmed >= before.confirmed);
        assert!(before.revoked.is_none() || after.revoked == before.revoked);
        assert_eq!(
            before.expires_at, after.expires_at,
            "a session is prolonged"
        );
        assert!(after.token_expires_at <= after.expires_at);
    }

    fn present(&mut self, g: u64, supply: &mut Supply<'_>) {
        let (evidence, by) = (evidence(supply), connection(supply.below(3)));
        let presentation = Presentation {
            generation: Generation::new(g).expect("a small number"),
            evidence,
            connection: by,
        };
        let now = Timestamp::from_unix(self.now);
        let (record, presented) = session::present(self.record, &presentation, now, &self.policy);
        let expected = if self.is_over() && !self.reference.revoked {
            Presented::Refused(Refusal::Expired)
        } else {
            self.reference.present(g, evidence, by)
        };
        assert_eq!(presented, expected, "generation {g} with {evidence:?}");
        // What is stale may be noted; the reference knows where.
        if let Presented::Refused(Refusal::Revoked | Refusal::Expired | Refusal::ProofRequired)
        | Presented::FromTheFuture = presented
        {
            assert_eq!(record, self.record, "a refusal changed the record");
        }
        if presented == Presented::AnsweredAgain {
            assert_eq!(record.token_expires_at, self.record.token_expires_at);
        }
        self.record = record;
    }

    fn push(&mut self, by: ConnectionId) {
        let now = Timestamp::from_unix(self.now);
        let (record, pushed) = session::push(self.record, by, now, &self.policy);
        if self.record.is_live(now) {
            assert_eq!(pushed, self.reference.push(by));
        } else {
            assert_eq!(pushed, Pushed::Ended);
        }
        assert!(pushed == Pushed::Issued || record == self.record);
        self.record = record;
    }

    fn acknowledge(&mut self, supply: &mut Supply<'_>) {
        let behind = u64::from(supply.below(3));
        let g = self.reference.issued.saturating_sub(behind);
        let by = connection(supply.below(3));
        let now = Timestamp::from_unix(self.now);
        let generation = Generation::new(g).expect("a small number");
        let (record, outcome) = session::acknowledge(self.record, generation, by, now);
        let news = self.record.is_live(now) && self.reference.acknowledge(g, by);
        assert_eq!(outcome == Acknowledged::Confirmed, news);
        assert!(news || record == self.record);
        self.record = record;
    }

    fn revoke(&mut self) {
        let now = Timestamp::from_unix(self.now);
        self.record = session::revoke(self.record, RevocationReason::Admin, now);
        self.reference.revoked = true;
    }

    fn check(&self) {
        self.reference.assert_same(&self.record);
    }
}
