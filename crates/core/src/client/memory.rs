//! What a client knows beyond its connections, and what it needs to take an input.

use super::{
    ClientOutput, Ended, Entropy, Initiative, Storage, backoff::Backoff, message::Outgoing,
};
use crate::{
    framing::{Frame, Framing},
    session::Generation,
    time::{Moment, Now},
};
use alloc::{boxed::Box, collections::VecDeque};
use core::time::Duration;

/// What outlives connections, but not the client.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) initiative: Initiative,
    pub(super) backoff: Backoff,
    /// Why nobody is logged in, where nobody is.
    pub(super) ended: Ended,
    /// The token that was presented once more under a new attempt key. That is done once, on whichever connection:
    /// otherwise a network that breaks in time would let it go on for ever.
    pub(super) renewed: Option<(Box<str>, Generation)>,
    /// What was presented last on a connection that ended before the answer. It may be decided later, for that connection,
    /// and take the session from a later one.
    pub(super) unanswered: Option<(Box<str>, Generation)>,
    pub(super) outputs: VecDeque<ClientOutput>,
    last_id: u64,
}

impl Memory {
    pub(super) const fn new(initiative: Initiative) -> Self {
        Self {
            initiative,
            backoff: Backoff::new(),
            ended: Ended::LoggedOut,
            renewed: None,
            unanswered: None,
            outputs: VecDeque::new(),
            last_id: 0,
        }
    }

    /// An id that no request had before, on any connection.
    pub(super) const fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.saturating_add(1);
        self.last_id
    }
}

/// What comes with an input: the clocks, the dice and the storage; and the client's memory.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Now,
    pub(super) entropy: Entropy,
    pub(super) storage: &'a mut Storage,
    pub(super) memory: &'a mut Memory,
}

impl Turn<'_> {
    pub(super) fn send(&mut self, message: &Outgoing<'_>) {
        let frame = Framing::V1.write_message(message.to_json());
        self.memory.outputs.push_back(ClientOutput::Send(frame));
    }

    /// Hands a frame to the application.
    pub(super) fn hand_on(&mut self, frame: Frame) {
        self.memory
            .outputs
            .push_back(ClientOutput::Application(frame));
    }

    pub(super) fn refuse_login(&mut self, retry_after: Option<u64>) {
        self.memory
            .outputs
            .push_back(ClientOutput::LoginRefused { retry_after });
    }

    /// Whether a presentation that was never answered may have taken over the session that is stored. From the generation
    /// after the next on, the rule refuses it.
    pub(super) fn may_be_echo(&self) -> bool {
        let Some((session, generation)) = &self.memory.unanswered else {
            return false;
        };
        self.storage.token().is_some_and(|stored| {
            stored.session == *session && stored.generation <= generation.next()
        })
    }

    /// When to connect again, not before what the server said.
    pub(super) fn back_at(&mut self, reconnect_after: Option<Duration>) -> Moment {
        let jitter = self.memory.backoff.next(self.entropy);
        let wait = reconnect_after.unwrap_or_default().saturating_add(jitter);
        self.now.moment.after(wait)
    }
}
