//! A session's record in sixteen bytes.
//!
//! The rule decides by differences of generations, never by their size, so the model counts them from the confirmed
//! one: a session that has lived for years and one of a minute are the same state. Times stand still.

use arrayvec::ArrayVec;
use handfast_core::{
    session::{
        AttemptHash, ConnectionId, Consumption, Evidence, Generation, History,
        REMEMBERED_GENERATIONS, Revocation, RevocationReason, SessionRecord, Thumbprint,
        TokenPolicy,
    },
    time::Timestamp,
};
use std::{
    hash::{Hash, Hasher},
    time::Duration,
};

/// A generation, counted from the confirmed one of the state that it stands in.
pub type Relative = i8;
/// An attempt key, numbered within its generation.
pub type KeyNumber = u8;
/// A connection, numbered within its state.
pub type Line = u8;

/// When everything happens.
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
/// The number that the confirmed generation has when the rule sees it. Large enough for whatever lies behind it.
const BASE: u64 = 64;
/// The key of every session that is bound to one.
const KEY: Thumbprint = Thumbprint([7; 32]);
const DAY: u64 = 24 * 3600;

/// By what a generation was consumed, in a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Consumed {
    /// Nobody presented it.
    Nothing,
    /// A bare token.
    Bare,
    /// A proof.
    Proof,
    /// An attempt key of this very generation.
    Attempt(KeyNumber),
    /// It is void, forgotten, or consumed by what nobody holds any more.
    SomethingElse,
}

impl Consumed {
    /// The byte that stands for it. Keys have small numbers.
    const fn byte(self) -> u8 {
        match self {
            Self::Nothing => 252,
            Self::Bare => 253,
            Self::Proof => 254,
            Self::SomethingElse => 255,
            Self::Attempt(key) => key,
        }
    }
}

/// What comes with a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    /// Nothing.
    Bare,
    /// A proof of the session's key.
    Proof,
    /// An attempt key.
    Attempt(KeyNumber),
}

impl Shown {
    /// The byte that stands for it. Keys have small numbers.
    pub(super) const fn byte(self) -> u8 {
        match self {
            Self::Bare => 254,
            Self::Proof => 255,
            Self::Attempt(key) => key,
        }
    }
}

/// A session's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pocket {
    /// The confirmed generation: 0, until the state that it stands in moves on.
    pub confirmed: Relative,
    /// The issued generation.
    pub issued: Relative,
    /// By what the confirmed generation and those before it were consumed.
    pub history: [Consumed; REMEMBERED_GENERATIONS],
    /// The connection that the session is bound to.
    pub owner: Line,
    /// Whether the session has ended.
    pub revoked: bool,
}

/// Records are hashed more often than anything else, so this one takes three words.
impl Hash for Pocket {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self {
            confirmed,
            issued,
            history,
            owner,
            revoked,
        } = *self;
        let [confirmed, issued] = [confirmed, issued].map(Relative::cast_unsigned);
        hasher.write_u32(u32::from_le_bytes([
            confirmed,
            issued,
            owner,
            u8::from(revoked),
        ]));
        let [a, b, c, d, e, f, g, h] = history.map(Consumed::byte);
        hasher.write_u32(u32::from_le_bytes([a, b, c, d]));
        hasher.write_u32(u32::from_le_bytes([e, f, g, h]));
    }
}

/// How tokens are issued in the model.
pub(super) const fn policy(roll_forward: bool) -> TokenPolicy {
    TokenPolicy {
        lifetime: Duration::from_secs(7 * DAY),
        session_lifetime: Duration::from_secs(30 * DAY),
        roll_forward,
    }
}

pub(super) fn connection_id(line: Line) -> ConnectionId {
    ConnectionId {
        node: 1,
        number: u64::from(line),
    }
}

/// The generation as the rule sees it.
///
/// # Panics
/// Where it is further behind than anything in a model.
pub(super) fn generation(relative: Relative) -> Generation {
    BASE.checked_add_signed(i64::from(relative))
        .and_then(Generation::new)
        .expect("a model stays near its confirmed generation")
}

fn relative(generation: Generation) -> Relative {
    generation
        .number()
        .checked_signed_diff(BASE)
        .and_then(|difference| Relative::try_from(difference).ok())
        .expect("a model stays near its confirmed generation")
}

/// The hash of an attempt key. Keys of different generations are different keys.
fn attempt_hash(key: KeyNumber, generation: Relative) -> AttemptHash {
    let [generation] = generation.to_be_bytes();
    let mut bytes = [0; 16];
    bytes[0] = 1 + key;
    bytes[1] = generation;
    AttemptHash::from_bytes(bytes)
}

impl Shown {
    /// What the rule is shown with `generation`.
    pub(super) fn evidence(self, generation: Relative) -> Evidence {
        match self {
            Self::Bare => Evidence::Bare,
            Self::Proof => Evidence::Proof {
                key: KEY,
                attempt: None,
            },
            Self::Attempt(key) => Evidence::Attempt(attempt_hash(key, generation)),
        }
    }
}

impl Consumed {
    fn unpack(self, generation: Relative) -> Consumption {
        match self {
            Self::Nothing => Consumption::Nothing,
            Self::Bare => Consumption::Bare,
            Self::Proof => Consumption::Proof,
            Self::Attempt(key) => Consumption::Attempt(attempt_hash(key, generation)),
            Self::SomethingElse => Consumption::SomethingElse,
        }
    }

    fn pack(consumption: Consumption, generation: Relative) -> Self {
        match consumption {
            Consumption::Nothing => Self::Nothing,
            Consumption::Bare => Self::Bare,
            Consumption::Proof => Self::Proof,
            Consumption::Attempt(hash) => {
                let [key, of, ..] = *hash.as_bytes();
                // A key of another generation is nobody's key of this one.
                if of == generation.to_be_bytes()[0] {
                    Self::Attempt(key - 1)
                } else {
                    Self::SomethingElse
                }
            }
            Consumption::SomethingElse => Self::SomethingElse,
        }
    }
}

impl Pocket {
    /// The record after a login on `owner`.
    pub(super) fn new(owner: Line) -> Self {
        let mut history = [Consumed::SomethingElse; REMEMBERED_GENERATIONS];
        history[0] = Consumed::Nothing;
        Self {
            confirmed: 0,
            issued: 0,
            history,
            owner,
            revoked: false,
        }
    }

    /// The record as the rule sees it.
    pub(super) fn unpack(&self, key_bound: bool) -> SessionRecord {
        let mut remembered = [Consumption::SomethingElse; REMEMBERED_GENERATIONS];
        let entries = remembered.iter_mut().zip(&self.history);
        for ((entry, consumed), behind) in entries.zip(0..) {
            *entry = consumed.unpack(self.confirmed - behind);
        }
        let policy = policy(false);
        let expires_at = NOW.after(policy.session_lifetime);
        SessionRecord {
            confirmed: generation(self.confirmed),
            issued: generation(self.issued),
            history: History::from_remembered(remembered),
            token_issued_at: NOW,
            token_expires_at: NOW.after(policy.lifetime).min(expires_at),
            owner: Some(connection_id(self.owner)),
            created_at: NOW,
            last_seen_at: NOW,
            expires_at,
            revoked: self.revoked.then_some(Revocation {
                reason: RevocationReason::Reused,
                at: NOW,
            }),
            key: key_bound.then_some(KEY),
        }
    }

    /// The record that the rule made.
    ///
    /// # Panics
    /// Where it has an owner that no model has.
    pub(super) fn pack(record: &SessionRecord) -> Self {
        let confirmed = relative(record.confirmed);
        let history: ArrayVec<Consumed, REMEMBERED_GENERATIONS> = (0..)
            .zip(record.history.remembered())
            .map(|(behind, consumption)| {
                Consumed::pack(*consumption, confirmed.saturating_sub(behind))
            })
            .collect();
        let owner = record
            .owner
            .and_then(|owner| Line::try_from(owner.number).ok());
        Self {
            confirmed,
            issued: relative(record.issued),
            history: history.into_inner().expect("all of them"),
            owner: owner.expect("a session of the model has an owner"),
            revoked: record.revoked.is_some(),
        }
    }

    /// What consumed `generation`, as far as that is remembered.
    pub(super) fn consumed(&self, generation: Relative) -> Consumed {
        let behind = usize::try_from(self.confirmed - generation).ok();
        let entry = behind.and_then(|behind| self.history.get(behind));
        entry.copied().unwrap_or(Consumed::SomethingElse)
    }
}
