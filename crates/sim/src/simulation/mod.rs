//! Clients, nodes and a ledger under a simulated clock, with everything going wrong that may.
//!
//! What is simulated is the code that runs: the server's connection machine, the client's machine on its storage, and
//! the ledger with its queue, its batches, its decisions and its flush. What is written here is what joins them: a
//! network, a driver as thin as it can be, the fan-out between nodes, a disk, and people. Time, chance and faults come
//! from one seed, so every run can be had again.
//!
//! What must hold is watched from outside, by [checks](check) that share no code with what they check.

pub mod check;
pub mod fault;

mod agenda;
mod ask;
mod clock;
mod follow;
mod network;
mod node;
mod serve;
mod storage;
mod tab;
mod thief;
mod trouble;
mod world;

use check::Violation;
use fault::{Counts, Faults, Sabotage};
use std::time::Duration;
use world::World;

/// One run: times of trouble, and after each a calm in which everybody must be back.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// How often there is trouble, and calm after it.
    pub rounds: u32,
    /// How long things go wrong each time.
    pub trouble: Duration,
    /// How long lies between two faults, on average.
    pub between_faults: Duration,
    /// How many clients there are, each with a storage of its own.
    pub clients: usize,
    /// How many nodes there are.
    pub nodes: usize,
    /// Whether the ledger flushes apart from its commits, as the embedded one does.
    pub flushes_apart: bool,
    /// Which faults there are.
    pub faults: Faults,
    /// A mistake, where the run is to show that it is found.
    pub sabotage: Option<Sabotage>,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was done to it.
    pub counts: Counts,
    /// How much time clients lived through, all together.
    pub lived: Duration,
    /// The first promise that was broken, and when.
    pub violation: Option<(Duration, Violation)>,
}

impl Plan {
    /// A run whose size and trouble the seed chooses.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let (between_s, minutes) = match dice.u8(..3) {
            0 => (2, 5),
            1 => (20, 30),
            _ => (120, 180),
        };
        Self {
            seed,
            rounds: 1,
            trouble: Duration::from_secs(60 * minutes),
            between_faults: Duration::from_secs(between_s),
            clients: dice.usize(1..=4),
            nodes: dice.usize(1..=3),
            flushes_apart: dice.bool(),
            faults: Faults {
                any: true,
                thieves: dice.u8(..4) == 0,
                lost_writes: dice.u8(..8) == 0,
            },
            sabotage: None,
        }
    }

    /// The same for five weeks, in which tokens and sessions also expire, with a calm every day.
    #[must_use]
    pub fn long(seed: u64) -> Self {
        Self {
            rounds: 35,
            trouble: Duration::from_secs(24 * 3600),
            between_faults: Duration::from_secs(120),
            clients: 4,
            ..Self::of_seed(seed)
        }
    }

    /// Runs it, until a promise is broken or it is over.
    #[must_use]
    pub fn run(&self) -> Outcome {
        World::new(self).run()
    }
}
