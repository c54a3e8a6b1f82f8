//! By a NATS server.

use super::{
    channel::Channel,
    medium::{InvalidUrl, Listener, Medium, MediumError, Speaker},
    message::MESSAGE_BYTES_MAX,
};
use async_nats::{Client, ConnectError, ConnectOptions, Event, ServerAddr, Subscriber};
use futures_core::Stream as _;
use percent_encoding::percent_decode_str;
use std::{fmt, future::poll_fn, pin::Pin, str::FromStr, time::Duration};
use tokio::sync::mpsc;

/// How many events of one connection wait to be looked at. The first that matters ends it.
const EVENTS: usize = 16;
/// How often the client connects again by itself; 0 would be for ever. Nobody listens to it any more by then.
const RECONNECTIONS: usize = 1;

/// The URL of a NATS server, such as `nats://user:password@bus:4222` or `nats://token@bus:4222`; `tls://` for TLS, whose
/// certificate must be one that the machine trusts. More servers of the cluster may follow after commas; the
/// credentials are those of the first. It shows them to nobody.
#[derive(Clone)]
pub struct NatsUrl {
    servers: Vec<ServerAddr>,
    /// Kept apart from the addresses, which the client's own log shows.
    credentials: Credentials,
}

#[derive(Clone)]
enum Credentials {
    None,
    Token(String),
    User { name: String, password: String },
}

impl FromStr for NatsUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let servers: Option<Vec<_>> = text.split(',').map(|url| server(url.trim())).collect();
        let servers = servers.ok_or(InvalidUrl {
            kind: "a NATS server",
            form: "nats://user:password@host:4222, or tls:// for TLS; more servers after commas",
        });
        let (servers, credentials): (Vec<_>, Vec<_>) = servers?.into_iter().unzip();
        Ok(Self {
            servers,
            credentials: credentials.into_iter().next().unwrap_or(Credentials::None),
        })
    }
}

/// The URL without user, password and token.
impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.iter().map(ServerAddr::as_url_str);
        f.write_str(&servers.collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NatsUrl({self})")
    }
}

/// A NATS server, or several of one cluster, that carry messages.
#[derive(Debug)]
pub struct Nats {
    url: NatsUrl,
    channel: Channel,
}

impl Nats {
    /// The subject of this name on the servers of `url`.
    #[must_use]
    pub fn new(url: NatsUrl, channel: Channel) -> Self {
        Self { url, channel }
    }

    fn options(&self) -> ConnectOptions {
        let options = match self.url.credentials.clone() {
            Credentials::None => ConnectOptions::new(),
            Credentials::Token(token) => ConnectOptions::with_token(token),
            Credentials::User { name, password } => {
                ConnectOptions::with_user_and_password(name, password)
            }
        };
        options
            .name("handfast")
            .ignore_discovered_servers()
            .max_reconnects(RECONNECTIONS)
            .reconnect_delay_callback(|_| Duration::ZERO)
    }
}

/// The address of a server, and what it is logged in to with.
fn server(url: &str) -> Option<(ServerAddr, Credentials)> {
    let address: ServerAddr = url.parse().ok()?;
    let is_known = matches!(address.scheme(), "nats" | "tls") && url.contains("://");
    if !is_known || address.host().is_empty() {
        return None;
    }
    let mut url = address.into_inner();
    let decoded = |text: &str| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    let credentials = match (url.username(), url.password()) {
        ("", None) => Credentials::None,
        (token, None) => Credentials::Token(decoded(token)?),
        (name, Some(password)) => Credentials::User {
            name: decoded(name)?,
            password: decoded(password)?,
        },
    };
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((ServerAddr::from_url(url).ok()?, credentials))
}

impl Medium for Nats {
    type Speaker = NatsSpeaker;
    type Listener = NatsListener;

    const MESSAGE_BYTES: usize = MESSAGE_BYTES_MAX;

    async fn connect(&mut self) -> Result<(NatsSpeaker, NatsListener), MediumError> {
        let (events, lost) = mpsc::channel(EVENTS);
        let options = self.options().event_callback(move |event| {
            // Where it is full, something that ends the connection waits there already.
            if let Some(cause) = fatal(event) {
                drop(events.try_send(cause));
            }
            std::future::ready(())
        });
        let client = options.connect(&self.url.servers).await?;
        let subscriber = client
            .subscribe(self.channel.to_string())
            .await
            .map_err(MediumError::server)?;
        let speaker = NatsSpeaker {
            client,
            channel: self.channel.clone(),
        };
        Ok((speaker, NatsListener { subscriber, lost }))
    }
}

/// What must not pass unnoticed, for messages may be missing after it: the client would connect again by itself.
fn fatal(event: Event) -> Option<MediumError> {
    match event {
        Event::Disconnected | Event::Closed | Event::Draining => Some(MediumError::Ended),
        Event::SlowConsumer(_) | Event::ServerError(_) | Event::ClientError(_) => {
            Some(MediumError::server(event.to_string()))
        }
        Event::Connected | Event::LameDuckMode => None,
    }
}

impl From<ConnectError> for MediumError {
    fn from(cause: ConnectError) -> Self {
        Self::server(cause)
    }
}

/// What publishes on a connection.
#[derive(Debug)]
pub struct NatsSpeaker {
    client: Client,
    channel: Channel,
}

impl Speaker for NatsSpeaker {
    async fn send(&mut self, message: Vec<u8>) -> Result<(), MediumError> {
        let sent = self
            .client
            .publish(self.channel.to_string(), message.into());
        sent.await.map_err(MediumError::server)?;
        // Until then it lies in the client, and is lost if that is dropped.
        self.client.flush().await.map_err(MediumError::server)
    }
}

/// What hears on a connection.
#[derive(Debug)]
pub struct NatsListener {
    subscriber: Subscriber,
    lost: mpsc::Receiver<MediumError>,
}

impl Listener for NatsListener {
    async fn next(&mut self) -> Result<Vec<u8>, MediumError> {
        let next = poll_fn(|context| Pin::new(&mut self.subscriber).poll_next(context));
        tokio::select! {
            cause = self.lost.recv() => Err(cause.unwrap_or(MediumError::Ended)),
            message = next => Ok(message.ok_or(MediumError::Ended)?.payload.to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out_of_the_url_and_shown_nowhere() {
        let url: NatsUrl = "tls://ada:p%40ss@one, nats://two:4223".parse().unwrap();
        let Credentials::User { name, password } = &url.credentials else {
            panic!("no user");
        };
        assert_eq!((name.as_str(), password.as_str()), ("ada", "p@ss"));
        assert_eq!(url.to_string(), "tls://one,nats://two:4223");
        assert!(url.servers[0].tls_required() && !url.servers[1].tls_required());
        let shown = format!("{:?}", Nats::new(url, Channel::default()));
        assert!(
            !shown.contains("ada") && !shown.contains("p%40ss"),
            "{shown}"
        );
        let url: NatsUrl = "nats://secret@one".parse().unwrap();
        assert!(matches!(url.credentials, Credentials::Token(token) if token == "secret"));
    }

    #[test]
    fn what_is_no_url_of_nats_is_refused_without_repeating_it() {
        for url in [
            "",
            "hunter2",
            "redis://hunter2@bus",
            "nats://",
            "ws://hunter2@bus",
            "nats://a,hunter2",
        ] {
            let refused = url.parse::<NatsUrl>().unwrap_err();
            let said = format!("{refused} {refused:?}");
            assert!(
                said.contains("nats://") && !said.contains("hunter2"),
                "{said}"
            );
        }
    }
}
