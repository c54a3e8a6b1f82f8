//! An intent on its way through the queue, and the way back for its answer.

use crate::{
    error::LedgerError,
    intent::{Changes, Create, Cursor, Ownership, Present, PresentedSession, Revoke, Swept},
    receipt::Receipt,
    trace::{self, Journey},
};
use handfast_core::{
    session::{Acknowledged, ConnectionId, Generation, Pushed, Session, SessionId, SessionRecord},
    time::{Moment, Timestamp},
};
use tokio::sync::oneshot;
use tracing::Span;

/// An intent `I` whose answer is a `T`.
pub(crate) struct Ask<I, T> {
    pub(crate) intent: I,
    /// Kept back until the batch is committed.
    pub(crate) answer: Option<Result<T, LedgerError>>,
    /// How far it is, where somebody follows it. It ends before the answer leaves.
    journey: Journey,
    reply: oneshot::Sender<Result<T, LedgerError>>,
}

/// The heartbeat's wish to push.
pub(crate) struct Push {
    pub(crate) session: SessionId,
    pub(crate) connection: ConnectionId,
}

/// A client's word that it stored a pushed token.
pub(crate) struct Acknowledge {
    pub(crate) session: SessionId,
    pub(crate) generation: Generation,
    pub(crate) connection: ConnectionId,
}

/// Has a whole batch enter another stage of its way, where anybody follows any.
pub(crate) fn go_on(batch: &mut [Entry], next: impl Fn(&Span) -> Span) {
    if trace::is_on() {
        for entry in batch {
            entry.go_on(&next);
        }
    }
}

/// Any intent.
pub(crate) enum Entry {
    Create(Ask<Create, SessionRecord>),
    Present(Ask<Present, PresentedSession>),
    Push(Ask<Push, (Pushed, Option<SessionRecord>)>),
    Acknowledge(Ask<Acknowledge, Acknowledged>),
    Revoke(Ask<Revoke, Vec<SessionId>>),
    Examine(Ask<Vec<Ownership>, Vec<Ownership>>),
    List(Ask<Box<str>, Vec<Session>>),
    Session(Ask<SessionId, Option<Session>>),
    ChangesSince(Ask<Cursor, Changes>),
    Sweep(Ask<Timestamp, Swept>),
    Check(Ask<(), ()>),
}

impl<I, T> Ask<I, T> {
    pub(crate) fn new(intent: I) -> (Self, Receipt<T>) {
        let (reply, answer) = oneshot::channel();
        let ask = Self {
            intent,
            answer: None,
            journey: trace::intent(),
            reply,
        };
        (ask, Receipt::new(answer))
    }

    /// Answers with what `decide` makes of the intent, if it is not settled already.
    pub(crate) fn decide<'b>(&'b mut self, decide: impl FnOnce(&'b I) -> Result<T, LedgerError>) {
        let Self { intent, answer, .. } = self;
        if answer.is_none() {
            *answer = Some(decide(intent));
        }
    }

    /// Withdraws it if nobody waits for the answer any more, or `too_late` says so.
    fn withdraw_if(&mut self, too_late: bool) {
        if too_late || self.reply.is_closed() {
            self.answer = Some(Err(LedgerError::DeadlinePassed));
        }
    }

    fn is_withdrawn(&self) -> bool {
        matches!(self.answer, Some(Err(LedgerError::DeadlinePassed)))
    }

    fn reply(self, failure: Option<&LedgerError>) {
        let answer = match failure {
            Some(failure) => Err(failure.clone()),
            None => self.answer.unwrap_or(Err(LedgerError::Stopped)),
        };
        drop(self.journey);
        // Whoever dropped the receipt does not want to know.
        drop(self.reply.send(answer));
    }
}

impl Entry {
    /// Whether it may change what is stored, so that its batch needs the write lock.
    pub(crate) fn writes(&self) -> bool {
        match self {
            Self::Create(_)
            | Self::Present(_)
            | Self::Push(_)
            | Self::Acknowledge(_)
            | Self::Revoke(_)
            | Self::Sweep(_)
            | Self::Check(_) => true,
            Self::Examine(_) | Self::List(_) | Self::Session(_) | Self::ChangesSince(_) => false,
        }
    }

    /// Whether it asks for nothing but a proof that something can be written.
    pub(crate) fn is_check(&self) -> bool {
        matches!(self, Self::Check(_))
    }

    /// Whether it is not to be applied any more.
    pub(crate) fn is_withdrawn(&self) -> bool {
        match self {
            Self::Create(ask) => ask.is_withdrawn(),
            Self::Present(ask) => ask.is_withdrawn(),
            Self::Push(_)
            | Self::Acknowledge(_)
            | Self::Revoke(_)
            | Self::Examine(_)
            | Self::List(_)
            | Self::Session(_)
            | Self::ChangesSince(_)
            | Self::Sweep(_)
            | Self::Check(_) => false,
        }
    }

    /// Enters another stage of its way.
    pub(crate) fn go_on(&mut self, next: impl FnOnce(&Span) -> Span) {
        match self {
            Self::Create(ask) => ask.journey.go_on(next),
            Self::Present(ask) => ask.journey.go_on(next),
            Self::Push(ask) => ask.journey.go_on(next),
            Self::Acknowledge(ask) => ask.journey.go_on(next),
            Self::Revoke(ask) => ask.journey.go_on(next),
            Self::Examine(ask) => ask.journey.go_on(next),
            Self::List(ask) => ask.journey.go_on(next),
            Self::Session(ask) => ask.journey.go_on(next),
            Self::ChangesSince(ask) => ask.journey.go_on(next),
            Self::Sweep(ask) => ask.journey.go_on(next),
            Self::Check(ask) => ask.journey.go_on(next),
        }
    }

    /// Forgets an answer that was kept back, because its batch failed and is tried again.
    pub(crate) fn reset(&mut self) {
        match self {
            Self::Create(ask) => ask.answer = None,
            Self::Present(ask) => ask.answer = None,
            Self::Push(ask) => ask.answer = None,
            Self::Acknowledge(ask) => ask.answer = None,
            Self::Revoke(ask) => ask.answer = None,
            Self::Examine(ask) => ask.answer = None,
            Self::List(ask) => ask.answer = None,
            Self::Session(ask) => ask.answer = None,
            Self::ChangesSince(ask) => ask.answer = None,
            Self::Sweep(ask) => ask.answer = None,
            Self::Check(ask) => ask.answer = None,
        }
    }

    /// Withdraws a login that nobody waits for, or a presentation that nobody waits for or whose deadline has passed
    /// at `now`.
    pub(crate) fn withdraw(&mut self, now: Moment) {
        match self {
            Self::Create(ask) => ask.withdraw_if(false),
            Self::Present(ask) => ask.withdraw_if(ask.intent.deadline <= now),
            Self::Push(_)
            | Self::Acknowledge(_)
            | Self::Revoke(_)
            | Self::Examine(_)
            | Self::List(_)
            | Self::Session(_)
            | Self::ChangesSince(_)
            | Self::Sweep(_)
            | Self::Check(_) => {}
        }
    }

    /// Lets the answer go: the one that was kept back, or `failure` where the whole batch failed.
    pub(crate) fn reply(self, failure: Option<&LedgerError>) {
        match self {
            Self::Create(ask) => ask.reply(failure),
            Self::Present(ask) => ask.reply(failure),
            Self::Push(ask) => ask.reply(failure),
            Self::Acknowledge(ask) => ask.reply(failure),
            Self::Revoke(ask) => ask.reply(failure),
            Self::Examine(ask) => ask.reply(failure),
            Self::List(ask) => ask.reply(failure),
            Self::Session(ask) => ask.reply(failure),
            Self::ChangesSince(ask) => ask.reply(failure),
            Self::Sweep(ask) => ask.reply(failure),
            Self::Check(ask) => ask.reply(failure),
        }
    }
}
