//! The name under which the nodes of a cluster find each other.

use std::fmt;

/// The most bytes that a channel's name may have: PostgreSQL cuts longer ones off.
pub const CHANNEL_BYTES: usize = 63;

/// The name of a cluster's channel. Clusters that share a server must not share it.
///
/// It is 1 to [`CHANNEL_BYTES`] letters, digits, `_` and `-`: what PostgreSQL, Redis and NATS all take, and what means
/// nothing special to any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel(Box<str>);

/// A text that cannot name a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a channel is named by 1 to {CHANNEL_BYTES} letters, digits, `_` and `-`")]
pub struct InvalidChannel;

impl Channel {
    /// The channel of this name.
    ///
    /// # Errors
    /// [`InvalidChannel`] if it can be none.
    pub fn parse(name: &str) -> Result<Self, InvalidChannel> {
        let fits = (1..=CHANNEL_BYTES).contains(&name.len());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if fits && name.bytes().all(is_plain) {
            Ok(Self(name.into()))
        } else {
            Err(InvalidChannel)
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `handfast`.
impl Default for Channel {
    fn default() -> Self {
        Self("handfast".into())
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_some_server_would_read_otherwise_names_no_channel() {
        let long = "c".repeat(CHANNEL_BYTES);
        for name in [
            "handfast",
            "a",
            "Chat-2_eu",
            &long,
            Channel::default().as_str(),
        ] {
            assert_eq!(Channel::parse(name).unwrap().as_str(), name);
        }
        let longer = "c".repeat(CHANNEL_BYTES + 1);
        for name in ["", "a b", "a.b", "*", ">", "a\"b", "ä", "a\n", &longer] {
            assert_eq!(Channel::parse(name), Err(InvalidChannel), "{name:?}");
        }
    }
}
