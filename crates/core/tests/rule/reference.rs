//! The session rule once more, written from its table as plainly as it can be and without bounding its memory.

use handfast_core::session::{
    AttemptHash, ConnectionId, Consumption, Evidence, Generation, Presented, Pushed, Refusal,
    SessionRecord, Thumbprint,
};
use std::collections::BTreeMap;

/// The key of every session that is bound to one.
pub(crate) const KEY: Thumbprint = Thumbprint([7; 32]);
/// A proof of it.
pub(crate) const PROOF: Evidence = Evidence::Proof {
    key: KEY,
    attempt: None,
};

/// By what a generation was consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    Nothing,
    Bare,
    Attempt(AttemptHash),
    Proof,
    SomethingElse,
}

impl From<Evidence> for By {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Bare => Self::Bare,
            Evidence::Attempt(hash) => Self::Attempt(hash),
            Evidence::Proof { .. } => Self::Proof,
        }
    }
}

/// A session whose every generation is remembered for ever.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) confirmed: u64,
    pub(crate) issued: u64,
    pub(crate) owner: ConnectionId,
    pub(crate) revoked: bool,
    pub(crate) key_bound: bool,
    pub(crate) roll_forward: bool,
    consumed: BTreeMap<u64, By>,
}

/// How many generations count with what consumed them; older ones count as consumed by something else.
const COUNTED: u64 = 8;

impl Reference {
    pub(crate) fn new(owner: ConnectionId, key_bound: bool, roll_forward: bool) -> Self {
        Self {
            confirmed: 0,
            issued: 0,
            owner,
            revoked: false,
            key_bound,
            roll_forward,
            consumed: BTreeMap::new(),
        }
    }

    /// What consumed generation `g`.
    fn consumed(&self, g: u64) -> By {
        if g + COUNTED <= self.confirmed {
            By::SomethingElse
        } else {
            self.consumed.get(&g).copied().unwrap_or(By::Nothing)
        }
    }

    pub(crate) fn present(
        &mut self,
        g: u64,
        evidence: Evidence,
        connection: ConnectionId,
    ) -> Presented {
        if self.revoked {
            return Presented::Refused(Refusal::Revoked);
        }
        let evidence = match evidence {
            Evidence::Proof { key: KEY, .. } if self.key_bound => evidence,
            _ if self.key_bound => return Presented::Refused(Refusal::ProofRequired),
            Evidence::Proof { attempt: None, .. } => Evidence::Bare,
            Evidence::Proof {
                attempt: Some(attempt),
                ..
            } => Evidence::Attempt(attempt),
            Evidence::Bare | Evidence::Attempt(_) => evidence,
        };
        let (c, i) = (self.confirmed, self.issued);
        let presented = if g > i {
            self.alarm(g, evidence)
        } else if g == i {
            self.advance(g, evidence);
            Presented::Advanced
        } else {
            match evidence {
                Evidence::Proof { .. } if g == c => {
                    self.consumed.insert(g, By::Proof);
                    Presented::AnsweredAgain
                }
                Evidence::Proof { .. } => Presented::Refused(Refusal::Stale),
                Evidence::Attempt(k) => self.attempt(g, k),
                Evidence::Bare => self.bare(g, connection),
            }
        };
        match presented {
            Presented::Refused(Refusal::Reused) => self.revoked = true,
            Presented::Refused(_) | Presented::FromTheFuture => {}
            Presented::Advanced
            | Presented::AnsweredAgain
            | Presented::Replaced
            | Presented::RolledForward => self.owner = connection,
        }
        presented
    }

    fn attempt(&mut self, g: u64, k: AttemptHash) -> Presented {
        let by = self.consumed(g);
        if g == self.confirmed {
            match by {
                By::Attempt(first) if first == k => Presented::AnsweredAgain,
                By::Nothing => {
                    self.consumed.insert(g, By::Attempt(k));
                    Presented::AnsweredAgain
                }
                _ => Presented::Refused(Refusal::Reused),
            }
        } else if g < self.confirmed && by == By::Nothing {
            self.consumed.insert(g, By::Attempt(k));
            Presented::Refused(Refusal::Stale)
        } else if by == By::Attempt(k) {
            Presented::Refused(Refusal::Stale)
        } else {
            Presented::Refused(Refusal::Reused)
        }
    }

    fn bare(&mut self, g: u64, connection: ConnectionId) -> Presented {
        let by = self.consumed(g);
        if g == self.confirmed {
            match by {
                By::Nothing if connection == self.owner => {
                    self.consumed.insert(g, By::Bare);
                    Presented::AnsweredAgain
                }
                By::Bare | By::Nothing => {
                    self.consumed.insert(g, By::Bare);
                    self.consumed.insert(self.issued, By::SomethingElse);
                    self.issued += 1;
                    Presented::Replaced
                }
                _ => Presented::Refused(Refusal::Reused),
            }
        } else if g < self.confirmed && by == By::Nothing {
            Presented::Refused(Refusal::Stale)
        } else {
            Presented::Refused(Refusal::Reused)
        }
    }

    fn advance(&mut self, g: u64, evidence: Evidence) {
        self.confirmed = g;
        self.issued = g + 1;
        self.consumed.insert(g, evidence.into());
    }

    /// The ledger lost writes: what it no longer knows counts as consumed by nothing.
    fn alarm(&mut self, g: u64, evidence: Evidence) -> Presented {
        if !self.roll_forward {
            return Presented::FromTheFuture;
        }
        for lost in self.issued..g {
            self.consumed.remove(&lost);
        }
        self.consumed.insert(g, evidence.into());
        self.confirmed = g;
        self.issued = g + 1;
        Presented::RolledForward
    }

    pub(crate) fn push(&mut self, connection: ConnectionId) -> Pushed {
        if self.revoked {
            Pushed::Ended
        } else if connection != self.owner {
            Pushed::NotOwner
        } else if self.issued != self.confirmed {
            Pushed::Unconfirmed
        } else {
            self.issued += 1;
            Pushed::Issued
        }
    }

    /// Whether the acknowledgement was news.
    pub(crate) fn acknowledge(&mut self, g: u64, connection: ConnectionId) -> bool {
        let news = !self.revoked
            && connection == self.owner
            && g == self.issued
            && self.confirmed < self.issued;
        if news {
            self.confirmed = g;
        }
        news
    }

    /// Panics where `record` says something else than this.
    pub(crate) fn assert_same(&self, record: &SessionRecord) {
        assert_eq!(record.confirmed.number(), self.confirmed, "confirmed");
        assert_eq!(record.issued.number(), self.issued, "issued");
        assert_eq!(record.owner, Some(self.owner), "owner");
        assert_eq!(record.revoked.is_some(), self.revoked, "revoked");
        for g in self.confirmed.saturating_sub(2 * COUNTED)..=self.confirmed {
            let generation = Generation::new(g).expect("a small number");
            let expected = match self.consumed(g) {
                By::Nothing => Consumption::Nothing,
                By::Bare => Consumption::Bare,
                By::Attempt(hash) => Consumption::Attempt(hash),
                By::Proof => Consumption::Proof,
                By::SomethingElse => Consumption::SomethingElse,
            };
            let remembered = record.history.of(generation, record.confirmed);
            assert_eq!(remembered, expected, "what consumed generation {g}");
        }
    }
}
