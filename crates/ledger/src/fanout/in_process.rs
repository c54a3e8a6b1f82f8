//! Between the nodes of one process.

use super::medium::{Listener, Medium, MediumError, Speaker};
use std::{
    future,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::broadcast::{self, Receiver, Sender};

/// How many messages wait for a node; one that falls behind further has missed some.
const MESSAGES: usize = 1024;

/// A medium between the nodes of one process: those that hold clones of it.
#[derive(Clone, Debug)]
pub struct InProcess {
    /// `None` while it is cut.
    channel: Arc<Mutex<Option<Sender<Vec<u8>>>>>,
}

impl InProcess {
    /// A medium that nobody else is connected to.
    #[must_use]
    pub fn new() -> Self {
        let channel = Arc::new(Mutex::new(Some(Sender::new(MESSAGES))));
        Self { channel }
    }

    /// Breaks every connection and takes no new one, as a server that stops, to see what becomes of that.
    pub fn cut(&self) {
        self.set(None);
    }

    /// Takes connections again.
    pub fn restore(&self) {
        self.set(Some(Sender::new(MESSAGES)));
    }

    /// Sends a message to everybody who is connected, whatever it is.
    pub fn send(&self, message: Vec<u8>) {
        if let Some(sender) = self.channel() {
            // Nobody may be there.
            drop(sender.send(message));
        }
    }

    fn set(&self, channel: Option<Sender<Vec<u8>>>) {
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = channel;
    }

    fn channel(&self) -> Option<Sender<Vec<u8>>> {
        self.channel
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::new()
    }
}

impl Medium for InProcess {
    type Speaker = Self;
    type Listener = InProcessListener;

    const MESSAGE_BYTES: usize = super::MESSAGE_BYTES_MAX;

    fn connect(
        &mut self,
    ) -> impl Future<Output = Result<(Self::Speaker, Self::Listener), MediumError>> + Send {
        let connected = self.channel().map(|sender| {
            let listener = InProcessListener(sender.subscribe());
            (self.clone(), listener)
        });
        future::ready(connected.ok_or(MediumError::Ended))
    }
}

impl Speaker for InProcess {
    fn send(&mut self, message: Vec<u8>) -> impl Future<Output = Result<(), MediumError>> + Send {
        Self::send(self, message);
        future::ready(Ok(()))
    }
}

/// What one node hears of an [`InProcess`].
#[derive(Debug)]
pub struct InProcessListener(Receiver<Vec<u8>>);

impl Listener for InProcessListener {
    async fn next(&mut self) -> Result<Vec<u8>, MediumError> {
        let received = self.0.recv().await;
        received.map_err(|missed: broadcast::error::RecvError| MediumError::server(missed))
    }
}
