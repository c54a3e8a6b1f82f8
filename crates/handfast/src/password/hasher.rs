//! Argon2id (RFC 9106), in PHC strings.

use crate::random;
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash as Phc, Salt},
};
use handfast_core::message::Secret;
use handfast_ledger::{accounts::PasswordHash, trace::STEP};
use std::fmt;
use thiserror::Error;
use tracing::debug_span;

/// The length of a salt, in bytes (RFC 9106 section 3.1).
const SALT_BYTES: usize = 16;
/// The length of a hash, in bytes (RFC 9106 section 4).
const HASH_BYTES: usize = 32;

/// What hashing one password costs. The default is the first that OWASP's password storage advice names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes. They are worked off one after the other: more of them do not make it faster here.
    pub parallelism: u32,
}

impl Default for HashCost {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// A cost that Argon2id does not have (RFC 9106 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Argon2id cannot hash with {0:?}: it needs an iteration, a lane, and 8 KiB for each lane")]
pub struct InvalidCost(pub HashCost);

/// Why a password could be neither hashed nor verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HashError {
    /// The machine has not the memory that one hash takes.
    #[error("no memory is left to hash a password")]
    OutOfMemory,
    /// What is stored is no Argon2 hash.
    #[error("a stored password hash cannot be read")]
    Unreadable,
}

/// What a password is, compared with a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is the password.
    Right {
        /// Whether the hash was made at another cost than is asked for now, so that it should be made anew.
        outdated: bool,
    },
}

/// Hashes passwords at one cost, in memory that it keeps.
pub struct Hasher {
    params: Params,
    memory: Vec<Block>,
    nobody: [u8; SALT_BYTES],
}

impl Hasher {
    /// A hasher at this cost. It takes its memory when it first needs it.
    ///
    /// # Errors
    /// [`InvalidCost`] if there is no such cost.
    pub fn new(cost: HashCost) -> Result<Self, InvalidCost> {
        let HashCost {
            memory_kib,
            iterations,
            parallelism,
        } = cost;
        let params = Params::new(memory_kib, iterations, parallelism, Some(HASH_BYTES))
            .map_err(|_| InvalidCost(cost))?;
        Ok(Self {
            params,
            memory: Vec::new(),
            nobody: random::bytes(),
        })
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`].
    pub fn hash(&mut self, password: &Secret) -> Result<PasswordHash, HashError> {
        let salt: [u8; SALT_BYTES] = random::bytes();
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let output = self.run(&argon2, password, &salt, HASH_BYTES)?;
        let phc = Phc {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).expect("three numbers fit"),
            salt: Some(Salt::new(&salt).expect("16 bytes are a salt")),
            hash: Some(output),
        };
        Ok(PasswordHash::new(phc.to_string()))
    }

    /// Compares a password with a stored hash, at the cost that the hash was made at.
    ///
    /// # Errors
    /// [`HashError`], if the hash cannot be read or there is no memory.
    pub fn verify(&mut self, password: &Secret, hash: &PasswordHash) -> Result<Verdict, HashError> {
        let phc = Phc::new(hash.expose()).map_err(|_| HashError::Unreadable)?;
        let (Some(salt), Some(expected)) = (phc.salt, phc.hash) else {
            return Err(HashError::Unreadable);
        };
        let argon2 = of_hash(&phc).ok_or(HashError::Unreadable)?;
        let output = self.run(&argon2, password, &salt, expected.len())?;
        // `Output` compares in constant time.
        if output != expected {
            return Ok(Verdict::Wrong);
        }
        let outdated = !self.is_current(&phc, &argon2);
        Ok(Verdict::Right { outdated })
    }

    /// Takes as long as [`Self::verify`] does, for a user that is not there: who asks must not learn that from the
    /// time.
    ///
    /// # Errors
    /// [`HashError::OutOfMemory`].
    pub fn verify_nobody(&mut self, password: &Secret) -> Result<(), HashError> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let nobody = self.nobody;
        self.run(&argon2, password, &nobody, HASH_BYTES).map(drop)
    }

    fn run(
        &mut self,
        argon2: &Argon2<'_>,
        password: &Secret,
        salt: &[u8],
        length: usize,
    ) -> Result<Output, HashError> {
        let blocks = argon2.params().block_count();
        if let Some(missing) = blocks.checked_sub(self.memory.len()) {
            self.memory
                .try_reserve_exact(missing)
                .map_err(|_| HashError::OutOfMemory)?;
            self.memory.resize(blocks, Block::default());
        }
        let mut bytes = [0; Output::MAX_LENGTH];
        let bytes = bytes.get_mut(..length).ok_or(HashError::Unreadable)?;
        let password = password.expose().as_bytes();
        let _step = debug_span!(target: STEP, "password.hash").entered();
        argon2
            .hash_password_into_with_memory(password, salt, bytes, &mut self.memory)
            .map_err(|_| HashError::Unreadable)?;
        Output::new(bytes).map_err(|_| HashError::Unreadable)
    }

    fn is_current(&self, phc: &Phc, argon2: &Argon2<'_>) -> bool {
        let (now, then) = (&self.params, argon2.params());
        phc.algorithm == Algorithm::Argon2id.ident()
            && phc.version == Some(Version::V0x13.into())
            && phc.hash.is_some_and(|hash| hash.len() == HASH_BYTES)
            && (now.m_cost(), now.t_cost(), now.p_cost())
                == (then.m_cost(), then.t_cost(), then.p_cost())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("params", &self.params)
            .finish_non_exhaustive()
    }
}

/// The Argon2 that a hash was made with, of whichever variant.
fn of_hash(phc: &Phc) -> Option<Argon2<'static>> {
    let algorithm = Algorithm::try_from(phc.algorithm.as_str()).ok()?;
    let version = match phc.version {
        Some(version) => Version::try_from(version).ok()?,
        None => Version::V0x10,
    };
    let params = Params::try_from(phc).ok()?;
    Some(Argon2::new(algorithm, version, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCKS: u32 = 64;

    fn filled(hasher: &Hasher) -> usize {
        let is_filled = |block: &&Block| block.as_ref().iter().any(|word| *word != 0);
        hasher.memory.iter().filter(is_filled).count()
    }

    #[test]
    fn who_is_not_there_costs_the_memory_that_who_is_there_does() {
        let cost = HashCost {
            memory_kib: BLOCKS,
            ..HashCost::default()
        };
        let [mut nobody, mut somebody] = [cost, cost].map(|cost| Hasher::new(cost).unwrap());
        let password = Secret::new("correct horse");
        nobody.verify_nobody(&password).unwrap();
        let hash = somebody.hash(&password).unwrap();
        somebody.verify(&password, &hash).unwrap();
        assert_eq!(filled(&nobody), BLOCKS as usize);
        assert_eq!(filled(&somebody), filled(&nobody));
    }
}
