//! Hashing passwords, where it disturbs nobody.

mod hasher;
mod pool;
#[cfg(test)]
mod tests;

pub use hasher::{HashCost, HashError, Hasher, InvalidCost, Verdict};
pub use pool::{HashPool, PoolSize, QueueFull};
