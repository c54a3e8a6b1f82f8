//! Hosts as URLs have them.

/// A host's name or address as it stands before a port (RFC 3986 section 3.2.2).
pub(crate) fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}
