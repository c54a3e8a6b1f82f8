//! The task of a node's fan-out: it connects, sends what waits, and hears.

use super::{
    backoff::Backoff,
    medium::{Listener, Medium, MediumError, Speaker},
    message::{self, Message},
    pile::Taken,
    publisher::Shared,
};
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long it may take to connect, and then to hear oneself for the first time.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a medium may take for one message.
const SEND: Duration = Duration::from_secs(5);
/// After so long with nothing to tell, something is sent all the same, to see whether it comes back.
const PROBE_AFTER: Duration = Duration::from_secs(5);
/// After so long without hearing oneself, the connection is given up.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// All that the task owns.
pub(super) struct Station<M> {
    pub(super) medium: M,
    pub(super) desk: Desk,
    pub(super) backoff: Backoff,
}

/// What a connection is used for.
pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    pub(super) node: u64,
}

/// Sees to it that nobody waits for a task that has ended, however it did.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.outbox.close();
        self.0.inbox.close();
        self.0.connected.send_replace(false);
    }
}

impl<M: Medium> Station<M> {
    /// Connects again and again until the publisher is gone.
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.desk.shared);
        let _ending = Ending(Arc::clone(&shared));
        // An outage is logged once.
        let mut is_known_lost = false;
        loop {
            let ended = self.talk().await;
            let was_connected = shared.connected.send_replace(false);
            let Err(error) = ended else { return };
            if was_connected || !is_known_lost {
                is_known_lost = true;
                let error: &dyn std::error::Error = &error;
                tracing::warn!(
                    error,
                    "other nodes are not told at once of what changes; their timers find it"
                );
            }
            if was_connected {
                self.backoff.reset();
            }
            tokio::select! {
                () = sleep(self.backoff.next()) => {}
                () = shared.outbox.closed() => return,
            }
        }
    }

    /// One connection, from its beginning to its end; `Ok` when the publisher is gone.
    async fn talk(&mut self) -> Result<(), MediumError> {
        let desk = &self.desk;
        let connecting = timeout(CONNECT, self.medium.connect());
        let (speaker, listener) = tokio::select! {
            connected = connecting => connected.map_err(|_| MediumError::Slow)??,
            () = desk.shared.outbox.closed() => return Ok(()),
        };
        tokio::select! {
            ended = desk.speak(speaker, message::capacity(M::MESSAGE_BYTES)) => ended,
            error = desk.listen(listener) => Err(error),
        }
    }
}

impl Desk {
    /// Sends what waits, up to `capacity` changes as one message, and a word now and then while nothing does.
    async fn speak(&self, mut speaker: impl Speaker, capacity: usize) -> Result<(), MediumError> {
        // The first message only shows the way.
        let mut taken = Taken::default();
        loop {
            let count = taken.changes.len();
            let message = Message {
                node: self.node,
                read_log: taken.read_log,
                changes: taken.changes,
            };
            let sent = timeout(SEND, speaker.send(message.write())).await;
            sent.map_err(|_| MediumError::Slow)??;
            self.shared.tally.sent.add(count);
            taken = match timeout(PROBE_AFTER, self.shared.outbox.take(capacity)).await {
                Ok(Some(taken)) => taken,
                Ok(None) => return Ok(()),
                Err(_) => Taken::default(),
            };
        }
    }

    /// Hears until the connection fails.
    async fn listen(&self, mut listener: impl Listener) -> MediumError {
        let mut deadline = Instant::now() + CONNECT;
        loop {
            let bytes = match timeout_at(deadline, listener.next()).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(error)) => return error,
                Err(_) => return MediumError::Silent,
            };
            match Message::read(&bytes) {
                Ok(message) if message.node == self.node => {
                    deadline = Instant::now() + SILENCE_MAX;
                    self.hear_oneself();
                }
                Ok(message) => self.hear(&message),
                Err(message::NotAMessage) => self.ignore(bytes.len()),
            }
        }
    }

    /// The connection works, in both directions. What came before it did is in the log.
    fn hear_oneself(&self) {
        let was_connected = self.shared.connected.send_replace(true);
        if !was_connected {
            self.shared.tally.connections.add(1);
            self.shared.inbox.leave_to_log();
            tracing::info!("other nodes are told at once of what changes");
        }
    }

    fn hear(&self, message: &Message) {
        let Message {
            changes, read_log, ..
        } = message;
        self.shared.tally.heard.add(changes.len());
        if *read_log {
            self.shared.inbox.leave_to_log();
        } else if !changes.is_empty() {
            let left_to_log = self.shared.inbox.add(changes);
            self.shared.tally.left_to_log.add(left_to_log);
        }
    }

    /// Whoever sends nonsense may send much of it, so the log tells of it ever more rarely.
    fn ignore(&self, size_bytes: usize) {
        let ignored = &self.shared.tally.ignored;
        ignored.add(1);
        let count = ignored.get();
        if count.is_power_of_two() {
            tracing::warn!(
                size_bytes,
                count,
                "ignored a message that no handfast of this version sent; is the channel another program's too?"
            );
        }
    }
}
