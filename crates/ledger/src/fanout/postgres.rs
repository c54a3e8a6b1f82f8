//! By `LISTEN` and `NOTIFY` of PostgreSQL.

use super::{
    channel::Channel,
    medium::{Listener, Medium, MediumError, Speaker},
};
use crate::{
    error::DatabaseError,
    postgres::{Hosts, PostgresUrl},
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use std::{fmt, future::poll_fn};
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Error, Socket, Statement, tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The longest payload that `NOTIFY` takes, in bytes. It is text.
const PAYLOAD_BYTES: usize = 7_999;

const NOTIFY: &str = "SELECT pg_notify($1, $2)";

/// A PostgreSQL database that carries messages, usually the one that is the ledger, on a connection of its own. It must
/// be reached directly or by a pooler of whole sessions, since subscriptions are part of a session.
pub struct Postgres {
    url: PostgresUrl,
    hosts: Hosts,
    tls: MakeRustlsConnect,
    channel: Channel,
}

impl Postgres {
    /// The channel of this name in the database at `url`.
    ///
    /// # Errors
    /// [`DatabaseError::Tls`] where the URL asks for TLS that cannot be set up.
    pub fn new(url: &PostgresUrl, channel: Channel) -> Result<Self, DatabaseError> {
        Ok(Self {
            tls: url.connector()?,
            url: url.clone(),
            hosts: url.hosts(),
            channel,
        })
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("url", &self.url)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

impl Medium for Postgres {
    type Speaker = PostgresSpeaker;
    type Listener = PostgresListener;

    const MESSAGE_BYTES: usize = PAYLOAD_BYTES / 4 * 3;

    async fn connect(&mut self) -> Result<(PostgresSpeaker, PostgresListener), MediumError> {
        let connect = async |host: Config| Ok(host.connect(self.tls.clone()).await?);
        let connecting = self.hosts.connect(connect, || MediumError::Slow);
        let (client, connection) = connecting.await?;
        let mut listener = PostgresListener { connection };
        // Nothing that has to outlive a crash is committed here, so a commit need not wait for the disk.
        let listen = format!(
            "SET synchronous_commit = off; LISTEN \"{}\"",
            self.channel.as_str()
        );
        let listening = async {
            client.batch_execute(&listen).await?;
            client.prepare(NOTIFY).await
        };
        let notify = tokio::select! {
            prepared = listening => prepared?,
            ended = listener.until_ended() => return Err(ended),
        };
        let speaker = PostgresSpeaker {
            client,
            notify,
            channel: self.channel.clone(),
        };
        Ok((speaker, listener))
    }
}

impl From<Error> for MediumError {
    fn from(cause: Error) -> Self {
        Self::server(cause)
    }
}

/// What notifies by a connection, which its [`PostgresListener`] drives.
pub struct PostgresSpeaker {
    client: Client,
    notify: Statement,
    channel: Channel,
}

impl Speaker for PostgresSpeaker {
    async fn send(&mut self, message: Vec<u8>) -> Result<(), MediumError> {
        let payload = STANDARD_NO_PAD.encode(message);
        let channel = self.channel.as_str();
        self.client
            .execute(&self.notify, &[&channel, &payload])
            .await?;
        Ok(())
    }
}

impl fmt::Debug for PostgresSpeaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSpeaker").finish_non_exhaustive()
    }
}

/// A connection that listens.
pub struct PostgresListener {
    connection: Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>,
}

impl PostgresListener {
    /// Drives the connection and hears nothing.
    async fn until_ended(&mut self) -> MediumError {
        loop {
            if let Err(ended) = self.next().await {
                return ended;
            }
        }
    }
}

impl Listener for PostgresListener {
    async fn next(&mut self) -> Result<Vec<u8>, MediumError> {
        loop {
            let message = poll_fn(|context| self.connection.poll_message(context)).await;
            if let AsyncMessage::Notification(notification) =
                message.ok_or(MediumError::Ended)??
            {
                // What is not encoded as a message is none, and neither is nothing.
                let decoded = STANDARD_NO_PAD.decode(notification.payload());
                return Ok(decoded.unwrap_or_default());
            }
        }
    }
}

impl fmt::Debug for PostgresListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresListener").finish_non_exhaustive()
    }
}
