//! The one place where randomness is drawn.
//!
//! Everything here comes from the operating system's generator by way of AWS-LC, in pools of one thread each, so that
//! drawing takes no lock and hardly ever a system call.

use handfast_core::session::SessionId;
use std::cell::RefCell;

/// Sixteen random bytes: enough that no two draws are ever alike (RFC 4086 section 8.2.1).
pub type Random128 = [u8; 16];

/// The name of a new session.
#[must_use]
pub fn session_id() -> SessionId {
    SessionId::from_bytes(bytes())
}

/// The `jti` of a new token or ticket (RFC 7519 section 4.1.7).
#[must_use]
pub fn token_id() -> Random128 {
    bytes()
}

/// What a browser is recognised by, beside its session.
#[must_use]
pub fn browser() -> Random128 {
    bytes()
}

/// The name of this run of a node.
#[must_use]
pub fn node() -> u64 {
    u64::from_be_bytes(bytes())
}

/// A number below `bound`, or zero where `bound` is zero: for spreading what should not happen at once.
///
/// It is not quite even for bounds near 2^64, which no spread is.
#[must_use]
pub fn below(bound: u64) -> u64 {
    u64::from_be_bytes(bytes()).checked_rem(bound).unwrap_or(0)
}

/// `N` random bytes.
///
/// # Panics
/// If the operating system has no randomness to give: nothing that a session rests on could go on then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    const { assert!(N <= POOL_BYTES, "a draw comes out of one pool") };
    POOL.with_borrow_mut(Pool::draw)
}

/// How much is drawn from the generator at once: each draw reseeds it from the processor, which costs more than the
/// bytes do.
const POOL_BYTES: usize = 1024;

thread_local! {
    static POOL: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL_BYTES], left: 0 }) };
}

/// Random bytes that nobody has been given yet.
struct Pool {
    bytes: [u8; POOL_BYTES],
    /// How many of them, from the front.
    left: usize,
}

impl Pool {
    fn draw<const N: usize>(&mut self) -> [u8; N] {
        if self.left < N {
            aws_lc_rs::rand::fill(&mut self.bytes).expect("the operating system gives randomness");
            self.left = POOL_BYTES;
        }
        let mut drawn = [0; N];
        let given = &mut self.bytes[self.left - N..self.left];
        drawn.copy_from_slice(given);
        // What was given belongs to whoever drew it.
        given.fill(0);
        self.left -= N;
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_draws_are_alike() {
        let draws: HashSet<_> = (0..10_000).map(|_| token_id()).collect();
        assert_eq!(draws.len(), 10_000);
    }

    #[test]
    fn a_number_below_a_bound_stays_below_it() {
        assert!((0..1_000).all(|_| below(7) < 7));
        assert_eq!(below(1), 0);
        assert_eq!(below(0), 0);
    }
}
