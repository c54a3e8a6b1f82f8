//! The keys that tokens are signed with, and the file that they are kept in.

mod algorithm;
mod error;
mod file;
mod jwk;
mod key;
mod ring;
#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use error::{KeyFault, KeyFileError, KeyFileFault};
pub use file::{KeyFile, Replaced, Rotation};
pub use key::Key;
pub(crate) use key::SIGNATURE_BYTES_MAX;
pub use ring::{KeyRing, LiveKeys};
