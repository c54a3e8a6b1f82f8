//! The two ends of a fan-out that a node holds.

use super::{
    backoff::Backoff,
    medium::{Medium, MediumError},
    message::{MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN},
    pile::{PILE_CHANGES, Pile, Taken},
    station::{Desk, Patience, Station},
};
use crate::{
    counts::Counter,
    distribution::{Distribution, Spread},
    intent::Change,
};
use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// A way to tell other nodes, ready to be [joined](Self::join).
pub struct Fanout {
    medium: Box<dyn Join>,
}

type Reaching = Pin<Box<dyn Future<Output = Result<(), MediumError>> + Send>>;

/// A medium, whatever its type.
trait Join: Send {
    fn join(self: Box<Self>, desk: Desk, backoff: Backoff);

    fn reach(self: Box<Self>, desk: Desk) -> Reaching;
}

impl<M: Medium> Join for M {
    fn join(self: Box<Self>, desk: Desk, backoff: Backoff) {
        let station = Station {
            medium: *self,
            desk,
        };
        drop(tokio::spawn(station.run(backoff)));
    }

    fn reach(self: Box<Self>, desk: Desk) -> Reaching {
        let station = Station {
            medium: *self,
            desk,
        };
        Box::pin(station.reach())
    }
}

impl Fanout {
    /// Fan-out over `medium`.
    pub fn over<M: Medium>(medium: M) -> Self {
        const {
            assert!(
                M::MESSAGE_BYTES >= MESSAGE_BYTES_MIN && M::MESSAGE_BYTES <= MESSAGE_BYTES_MAX,
                "a medium carries messages of any change, and none that nobody would take"
            );
        };
        let medium = Box::new(medium);
        Self { medium }
    }

    /// Joins the others, as `node`, a number that no other run of a node has. `below` draws a random number below its
    /// argument; it spreads attempts to connect.
    ///
    /// It needs a tokio runtime, in which one task connects, sends and hears until the [`Publisher`] is dropped.
    #[must_use]
    pub fn join(self, node: u64, below: fn(u64) -> u64) -> (Publisher, Inbox) {
        self.join_with(Patience::default(), node, below)
    }

    pub(super) fn join_with(
        self,
        patience: Patience,
        node: u64,
        below: fn(u64) -> u64,
    ) -> (Publisher, Inbox) {
        let shared = Arc::new(Shared::default());
        let desk = Desk {
            shared: Arc::clone(&shared),
            node,
            patience,
            probe: Mutex::default(),
        };
        self.medium.join(desk, Backoff::new(below));
        let inbox = Inbox {
            shared: Arc::clone(&shared),
        };
        (Publisher { shared }, inbox)
    }

    /// Connects once, as `node`, and waits to hear itself: whether others can be told.
    ///
    /// # Errors
    /// [`MediumError`], which says why not.
    pub async fn reach(self, node: u64) -> Result<(), MediumError> {
        let desk = Desk {
            shared: Arc::default(),
            node,
            patience: Patience::default(),
            probe: Mutex::default(),
        };
        self.medium.reach(desk).await
    }
}

impl fmt::Debug for Fanout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fanout").finish_non_exhaustive()
    }
}

/// The bounds by which the lag is counted, in microseconds.
const LAG_BOUNDS: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000,
];

/// What the two ends and the task between them share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) outbox: Pile,
    pub(super) inbox: Pile,
    pub(super) connected: watch::Sender<bool>,
    pub(super) tally: Tally,
}

/// [`Status`] under way.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) connections: Counter,
    pub(super) sent: Counter,
    pub(super) heard: Counter,
    pub(super) ignored: Counter,
    pub(super) left_to_log: Counter,
    pub(super) lag_us: Spread,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            connections: Counter::default(),
            sent: Counter::default(),
            heard: Counter::default(),
            ignored: Counter::default(),
            left_to_log: Counter::default(),
            lag_us: Spread::new(LAG_BOUNDS),
        }
    }
}

/// What a fan-out did since it was joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Whether what is sent reaches the others now.
    pub connected: bool,
    /// How often it was connected.
    pub connections: u64,
    /// Changes that were sent.
    pub sent: u64,
    /// Changes that were heard of others.
    pub heard: u64,
    /// Messages that were malformed, too long, or of another version.
    pub ignored: u64,
    /// Changes, sent or heard, that were left to the log, since too many waited.
    pub left_to_log: u64,
    /// From the commit of a change until this node heard its own message of it, in microseconds. Others hear it about
    /// then, and no two clocks are compared. One message at a time is measured.
    pub lag_us: Distribution,
}

/// The end that tells others. Dropping it sends what waits, if it can be sent now, and ends the task.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
}

impl Publisher {
    /// Tells other nodes of changes that were committed. It never waits: beyond [`PILE_CHANGES`] that could not be sent
    /// yet, the others are only told to look at the log.
    pub fn publish(&self, changes: &[Change]) {
        let left_to_log = self.shared.outbox.add(changes);
        self.shared.tally.left_to_log.add(left_to_log);
    }

    /// How it is, and what it did.
    #[must_use]
    pub fn status(&self) -> Status {
        let tally = &self.shared.tally;
        Status {
            connected: *self.shared.connected.borrow(),
            connections: tally.connections.get(),
            sent: tally.sent.get(),
            heard: tally.heard.get(),
            ignored: tally.ignored.get(),
            left_to_log: tally.left_to_log.get(),
            lag_us: tally.lag_us.distribution(),
        }
    }

    /// Waits until `connected` is what [`Status::connected`] says.
    pub async fn until_connected(&self, connected: bool) {
        let mut states = self.shared.connected.subscribe();
        // The sender is among what is shared, so it is there.
        drop(states.wait_for(|state| *state == connected).await);
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.shared.outbox.close();
    }
}

/// The end that hears of others.
#[derive(Debug)]
pub struct Inbox {
    shared: Arc<Shared>,
}

/// What was heard of other nodes, or else missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What changed, as far as the sender is to be believed. Those of one node are in the order of their commits.
    pub changes: Vec<Change>,
    /// Whether the log of changes may say more, since something was missed: it is to be read at once.
    pub read_log: bool,
}

impl Inbox {
    /// The next that is heard: all that waits. `None` when the fan-out has ended.
    pub async fn recv(&mut self) -> Option<Heard> {
        let Taken {
            changes, read_log, ..
        } = self.shared.inbox.take(PILE_CHANGES).await?;
        Some(Heard { changes, read_log })
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.shared.inbox.close();
    }
}
