//! How many files and sockets the process may have open.

use rustix::process::{Resource, getrlimit};

/// Descriptors that are not for connections: databases, keys, listeners, and room to say no.
pub(crate) const RESERVED: u64 = 64;

/// How many descriptors the process may come to have; `None` where nothing limits it.
pub(crate) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}
