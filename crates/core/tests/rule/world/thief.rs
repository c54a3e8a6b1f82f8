//! What a thief does. Its network is perfect: that loses nothing, since a late message of a thief is one that it sent
//! later.

use super::{Broken, Flight, Move, Party, Shows, World, attempt_hash};
use handfast_core::session::{
    AttemptHash, ConnectionId, Evidence, Generation, Presentation, Presented,
};
use std::collections::BTreeSet;

/// All of a thief's connections look alike, for it stops listening to none of them.
const THIEF: ConnectionId = ConnectionId { node: 2, number: 0 };
/// How many of its newest tokens a thief tries.
const TOKENS_TRIED: usize = 3;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Thief {
    tokens: BTreeSet<Generation>,
    /// The attempt key that was stored beside the token, in the middle of an attempt.
    copied: Option<(Generation, AttemptHash)>,
}

/// What the thief shows beside a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThiefShows {
    Nothing,
    CopiedKey,
    OwnKey,
}

impl World {
    pub(super) fn moves_of_thief(&self, moves: &mut Vec<Move>) {
        let Some(thief) = &self.thief else {
            if self.may_steal() {
                moves.push(Move::Steal);
            }
            return;
        };
        for &generation in &thief.tokens {
            let copied = thief.copied.is_some_and(|(of, _)| of == generation);
            let shown = [ThiefShows::Nothing, ThiefShows::OwnKey];
            let shown = shown
                .into_iter()
                .chain(copied.then_some(ThiefShows::CopiedKey));
            moves.extend(shown.map(|shows| Move::ThiefPresents { generation, shows }));
        }
        let acknowledges = self.setting.thief.is_some_and(|theft| theft.acknowledges);
        let unconfirmed = self.record.confirmed < self.record.issued;
        if acknowledges && unconfirmed && self.record.owner == Some(THIEF) {
            moves.push(Move::ThiefAcknowledges);
        }
    }

    fn may_steal(&self) -> bool {
        let presenting = |flight: &Flight| matches!(flight, Flight::Request { .. });
        let attempting = self.kept_key.is_some() || self.flights.iter().any(presenting);
        let theft = self.setting.thief;
        self.storage.token().is_some() && theft.is_some_and(|theft| !theft.at_rest || !attempting)
    }

    pub(super) fn steal(&mut self) {
        let stored = self.storage.token().map(|stored| stored.generation);
        self.thief = stored.map(|generation| Thief {
            tokens: BTreeSet::from([generation]),
            copied: self.kept_key.map(|key| (generation, key)),
        });
    }

    pub(super) fn thief_presents(
        &mut self,
        generation: Generation,
        shows: ThiefShows,
    ) -> Result<(), Broken> {
        let copied = self.thief.as_ref().and_then(|thief| thief.copied);
        let evidence = match (shows, copied) {
            (ThiefShows::CopiedKey, Some((_, key))) => Evidence::Attempt(key),
            (ThiefShows::OwnKey, _) => {
                Evidence::Attempt(attempt_hash("the thief's own", generation))
            }
            (ThiefShows::Nothing | ThiefShows::CopiedKey, _) => Evidence::Bare,
        };
        let presentation = Presentation {
            generation,
            evidence,
            connection: THIEF,
        };
        match self.decide(Party::Thief, &presentation, true)? {
            Presented::Advanced | Presented::AnsweredAgain | Presented::Replaced => {
                if self.setting.shows == Shows::Proof {
                    return Err(Broken::ThiefOfKeyBoundGotIn);
                }
                self.push_to_thief(THIEF, self.record.issued);
            }
            Presented::Refused(_) | Presented::FromTheFuture | Presented::RolledForward => {}
        }
        Ok(())
    }

    pub(super) fn thief_acknowledges(&mut self) {
        self.acknowledge(self.record.issued, Some(THIEF));
    }

    /// The thief gets a token, if `connection` is its.
    pub(super) fn push_to_thief(&mut self, connection: ConnectionId, generation: Generation) {
        if let Some(thief) = &mut self.thief
            && connection == THIEF
        {
            thief.tokens.insert(generation);
            while thief.tokens.len() > TOKENS_TRIED {
                thief.tokens.pop_first();
            }
        }
    }

    /// Whether the copy was taken in the middle of an attempt.
    pub(crate) fn was_stolen_mid_attempt(&self) -> bool {
        self.thief
            .as_ref()
            .is_some_and(|thief| thief.copied.is_some())
    }
}
