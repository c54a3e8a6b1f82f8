//! The keys that a node signs and verifies with.

use super::{
    Algorithm, Key, KeyFileFault,
    jwk::{PrivateJwk, PrivateJwkSet},
};
use handfast_core::time::Timestamp;
use serde::Serialize;
use std::sync::{Arc, PoisonError, RwLock};

/// The keys of a file, prepared for use: the first whose time has come signs, all verify.
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<Key>,
    /// The first key that was not retired, whatever its time.
    newest: usize,
}

impl KeyRing {
    /// A ring of one new key that is stored nowhere: for a server that need not outlive its memory.
    #[must_use]
    pub fn ephemeral(algorithm: Algorithm, now: Timestamp) -> Self {
        let jwk = PrivateJwk::generate(algorithm, now.as_unix());
        let key = Key::prepare(&jwk).expect("a key that was just made is a key");
        Self {
            keys: vec![key],
            newest: 0,
        }
    }

    /// Prepares the keys of a file.
    pub(super) fn prepare(set: &PrivateJwkSet) -> Result<Self, KeyFileFault> {
        let mut keys = Vec::with_capacity(set.keys.len());
        for jwk in &set.keys {
            if keys.iter().any(|key: &Key| key.id() == jwk.kid) {
                let kid = jwk.kid.clone();
                return Err(KeyFileFault::DuplicateKid { kid });
            }
            keys.push(Key::prepare(jwk).map_err(|fault| {
                let kid = jwk.kid.clone();
                KeyFileFault::Key { kid, fault }
            })?);
        }
        let newest = keys
            .iter()
            .position(Key::can_sign)
            .ok_or(KeyFileFault::NoSigningKey)?;
        Ok(Self { keys, newest })
    }

    /// The key that signs at `now`: the first in the file that was not retired and does not wait for its time. While one
    /// waits, that is the key before it, though it is retired already; and if there is none, the one that waits.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> &Key {
        let mut waiting = None;
        for key in self.keys.iter().filter(|key| key.is_whole()) {
            let waits = key.sign_from().is_some_and(|from| now < from);
            let stands_in = waiting.is_some() && key.verifies_at(now);
            if !waits && (key.can_sign() || stands_in) {
                return key;
            }
            if waits && key.can_sign() {
                waiting = Some(key);
            }
        }
        waiting.unwrap_or(&self.keys[self.newest])
    }

    /// Every key, in the order of the file.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key of this name.
    #[must_use]
    pub fn find(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id() == kid)
    }

    /// The JWK Set for `/.well-known/jwks.json` (RFC 7517 section 5): the public halves of the asymmetric keys, which
    /// is an empty set where the keys are secrets.
    #[must_use]
    pub fn public_jwks(&self) -> String {
        #[derive(Serialize)]
        struct PublicJwkSet<'a> {
            keys: Vec<&'a super::key::PublicJwk>,
        }
        let keys = self.keys.iter().filter_map(Key::public).collect();
        serde_json::to_string(&PublicJwkSet { keys }).expect("a JWK Set is JSON")
    }
}

/// The ring that is in use, exchanged while it is.
#[derive(Debug)]
pub struct LiveKeys(RwLock<Arc<KeyRing>>);

impl LiveKeys {
    /// Starts with `ring`.
    #[must_use]
    pub fn new(ring: KeyRing) -> Self {
        Self(RwLock::new(Arc::new(ring)))
    }

    /// The ring in use now.
    #[must_use]
    pub fn current(&self) -> Arc<KeyRing> {
        let ring = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&ring)
    }

    /// Goes on with `ring`. What is being signed or verified is finished with the ring before it.
    pub fn replace(&self, ring: KeyRing) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }
}
