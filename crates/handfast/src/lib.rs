//! handfast

pub mod clock;
pub mod keys;
pub mod random;
pub mod token;
