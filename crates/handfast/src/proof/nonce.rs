//! The nonces of `Hello`, which nobody has to remember.

use crate::random;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

const NONCE_BYTES: usize = 16;

/// Makes the nonces of a node. Each is a message authentication code over its connection's number and the host that the
/// upgrade named, so that a proof's nonce and endpoint are checked in one step and a connection keeps neither. Numbers
/// are given out once, and the key dies with the process, so no two are alike.
pub(crate) struct Nonces(hmac::Key);

impl Nonces {
    pub(crate) fn new() -> Self {
        let secret: [u8; 32] = random::bytes();
        Self(hmac::Key::new(hmac::HMAC_SHA256, &secret))
    }

    /// The nonce of a connection to `host`: 128 bits in base64url.
    pub(crate) fn of(&self, connection: u64, host: &str) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&connection.to_be_bytes());
        context.update(normal(host).to_ascii_lowercase().as_bytes());
        let tag = context.sign();
        let bytes: &[u8] = tag.as_ref();
        URL_SAFE_NO_PAD.encode(&bytes[..NONCE_BYTES])
    }

    /// Whether `nonce` is the one of this connection to `host`.
    pub(super) fn is_of(&self, nonce: &str, connection: u64, host: &str) -> bool {
        nonce == self.of(connection, host)
    }
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonces(…)")
    }
}

/// The host and port that a URL names, without a user.
pub(super) fn host_of_url(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let known = ["ws", "wss", "http", "https"]
        .iter()
        .any(|it| scheme.eq_ignore_ascii_case(it));
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = &rest[..end];
    (known && !host.is_empty() && !host.contains('@')).then_some(host)
}

/// A host without a port that a scheme has by itself: behind a proxy, the server does not know the scheme.
fn normal(host: &str) -> &str {
    let without = |port| host.strip_suffix(port);
    without(":443").or_else(|| without(":80")).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_of_one_connection_to_one_host() {
        let nonces = Nonces::new();
        let nonce = nonces.of(7, "Chat.example:443");
        assert_eq!(nonce.len(), 22);
        assert!(nonces.is_of(&nonce, 7, "chat.example"));
        assert!(!nonces.is_of(&nonce, 8, "chat.example"));
        assert!(!nonces.is_of(&nonce, 7, "evil.example"));
        assert!(!nonces.is_of(&nonce, 7, "chat.example:8443"));
        assert!(!Nonces::new().is_of(&nonce, 7, "chat.example"));
    }

    #[test]
    fn the_host_of_a_url_is_what_a_browser_would_connect_to() {
        assert_eq!(host_of_url("wss://chat.example/ws/"), Some("chat.example"));
        assert_eq!(host_of_url("ws://[::1]:9001/ws/?a=b"), Some("[::1]:9001"));
        assert_eq!(host_of_url("https://chat.example"), Some("chat.example"));
        for url in [
            "",
            "chat.example",
            "ftp://chat.example/",
            "wss:///ws/",
            "wss://chat.example@evil.example/",
        ] {
            assert_eq!(host_of_url(url), None, "{url}");
        }
    }
}
