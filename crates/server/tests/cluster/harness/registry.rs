//! What an observer knows of every session: each token that anybody received, and whether it may still live.

use super::Dice;
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many generations a record remembers the consumption of.
const REMEMBERED: u64 = 8;

/// How many generations its owner may go on while a token is presented.
const LEAD: u64 = 4;

/// All sessions that clients heard of.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Sessions>);

#[derive(Debug, Default)]
struct Sessions {
    trails: HashMap<String, Trail>,
    /// The names, to draw one by lot.
    names: Vec<String>,
}

/// What is known of one session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    pub(crate) subject: String,
    tokens: BTreeMap<u64, String>,
    /// The attempt keys under which each generation was presented.
    attempts: BTreeMap<u64, Vec<String>>,
    pub(crate) fate: Fate,
}

/// What was done to a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing that could end it.
    #[default]
    Live,
    /// It was to be ended, by somebody who may not have had an answer.
    Doomed,
    /// Somebody was told that it has ended.
    Ended,
}

/// A token that nobody may use any more.
#[derive(Debug)]
pub(crate) struct Dead {
    pub(crate) session: String,
    pub(crate) token: String,
    /// The key under which its owner presented it.
    pub(crate) attempt: Option<String>,
    /// Whether its presentation under that key changes nothing.
    pub(crate) is_harmless: bool,
}

impl Registry {
    /// Notes a token that somebody received.
    pub(crate) fn received(&self, subject: &str, message: &Value) {
        let (Some(session), Some(token)) = (message["session"].as_str(), message["token"].as_str())
        else {
            return;
        };
        let generation = message["generation"].as_u64().unwrap();
        let mut sessions = self.lock();
        if !sessions.trails.contains_key(session) {
            sessions.names.push(session.to_owned());
        }
        let trail = sessions.trails.entry(session.to_owned()).or_default();
        subject.clone_into(&mut trail.subject);
        trail.tokens.insert(generation, token.to_owned());
    }

    /// Notes that a generation is presented under a key.
    pub(crate) fn presented(&self, session: &str, generation: u64, attempt: &str) {
        let mut sessions = self.lock();
        let trail = sessions.trails.get_mut(session).unwrap();
        let attempts = trail.attempts.entry(generation).or_default();
        if !attempts.iter().any(|known| known == attempt) {
            attempts.push(attempt.to_owned());
        }
    }

    /// Notes that somebody is about to end a session.
    pub(crate) fn doom(&self, session: &str) {
        if let Some(trail) = self.lock().trails.get_mut(session)
            && trail.fate == Fate::Live
        {
            trail.fate = Fate::Doomed;
        }
    }

    /// Notes that a session has ended, as a server said. It must have been doomed.
    pub(crate) fn ended(&self, session: &str, why: &str) {
        self.is_left(session, why);
        if let Some(trail) = self.lock().trails.get_mut(session) {
            trail.fate = Fate::Ended;
        }
    }

    /// Notes that a client has forgotten its session, which must have been doomed.
    pub(crate) fn is_left(&self, session: &str, why: &str) {
        if let Some(trail) = self.lock().trails.get(session) {
            assert_ne!(
                trail.fate,
                Fate::Live,
                "{session} was left: {why}\n{trail:?}"
            );
        }
    }

    /// What is known of a session.
    pub(crate) fn trail(&self, session: &str) -> Option<Trail> {
        self.lock().trails.get(session).cloned()
    }

    /// A session that nobody has ended, drawn by lot. It is doomed from now on.
    pub(crate) fn doom_any(&self, dice: &mut Dice) -> Option<(String, String)> {
        let mut sessions = self.lock();
        let session = sessions.draw(dice)?;
        let trail = sessions.trails.get_mut(&session)?;
        if trail.fate != Fate::Live {
            return None;
        }
        trail.fate = Fate::Doomed;
        Some((session, trail.subject.clone()))
    }

    /// A dead token, drawn by lot: of a session that has ended, or an old one.
    pub(crate) fn any_dead(&self, dice: &mut Dice) -> Option<Dead> {
        let sessions = self.lock();
        let session = sessions.draw(dice)?;
        let trail = sessions.trails.get(&session)?;
        let newest = *trail.tokens.keys().next_back()?;
        // Who received a generation had confirmed the one before it, so what is older than that is dead.
        let dead = trail
            .tokens
            .iter()
            .filter(|&(&generation, _)| trail.fate == Fate::Ended || generation + 2 <= newest);
        let dead: Vec<_> = dead.collect();
        let (&generation, token) = *dead.get(dice.below(dead.len().max(1)))?;
        let attempts = trail.attempts.get(&generation);
        let attempts = attempts.map(Vec::as_slice).unwrap_or_default();
        Some(Dead {
            token: token.clone(),
            attempt: attempts.first().cloned(),
            is_harmless: trail.fate == Fate::Ended
                || (attempts.len() == 1 && generation + REMEMBERED > newest + LEAD),
            session,
        })
    }

    /// How many sessions and how many tokens there were.
    pub(crate) fn size(&self) -> (usize, usize) {
        let sessions = self.lock();
        let tokens = sessions.trails.values().map(|trail| trail.tokens.len());
        (sessions.names.len(), tokens.sum())
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    fn draw(&self, dice: &mut Dice) -> Option<String> {
        let place = dice.below(self.names.len().max(1));
        self.names.get(place).cloned()
    }
}
