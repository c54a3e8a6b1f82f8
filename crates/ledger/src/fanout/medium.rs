//! What carries messages between nodes.

use std::error::Error;

/// A way to carry messages to every node, oneself included.
pub trait Medium: Send + 'static {
    /// What sends.
    type Speaker: Speaker;
    /// What hears.
    type Listener: Listener;

    /// The most bytes that it carries as one message: from [`MESSAGE_BYTES_MIN`](super::MESSAGE_BYTES_MIN) to
    /// [`MESSAGE_BYTES_MAX`](super::MESSAGE_BYTES_MAX).
    const MESSAGE_BYTES: usize;

    /// Connects afresh. What was connected before has been dropped. The caller sets a bound to the time it may take.
    ///
    /// # Errors
    /// Where that failed; it is tried again later.
    fn connect(
        &mut self,
    ) -> impl Future<Output = Result<(Self::Speaker, Self::Listener), MediumError>> + Send;
}

/// The half of a connection that sends. Its [`Listener`] is polled at the same time.
pub trait Speaker: Send {
    /// Hands a message over, in the order of the calls.
    ///
    /// # Errors
    /// Where the connection broke.
    fn send(&mut self, message: Vec<u8>) -> impl Future<Output = Result<(), MediumError>> + Send;
}

/// The half of a connection that hears.
pub trait Listener: Send {
    /// The next message, whoever sent it and whatever it is.
    ///
    /// # Errors
    /// Where the connection broke, or may have left a message out.
    fn next(&mut self) -> impl Future<Output = Result<Vec<u8>, MediumError>> + Send;
}

/// Why a medium does not carry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MediumError {
    /// Its server cannot be reached, refused, or hung up.
    #[error("the server cannot be reached, refuses, or hung up")]
    Server(#[source] Box<dyn Error + Send + Sync>),
    /// The connection ended.
    #[error("the connection ended")]
    Ended,
    /// It took too long to connect or to take a message.
    #[error("the server does not answer in time")]
    Slow,
    /// What was sent does not come back, as everything must that reaches the others.
    #[error(
        "what is sent does not come back: may this user publish and subscribe, and does nothing pool connections on the way?"
    )]
    Silent,
}

impl MediumError {
    /// A failure of the server or on the way to it.
    pub fn server(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Server(cause.into())
    }
}

/// A URL that names no server of its kind. It is not repeated, for it may hold a password.
#[derive(Debug, thiserror::Error)]
#[error("this is no URL of {kind}: {form}")]
pub struct InvalidUrl {
    pub(super) kind: &'static str,
    pub(super) form: &'static str,
}

impl InvalidUrl {
    /// How one is written.
    #[must_use]
    pub fn form(&self) -> &'static str {
        self.form
    }
}
