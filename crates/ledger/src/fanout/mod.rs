//! Fan-out: how a node tells the others at once what it committed, and hears what they did.
//!
//! It is only speed. Whatever is told stands in the ledger's log of changes too, which every node reads on a timer, so
//! that a message may be lost, late, repeated or out of order; and what is heard is a hint, which the ledger has to
//! [confirm](crate::Ledger::examine) before any connection is closed. So a message can let nobody in, and a forged one
//! can close nothing.
//!
//! A [`Medium`] carries bytes: [`InProcess`] between the nodes of one process, `Postgres`, `Redis` and `Nats` (with
//! the feature of that name) between any. Everything else is the same for all of them. What waits leaves at once and as
//! one message. When more waits than there is room for, all of it becomes the one word that the log has more to say.
//! A medium that fails is connected to again, after waits that grow at random; then the node looks at the log, for it
//! may have missed something. That a connection works is shown by what the node sends coming back to it.

mod backoff;
mod channel;
mod in_process;
mod medium;
mod message;
#[cfg(feature = "nats")]
mod nats;
mod pile;
#[cfg(feature = "postgres")]
mod postgres;
mod publisher;
#[cfg(feature = "redis")]
mod redis;
mod station;

pub use channel::{CHANNEL_BYTES, Channel, InvalidChannel};
pub use in_process::{InProcess, InProcessListener};
pub use medium::{InvalidUrl, Listener, Medium, MediumError, Speaker};
pub use message::{MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN};
#[cfg(feature = "nats")]
pub use nats::{Nats, NatsListener, NatsSpeaker, NatsUrl};
pub use pile::PILE_CHANGES;
#[cfg(feature = "postgres")]
pub use postgres::{Postgres, PostgresListener, PostgresSpeaker};
pub use publisher::{Fanout, Heard, Inbox, Publisher, Status};
#[cfg(feature = "redis")]
pub use redis::{Redis, RedisListener, RedisSpeaker, RedisUrl};
