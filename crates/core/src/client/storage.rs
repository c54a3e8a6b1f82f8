//! What a client keeps between connections.

use crate::{message::Secret, session::Generation, time::Timestamp};
use alloc::{boxed::Box, string::String};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// A stored token.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its session.
    pub session: Box<str>,
    /// Its generation.
    pub generation: Generation,
    /// The token.
    pub token: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When to rotate it.
    pub refresh_at: Timestamp,
}

/// An attempt key, and the generation that it is for.
#[derive(Clone, Debug)]
struct Attempt {
    session: Box<str>,
    generation: Generation,
    key: Secret,
}

/// Everything that a client keeps: one token, and the attempt key of its first presentation if that has begun.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    token: Option<Stored>,
    attempt: Option<Attempt>,
}

impl Storage {
    /// The stored token.
    #[must_use]
    pub const fn token(&self) -> Option<&Stored> {
        self.token.as_ref()
    }

    /// Stores the first token of a new session, whatever was kept before.
    pub fn begin(&mut self, token: Stored) {
        self.attempt = None;
        self.token = Some(token);
    }

    /// Stores the token of a session that goes on, if an older one of it is kept. Says whether the token that is kept
    /// now is this one.
    ///
    /// What comes for another session is not kept: another tab has left that session, and its own login counts.
    pub fn offer(&mut self, token: Stored) -> bool {
        let Some(stored) = &self.token else {
            return false;
        };
        if stored.session != token.session || stored.generation > token.generation {
            return false;
        }
        if stored.generation < token.generation {
            self.begin(token);
        }
        true
    }

    /// The attempt key for the stored token: the one that is kept for it, or a new one.
    pub fn attempt_key(&mut self, entropy: [u8; 16]) -> Option<Secret> {
        let token = self.token.as_ref()?;
        match &self.attempt {
            Some(attempt)
                if attempt.session == token.session && attempt.generation == token.generation =>
            {
                Some(attempt.key.clone())
            }
            Some(_) | None => self.renew_attempt_key(entropy),
        }
    }

    /// A new attempt key for the stored token, whatever was kept: someone else is ahead with this very generation.
    pub fn renew_attempt_key(&mut self, entropy: [u8; 16]) -> Option<Secret> {
        let token = self.token.as_ref()?;
        let key = Secret::new(&URL_SAFE_NO_PAD.encode(entropy));
        self.attempt = Some(Attempt {
            session: token.session.clone(),
            generation: token.generation,
            key: key.clone(),
        });
        Some(key)
    }

    /// Forgets the session `session`; a newer login of another tab stays.
    pub fn forget(&mut self, session: &str) {
        if self
            .token
            .as_ref()
            .is_some_and(|token| *token.session == *session)
        {
            *self = Self::default();
        }
    }

    /// The session of the stored token.
    #[must_use]
    pub fn session(&self) -> Option<String> {
        self.token
            .as_ref()
            .map(|token| String::from(&*token.session))
    }
}
