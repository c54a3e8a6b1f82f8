//! The server under load, as an address.

use crate::error::Error;
use std::net::{SocketAddr, ToSocketAddrs as _};

/// A WebSocket endpoint without TLS: what is measured is the server, not a cipher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// Where to connect.
    pub(crate) address: SocketAddr,
    /// The `Host` of the upgrade.
    pub(crate) authority: String,
    /// The path of the upgrade.
    pub(crate) path: String,
}

/// Whether servers on other machines are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only this machine.
    Loopback,
    /// Any; whoever says so answers for it.
    Anywhere,
}

impl Target {
    /// The endpoint of the server that listens at `address`.
    pub(crate) fn local(address: SocketAddr) -> Self {
        Self {
            address,
            authority: address.to_string(),
            path: "/ws/".to_owned(),
        }
    }

    /// Reads `ws://HOST:PORT/PATH` and looks the host up.
    ///
    /// # Errors
    /// [`Error::Url`] and, for another machine than this, [`Error::Remote`].
    pub(crate) fn parse(url: &str, reach: Reach) -> Result<Self, Error> {
        let wrong = |reason| Error::Url {
            url: url.to_owned(),
            reason,
        };
        if url.starts_with("wss://") {
            return Err(wrong(
                "this program does not speak TLS; load the server itself, by `ws://`, and not what is before it",
            ));
        }
        let rest = url
            .strip_prefix("ws://")
            .ok_or_else(|| wrong("it does not begin with `ws://`"))?;
        let (authority, path) = rest
            .find('/')
            .map_or((rest, "/"), |slash| rest.split_at(slash));
        if authority.contains('@') || path.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong("it holds what no WebSocket URL may hold"));
        }
        let with_port = if authority.rsplit(':').next().is_some_and(is_port) {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let address = with_port
            .to_socket_addrs()
            .ok()
            // Of several that of IPv4: `localhost` often has both, and handfast listens at 127.0.0.1 by default.
            .and_then(|addresses| addresses.min_by_key(SocketAddr::is_ipv6))
            .ok_or_else(|| wrong("its host is not known"))?;
        if reach == Reach::Loopback && !address.ip().is_loopback() {
            return Err(Error::Remote(address));
        }
        Ok(Self {
            address,
            authority: authority.to_owned(),
            path: path.to_owned(),
        })
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_taken_apart() {
        let target = Target::parse("ws://127.0.0.1:9001/ws/", Reach::Loopback).unwrap();
        assert_eq!(target, Target::local(([127, 0, 0, 1], 9001).into()));
        let target = Target::parse("ws://[::1]:9001", Reach::Loopback).unwrap();
        assert_eq!(
            (target.authority.as_str(), target.path.as_str()),
            ("[::1]:9001", "/")
        );
        let target = Target::parse("ws://127.0.0.1/ws", Reach::Loopback).unwrap();
        assert_eq!(target.address.port(), 80);
    }

    #[test]
    fn another_machine_needs_the_word_of_the_person_who_asks() {
        let url = "ws://192.0.2.1:9001/ws/";
        assert!(matches!(
            Target::parse(url, Reach::Loopback),
            Err(Error::Remote(_))
        ));
        assert!(Target::parse(url, Reach::Anywhere).is_ok());
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for url in [
            "wss://127.0.0.1:9001/ws/",
            "http://127.0.0.1:9001/",
            "127.0.0.1:9001",
            "ws://",
            "ws://me@127.0.0.1:9001/",
            "ws://127.0.0.1:9001/a b",
        ] {
            assert!(
                matches!(Target::parse(url, Reach::Loopback), Err(Error::Url { .. })),
                "{url}"
            );
        }
    }
}
