//! How many files and sockets the process may have open.

use rustix::process::{Resource, getrlimit, setrlimit};
use std::io;

/// Descriptors that are not for connections: databases, keys, listeners, and room to say no.
pub(crate) const RESERVED: u64 = 64;

/// How many descriptors the process may come to have; `None` where nothing limits it.
pub(crate) fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

/// Lets the process have as many descriptors as it may come to have. What it starts with is often
/// 1,024, kept low for programs that would not survive more.
///
/// # Errors
/// If the machine refuses; the limit is then what it was.
pub(crate) fn raise() -> io::Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}
