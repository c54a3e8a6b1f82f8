//! By the publish and subscribe of Redis or Valkey.

use super::{
    channel::Channel,
    medium::{InvalidUrl, Listener, Medium, MediumError, Speaker},
    message::MESSAGE_BYTES_MAX,
};
use crate::host::bracketed;
use futures_core::Stream as _;
use redis::{
    Client, ConnectionAddr, RedisError,
    aio::{MultiplexedConnection, PubSubStream},
};
use std::{fmt, future::poll_fn, pin::Pin, str::FromStr};

/// The URL of a Redis or Valkey server, such as `redis://user:password@cache:6379`; `rediss://` for TLS, whose
/// certificate must be one that the machine trusts. It shows its password to nobody.
#[derive(Clone)]
pub struct RedisUrl(Client);

impl FromStr for RedisUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        // What asks for a certificate that nobody checks would be refused at every connection only.
        let client = Client::open(text).ok().filter(|client| {
            let address = client.get_connection_info().addr();
            !matches!(address, ConnectionAddr::TcpTls { insecure: true, .. })
        });
        client.map(Self).ok_or(InvalidUrl {
            kind: "a Redis or Valkey server",
            form: "redis://user:password@host:6379, or rediss:// for TLS",
        })
    }
}

/// The URL without user and password.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.get_connection_info().addr() {
            ConnectionAddr::Tcp(host, port) => write!(f, "redis://{}:{port}", bracketed(host)),
            ConnectionAddr::TcpTls { host, port, .. } => {
                write!(f, "rediss://{}:{port}", bracketed(host))
            }
            address => write!(f, "redis+unix://{address}"),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

/// A Redis or Valkey server that carries messages. It stores nothing, and may be any that all nodes reach.
#[derive(Debug)]
pub struct Redis {
    url: RedisUrl,
    channel: Channel,
}

impl Redis {
    /// The channel of this name on the server at `url`.
    #[must_use]
    pub fn new(url: RedisUrl, channel: Channel) -> Self {
        Self { url, channel }
    }
}

impl Medium for Redis {
    type Speaker = RedisSpeaker;
    type Listener = RedisListener;

    const MESSAGE_BYTES: usize = MESSAGE_BYTES_MAX;

    async fn connect(&mut self) -> Result<(RedisSpeaker, RedisListener), MediumError> {
        let RedisUrl(client) = &self.url;
        let mut listener = client.get_async_pubsub().await?;
        listener.subscribe(self.channel.as_str()).await?;
        let connection = client.get_multiplexed_async_connection().await?;
        let speaker = RedisSpeaker {
            connection,
            channel: self.channel.clone(),
        };
        Ok((speaker, RedisListener(listener.into_on_message())))
    }
}

impl From<RedisError> for MediumError {
    fn from(cause: RedisError) -> Self {
        Self::server(cause)
    }
}

/// A connection that publishes.
pub struct RedisSpeaker {
    connection: MultiplexedConnection,
    channel: Channel,
}

impl fmt::Debug for RedisSpeaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSpeaker").finish_non_exhaustive()
    }
}

impl Speaker for RedisSpeaker {
    async fn send(&mut self, message: Vec<u8>) -> Result<(), MediumError> {
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(self.channel.as_str()).arg(message);
        Ok(publish.exec_async(&mut self.connection).await?)
    }
}

/// A connection that is subscribed.
pub struct RedisListener(PubSubStream);

impl fmt::Debug for RedisListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisListener").finish_non_exhaustive()
    }
}

impl Listener for RedisListener {
    async fn next(&mut self) -> Result<Vec<u8>, MediumError> {
        let message = poll_fn(|context| Pin::new(&mut self.0).poll_next(context)).await;
        Ok(message
            .ok_or(MediumError::Ended)?
            .get_payload_bytes()
            .to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_url_is_shown_nowhere() {
        let url: RedisUrl = "rediss://ada:hunter2@cache:6380/3".parse().unwrap();
        assert_eq!(url.to_string(), "rediss://cache:6380");
        let address: RedisUrl = "redis://[::1]".parse().unwrap();
        assert_eq!(address.to_string(), "redis://[::1]:6379");
        let redis = Redis::new(url, Channel::default());
        assert!(!format!("{redis:?}").contains("hunter2"));
    }

    #[test]
    fn what_is_no_url_of_redis_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "nats://hunter2@bus",
            "redis://",
            "redis://:hunter2@",
            "rediss://:hunter2@cache#insecure",
        ] {
            let refused = url.parse::<RedisUrl>().unwrap_err();
            let said = format!("{refused} {refused:?}");
            assert!(
                said.contains("redis://") && !said.contains("hunter2"),
                "{said}"
            );
        }
    }
}
