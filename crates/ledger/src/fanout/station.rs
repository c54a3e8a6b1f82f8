//! The task of a node's fan-out: it connects, sends what waits, and hears.

use super::{
    backoff::Backoff,
    medium::{Listener, Medium, MediumError, Speaker},
    message::{self, Message},
    pile::Taken,
    publisher::Shared,
};
use crate::intent::Change;
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// To connect, and then to hear oneself for the first time.
    pub(super) connect: Duration,
    /// For a medium to take one message.
    pub(super) send: Duration,
    /// With nothing to tell, until something is sent all the same, to see whether it comes back.
    pub(super) idle: Duration,
    /// Without hearing oneself, until the connection is given up.
    pub(super) silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            send: Duration::from_secs(5),
            idle: Duration::from_secs(5),
            silence: Duration::from_secs(15),
        }
    }
}

/// All that the task owns.
pub(super) struct Station<M> {
    pub(super) medium: M,
    pub(super) desk: Desk,
}

/// What a connection is used for.
pub(super) struct Desk {
    pub(super) shared: Arc<Shared>,
    pub(super) node: u64,
    pub(super) patience: Patience,
    /// The message by which the lag is measured.
    pub(super) probe: Mutex<Option<Probe>>,
}

/// A message that was sent and is not heard yet.
pub(super) struct Probe {
    /// What it changes first.
    first: Change,
    /// Since when that waited to be sent.
    since: Instant,
    /// From when on it is taken for lost.
    due: Instant,
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
    pub(super) async fn run(mut self, mut backoff: Backoff) {
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
                backoff.reset();
            }
            tokio::select! {
                () = sleep(backoff.next()) => {}
                () = shared.outbox.closed() => return,
            }
        }
    }

    /// Connects once, until it is heard that the connection works.
    pub(super) async fn reach(mut self) -> Result<(), MediumError> {
        let mut states = self.desk.shared.connected.subscribe();
        tokio::select! {
            ended = self.talk() => ended,
            _ = states.wait_for(|connected| *connected) => Ok(()),
        }
    }

    /// One connection, from its beginning to its end; `Ok` when the publisher is gone.
    async fn talk(&mut self) -> Result<(), MediumError> {
        let desk = &self.desk;
        *desk.probe() = None;
        let connecting = timeout(desk.patience.connect, self.medium.connect());
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
            self.measure(&taken);
            let message = Message {
                node: self.node,
                read_log: taken.read_log,
                changes: taken.changes,
            };
            let sent = timeout(self.patience.send, speaker.send(message.write())).await;
            sent.map_err(|_| MediumError::Slow)??;
            self.shared.tally.sent.add(count);
            let next = self.shared.outbox.take(capacity);
            taken = match timeout(self.patience.idle, next).await {
                Ok(Some(taken)) => taken,
                Ok(None) => return Ok(()),
                Err(_) => Taken::default(),
            };
        }
    }

    /// Hears until the connection fails.
    async fn listen(&self, mut listener: impl Listener) -> MediumError {
        let mut deadline = Instant::now() + self.patience.connect;
        loop {
            let bytes = match timeout_at(deadline, listener.next()).await {
                Ok(Ok(bytes)) => bytes,
                Ok(Err(error)) => return error,
                Err(_) => return MediumError::Silent,
            };
            match Message::read(&bytes) {
                Ok(message) if message.node == self.node => {
                    deadline = Instant::now() + self.patience.silence;
                    self.note_lag(&message);
                    self.hear_oneself();
                }
                Ok(message) => self.hear(&message),
                Err(message::NotAMessage) => self.ignore(bytes.len()),
            }
        }
    }

    /// Lets what is about to be sent show how long it takes, unless something before it still does.
    fn measure(&self, taken: &Taken) {
        let (Some(first), Some(since)) = (taken.changes.first(), taken.since) else {
            return;
        };
        let now = Instant::now();
        let mut probe = self.probe();
        if probe.as_ref().is_none_or(|probe| probe.due < now) {
            *probe = Some(Probe {
                first: *first,
                since,
                due: now + self.patience.silence,
            });
        }
    }

    /// Counts how long it took, if this is the message that shows it.
    fn note_lag(&self, message: &Message) {
        let mut probe = self.probe();
        if let Some(Probe { since, .. }) =
            probe.take_if(|probe| message.changes.first() == Some(&probe.first))
        {
            let lag_us = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.shared.tally.lag_us.count(lag_us);
        }
    }

    /// It is exchanged whole, so that no panic leaves a half of it.
    fn probe(&self) -> MutexGuard<'_, Option<Probe>> {
        self.probe.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fanout::{Fanout, Inbox, Publisher};
    use handfast_core::session::SessionId;
    use std::sync::atomic::{AtomicBool, Ordering};
    use tokio::sync::mpsc;

    /// A server that says back what it is told, or, while it is frozen, nothing. It tells of every connection.
    #[derive(Clone)]
    struct Server {
        frozen: Arc<AtomicBool>,
        connections: mpsc::Sender<()>,
    }

    struct Echo {
        frozen: Arc<AtomicBool>,
        to: mpsc::Sender<Vec<u8>>,
    }

    struct Hearing(mpsc::Receiver<Vec<u8>>);

    impl Medium for Server {
        type Speaker = Echo;
        type Listener = Hearing;

        const MESSAGE_BYTES: usize = message::MESSAGE_BYTES_MAX;

        async fn connect(&mut self) -> Result<(Echo, Hearing), MediumError> {
            self.connections.send(()).await.unwrap();
            let (to, from) = mpsc::channel(16);
            let frozen = Arc::clone(&self.frozen);
            Ok((Echo { frozen, to }, Hearing(from)))
        }
    }

    impl Speaker for Echo {
        async fn send(&mut self, message: Vec<u8>) -> Result<(), MediumError> {
            if !self.frozen.load(Ordering::SeqCst) {
                self.to.send(message).await.unwrap();
            }
            Ok(())
        }
    }

    impl Listener for Hearing {
        async fn next(&mut self) -> Result<Vec<u8>, MediumError> {
            self.0.recv().await.ok_or(MediumError::Ended)
        }
    }

    /// A node on such a server, whose patience is as short as a test's.
    fn join(frozen: bool) -> (Publisher, Inbox, Server, mpsc::Receiver<()>) {
        let (connections, connected) = mpsc::channel(16);
        let server = Server {
            frozen: Arc::new(AtomicBool::new(frozen)),
            connections,
        };
        let patience = Patience {
            connect: Duration::from_millis(100),
            send: Duration::from_millis(100),
            idle: Duration::from_millis(20),
            silence: Duration::from_millis(100),
        };
        let fanout = Fanout::over(server.clone());
        let (publisher, inbox) = fanout.join_with(patience, 1, |bound| bound.min(1));
        (publisher, inbox, server, connected)
    }

    #[tokio::test]
    async fn a_medium_that_brings_nothing_back_is_not_connected_and_tried_again() {
        let (publisher, _inbox, server, mut connected) = join(true);
        connected.recv().await.unwrap();
        connected.recv().await.unwrap();
        assert_eq!(publisher.status().connections, 0);
        server.frozen.store(false, Ordering::SeqCst);
        publisher.until_connected(true).await;
    }

    #[tokio::test]
    async fn the_lag_is_what_it_takes_to_hear_oneself() {
        let (publisher, _inbox, server, _connected) = join(false);
        publisher.until_connected(true).await;
        let change = |number| Change {
            session: SessionId::from_bytes([number; 16]),
            owner: None,
            former_owner: None,
            revoked: None,
            by: None,
        };
        let counted = || publisher.status().lag_us.counts.iter().sum::<u64>();
        publisher.publish(&[change(1), change(2)]);
        while counted() < 1 {
            tokio::task::yield_now().await;
        }
        server.frozen.store(true, Ordering::SeqCst);
        publisher.publish(&[change(3)]);
        publisher.until_connected(false).await;
        server.frozen.store(false, Ordering::SeqCst);
        publisher.until_connected(true).await;
        assert_eq!(counted(), 1, "what was lost was not heard");
        publisher.publish(&[change(3)]);
        while counted() < 2 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_server_that_freezes_is_found_out_though_its_connection_stays_open() {
        let (publisher, mut inbox, server, _connected) = join(false);
        publisher.until_connected(true).await;
        server.frozen.store(true, Ordering::SeqCst);
        publisher.until_connected(false).await;
        server.frozen.store(false, Ordering::SeqCst);
        publisher.until_connected(true).await;
        assert!(inbox.recv().await.unwrap().read_log);
    }
}
