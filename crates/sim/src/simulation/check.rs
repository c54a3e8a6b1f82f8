//! What must hold, watched from outside: what was asked and when, what was answered and when, and what clients keep.
//!
//! Nothing here knows the session rule beyond what the protocol promises. What an answer is held against is what was
//! known when its question was asked: two that overlap may be decided in either order.

use super::clock;
use handfast_core::{
    message::Grant,
    session::{Generation, SessionId},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A session was revoked because a token was presented by a second party, and there is none.
    HonestRevoked(SessionId),
    /// A client was told that its session is over, or forgot it, and nobody had ended it.
    LockedOut {
        /// Which client.
        client: usize,
        /// What its machine says.
        told: String,
    },
    /// A token was accepted after a client had stored the one after the next.
    DeadTokenAccepted(SessionId),
    /// The newest generation of a session that was answered went back.
    WentBack(SessionId),
    /// A session that had ended was gone on with.
    CameBack(SessionId),
    /// What a client keeps went back.
    StoredWentBack {
        /// Which client.
        client: usize,
    },
    /// The ledger does not have what somebody was told.
    Lost(SessionId),
    /// Long after the last fault, a client is not in.
    NotBack {
        /// Which client.
        client: usize,
        /// What its machines say.
        states: String,
    },
    /// Long after the last fault, two connections own one session.
    TwoOwners(SessionId),
    /// Long after the last fault, the owner of a session is not who the ledger says.
    WrongOwner(SessionId),
    /// A machine asks to be woken, again and again, for nothing.
    Spins,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// By how much two wall clocks may differ, in milliseconds, when it is asked whether something expired.
const CLOCKS_APART_MS: u64 = 130_000;

/// What was known of a session when something was asked: no answer may fall behind it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Floor {
    answered: Option<Generation>,
    /// Generations before this one are dead.
    alive_from: Option<Generation>,
    has_ended: bool,
    /// How often the ledger had lost writes.
    losses: u32,
}

/// What is known of a session.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// When the newest token that was handed out expires, by the clock that is right.
    expires_at: u64,
    floor: Floor,
    /// Whether its end was asked for.
    is_excused: bool,
    /// Whether the ledger knew it before it lost writes: the same generation may then be handed out twice.
    is_vague: bool,
}

/// Who watches.
#[derive(Debug, Default)]
pub(super) struct Watch {
    sessions: BTreeMap<SessionId, Known>,
    /// The sessions of which a second party has shown a token: what is dead from then on, only the rule can tell.
    robbed: BTreeSet<SessionId>,
    /// How often the ledger lost what it had committed. After that it may have forgotten anything.
    losses: u32,
    pub(super) violation: Option<Violation>,
}

impl Watch {
    /// The first violation is what a run is about.
    pub(super) fn note(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    /// What is known of a session when something about it is asked.
    pub(super) fn floor(&self, session: SessionId) -> Floor {
        let known = self.sessions.get(&session);
        let floor = known.map(|known| known.floor).unwrap_or_default();
        Floor {
            losses: self.losses,
            ..floor
        }
    }

    /// A token is handed out: the answer to what was asked when `floor` was known, with `presented` if that was a token.
    pub(super) fn granted(&mut self, grant: &Grant, presented: Option<Generation>, floor: Floor) {
        let Grant {
            session,
            generation,
            expires_at,
            ..
        } = *grant;
        if floor.losses != self.losses {
            // It may have been decided before the ledger lost something, and be a part of that.
            return;
        }
        if floor.has_ended {
            self.note(Violation::CameBack(session));
        }
        if presented.is_some_and(|presented| Some(presented) < floor.alive_from) {
            self.note(Violation::DeadTokenAccepted(session));
        }
        if Some(generation) < floor.answered {
            self.note(Violation::WentBack(session));
        }
        let expires_at = clock::ms_of(expires_at);
        let is_vague = self.losses > 0 && generation > Generation::FIRST;
        let known = self.sessions.entry(session).or_insert_with(|| Known {
            expires_at,
            floor: Floor::default(),
            is_excused: false,
            is_vague,
        });
        if Some(generation) >= known.floor.answered {
            known.floor.answered = Some(generation);
            known.expires_at = expires_at;
        }
    }

    /// A client keeps `generation`. Unless two parties hold the session, the one before is the oldest that may live.
    pub(super) fn stored(&mut self, session: SessionId, generation: Generation) {
        if let Some(known) = self.sessions.get_mut(&session)
            && !known.is_vague
            && !self.robbed.contains(&session)
        {
            let before = generation.number().checked_sub(1).and_then(Generation::new);
            known.floor.alive_from = known.floor.alive_from.max(before);
        }
    }

    /// Everybody who asks from now on must find that the session has ended.
    pub(super) fn ended(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.floor.has_ended = true;
        }
    }

    /// Whoever holds the session may lose it from now on.
    pub(super) fn excuse(&mut self, session: SessionId) {
        if let Some(known) = self.sessions.get_mut(&session) {
            known.is_excused = true;
        }
    }

    /// A second party shows a token of the session.
    pub(super) fn robbed(&mut self, session: SessionId) {
        self.robbed.insert(session);
    }

    /// Whether it is right that a client loses this session now.
    pub(super) fn may_be_over(&self, session: SessionId, now: u64) -> bool {
        let is_over = |known: &Known| known.is_excused || now + CLOCKS_APART_MS >= known.expires_at;
        self.losses > 0
            || self.robbed.contains(&session)
            || self.sessions.get(&session).is_none_or(is_over)
    }

    /// Whether a session may be revoked as one that two parties hold.
    pub(super) fn may_be_reused(&self, session: SessionId) -> bool {
        self.robbed.contains(&session)
    }

    /// Whether the ledger has lost what it had committed.
    pub(super) const fn ledger_lost(&self) -> bool {
        self.losses > 0
    }

    /// Whether a token of this generation is dead for certain.
    pub(super) fn is_dead(&self, session: SessionId, generation: Generation) -> bool {
        let floor = self.floor(session);
        floor.has_ended || Some(generation) < floor.alive_from
    }

    /// The ledger forgot what it had said: from now on it can be held to nothing that was before.
    pub(super) fn forget(&mut self) {
        self.sessions.clear();
        self.losses += 1;
    }

    /// Looks whether the ledger has what was told, as `ledger` gives it: the issued and the confirmed generation, and
    /// whether the session has ended. What is over for long is forgotten here as well.
    pub(super) fn compare(
        &mut self,
        now: u64,
        ledger: impl Fn(SessionId) -> Option<(Generation, Generation, bool)>,
    ) {
        let over = |known: &Known| now >= known.expires_at + CLOCKS_APART_MS;
        self.sessions.retain(|_, known| !over(known));
        let is_lost = |(session, known): &(&SessionId, &Known)| match ledger(**session) {
            None => true,
            Some((issued, confirmed, has_ended)) => {
                (known.floor.has_ended && !has_ended)
                    || Some(issued) < known.floor.answered
                    || Some(confirmed) < known.floor.alive_from
            }
        };
        let lost = self
            .sessions
            .iter()
            .find(is_lost)
            .map(|(session, _)| *session);
        if let Some(session) = lost {
            self.note(Violation::Lost(session));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast_core::time::Timestamp;

    const SESSION: SessionId = SessionId::from_bytes([1; 16]);
    const NOW: u64 = 0;

    fn grant() -> Grant {
        let later = Timestamp::from_unix(u64::from(u32::MAX));
        Grant {
            session: SESSION,
            generation: Generation::FIRST,
            issued_at: later,
            expires_at: later,
            refresh_at: later,
        }
    }

    #[test]
    fn a_ledger_is_held_to_what_was_told() {
        let mut watch = Watch::default();
        watch.granted(&grant(), None, watch.floor(SESSION));
        watch.compare(NOW, |_| None);
        assert_eq!(watch.violation, Some(Violation::Lost(SESSION)));
    }

    /// Seed 103 once showed the other.
    #[test]
    fn it_is_not_held_to_an_answer_that_was_on_its_way_when_it_lost_writes() {
        let mut watch = Watch::default();
        let asked = watch.floor(SESSION);
        watch.forget();
        watch.granted(&grant(), None, asked);
        watch.compare(NOW, |_| None);
        assert_eq!(watch.violation, None);
    }
}
