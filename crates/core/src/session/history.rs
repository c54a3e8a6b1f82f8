//! By what each remembered generation was consumed.

use super::Generation;
use core::fmt;
use sha2::{Digest, Sha256};

/// How many generations a record remembers: the confirmed one and the seven before it.
///
/// A presentation must be committed within ten seconds of its receipt, and a session may present only a few times in
/// ten seconds; so an honest presentation that comes late is never further behind than this.
pub const REMEMBERED_GENERATIONS: usize = 8;

/// The first 128 bits of the SHA-256 of an attempt key.
///
/// The record keeps no attempt key, so that who reads the ledger cannot answer for a client.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AttemptHash([u8; 16]);

impl AttemptHash {
    /// The hash of the attempt key that a client sent.
    #[must_use]
    pub fn of(attempt: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(attempt.as_bytes()).into();
        let mut hash = [0; 16];
        hash.iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Self(hash)
    }

    /// The hash with these bytes, as [`Self::as_bytes`] gave them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The hash's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for AttemptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AttemptHash(…)")
    }
}

/// By what a generation was consumed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Consumption {
    /// Nobody presented it: it is still to come, or a push replaced it.
    #[default]
    Nothing,
    /// A presentation without an attempt key.
    Bare,
    /// A presentation with the attempt key of this hash.
    Attempt(AttemptHash),
    /// A presentation with a proof of the session's key.
    Proof,
    /// It is void, or too old to be remembered: whoever presents it was not the one who consumed it.
    SomethingElse,
}

/// The consumption of the confirmed generation and of those before it.
///
/// What lies between the confirmed and the issued generation is always void, and the issued one is always consumed by
/// nothing, so neither needs a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct History {
    /// The confirmed generation first, then backwards.
    remembered: [Consumption; REMEMBERED_GENERATIONS],
}

impl History {
    /// The history at a login: generation 0 is confirmed and nobody presented it.
    #[must_use]
    pub const fn new() -> Self {
        let mut remembered = [Consumption::SomethingElse; REMEMBERED_GENERATIONS];
        let [confirmed, ..] = &mut remembered;
        *confirmed = Consumption::Nothing;
        Self { remembered }
    }

    /// The history that [`Self::remembered`] gave: the confirmed generation first, then backwards.
    #[must_use]
    pub const fn from_remembered(remembered: [Consumption; REMEMBERED_GENERATIONS]) -> Self {
        Self { remembered }
    }

    /// The remembered consumptions, the confirmed generation first, then backwards.
    #[must_use]
    pub const fn remembered(&self) -> &[Consumption; REMEMBERED_GENERATIONS] {
        &self.remembered
    }

    /// What consumed the confirmed generation.
    #[must_use]
    pub const fn of_confirmed(&self) -> Consumption {
        let [confirmed, ..] = self.remembered;
        confirmed
    }

    /// What consumed `generation`, where `confirmed` is the confirmed one.
    #[must_use]
    pub fn of(&self, generation: Generation, confirmed: Generation) -> Consumption {
        let behind = confirmed
            .ahead_of(generation)
            .and_then(|behind| usize::try_from(behind).ok());
        behind
            .and_then(|behind| self.remembered.get(behind))
            .copied()
            .unwrap_or(Consumption::SomethingElse)
    }

    /// Notes what consumed the confirmed generation.
    #[must_use]
    pub const fn with_confirmed(mut self, consumption: Consumption) -> Self {
        let [confirmed, ..] = &mut self.remembered;
        *confirmed = consumption;
        self
    }

    /// Notes what consumed `generation`, where `confirmed` is the confirmed one, if it is remembered and nothing has
    /// consumed it.
    #[must_use]
    pub fn noting(
        mut self,
        generation: Generation,
        confirmed: Generation,
        consumption: Consumption,
    ) -> Self {
        let behind = confirmed.ahead_of(generation);
        let place = behind.and_then(|behind| usize::try_from(behind).ok());
        if let Some(entry) = place.and_then(|place| self.remembered.get_mut(place))
            && *entry == Consumption::Nothing
        {
            *entry = consumption;
        }
        self
    }

    /// Moves on by `steps` generations: the ones passed over were consumed by `skipped`, the new confirmed one by
    /// `confirmed`.
    #[must_use]
    pub fn advanced(&self, steps: u64, skipped: Consumption, confirmed: Consumption) -> Self {
        let steps = usize::try_from(steps).unwrap_or(usize::MAX);
        let mut remembered = [skipped; REMEMBERED_GENERATIONS];
        remembered
            .iter_mut()
            .skip(steps)
            .zip(self.remembered)
            .for_each(|(to, from)| *to = from);
        Self { remembered }.with_confirmed(confirmed)
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}
