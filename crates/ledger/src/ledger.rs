//! The handle to a ledger.

use crate::{
    backend::Backend,
    conclude::{self, Concluder},
    counts::{Counts, Tally},
    entry::{Acknowledge, Ask, Entry, Push},
    error::{LedgerError, StorageError, StorageFault},
    intent::{
        Change, Changes, Create, Cursor, Ended, Ownership, Present, PresentedSession, Revoke, Swept,
    },
    queue::Queue,
    receipt::Receipt,
    worker::{Policy, Worker},
};
use handfast_core::{
    session::{
        Acknowledged, ConnectionId, Generation, Pushed, Session, SessionId, SessionRecord,
        TokenPolicy,
    },
    time::{Clock, Timestamp},
};
use std::{
    fmt,
    sync::Arc,
    thread::{self, JoinHandle},
};

/// The most intents that may wait. One more is answered [`LedgerError::Overloaded`] at once.
pub const QUEUE_ENTRIES: usize = 16_384;
/// The most intents that become one transaction.
pub const BATCH_ENTRIES: usize = 512;
/// The most sessions that one [`Ledger::list`] gives.
pub const LIST_SESSIONS: usize = 1_000;
/// About the most changes that one [`Ledger::changes_since`] gives.
pub const CHANGES_ENTRIES: usize = 4_096;
/// How many ownerships one [`Ledger::examine`] should look at.
pub const EXAMINE_OWNERSHIPS: usize = 512;
/// The most sessions that one [`Ledger::sweep`] looks at.
pub const SWEEP_SESSIONS: usize = 1_024;

/// What a ledger is started with.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How long tokens and sessions live.
    pub policy: TokenPolicy,
}

/// Who is told what was committed: the hub, which closes connections that lost their session.
pub trait Observer: Send + Sync + 'static {
    /// These changes are durable, from now on or, where [`Ledger::examine`] asked for them, from before. Called on a
    /// thread of the ledger's own before the answers, with at least one change; what it does delays every answer.
    fn committed(&self, changes: &[Change]);

    /// This ledger ended a session, durably. It is told once over all ledgers on one database: by the one that decided
    /// it, as [`Self::committed`] is called.
    fn ended(&self, ended: &Ended) {
        let _ = ended;
    }
}

/// For who does not want to know, such as a program that only looks.
impl Observer for () {
    fn committed(&self, _: &[Change]) {}
}

/// A handle to a ledger; clones share it. Intents may come from any thread, inside or outside of an executor.
///
/// When the last handle is dropped, what waits is still applied; the drop blocks until then.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    tally: Arc<Tally>,
    policy: Arc<Policy>,
    threads: Vec<JoinHandle<()>>,
}

impl Ledger {
    /// Starts the thread that owns `backend` from now on, and the one that answers.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] if a thread cannot be started.
    pub fn start(
        backend: impl Backend,
        settings: Settings,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, LedgerError> {
        let queue = Arc::new(Queue::new(QUEUE_ENTRIES));
        let tally = Arc::new(Tally::default());
        let (applied, to_conclude) = conclude::channel();
        let concluder = Concluder {
            observer,
            clock: Arc::clone(&clock),
            queue: Arc::clone(&queue),
            tally: Arc::clone(&tally),
        };
        let policy = Arc::new(Policy::new(settings.policy));
        let worker = Worker {
            backend,
            policy: Arc::clone(&policy),
            clock,
            applied,
            queue: Arc::clone(&queue),
            tally: Arc::clone(&tally),
            failing: false,
        };
        // Where the second cannot be started, the first ends because nothing comes.
        let concluder = spawn("ledger-answers", move || concluder.run(to_conclude))?;
        let worker = spawn("ledger", move || worker.run())?;
        Ok(Self::of(queue, tally, policy, vec![worker, concluder]))
    }

    /// The handle to what `threads` apply.
    pub(crate) fn of(
        queue: Arc<Queue>,
        tally: Arc<Tally>,
        policy: Arc<Policy>,
        threads: Vec<JoinHandle<()>>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue,
                tally,
                policy,
                threads,
            }),
        }
    }

    /// Makes a session: generation 0, issued and confirmed.
    pub fn create(&self, create: Create) -> Receipt<SessionRecord> {
        self.submit(create, Entry::Create)
    }

    /// Applies the session rule to a presented token. A session that does not exist answers
    /// [`Presented::Refused`] with [`Refusal::Unknown`].
    ///
    /// [`Presented::Refused`]: handfast_core::session::Presented::Refused
    /// [`Refusal::Unknown`]: handfast_core::session::Refusal::Unknown
    pub fn present(&self, present: Present) -> Receipt<PresentedSession> {
        self.submit(present, Entry::Present)
    }

    /// Issues the next generation to the owner, unasked. A session that does not exist answers [`Pushed::Ended`] and no
    /// record.
    pub fn push(
        &self,
        session: SessionId,
        connection: ConnectionId,
    ) -> Receipt<(Pushed, Option<SessionRecord>)> {
        let push = Push {
            session,
            connection,
        };
        self.submit(push, Entry::Push)
    }

    /// Takes the owner's word that it stored `generation`. It is applied whether or not the receipt is kept.
    pub fn acknowledge(
        &self,
        session: SessionId,
        generation: Generation,
        connection: ConnectionId,
    ) -> Receipt<Acknowledged> {
        let acknowledge = Acknowledge {
            session,
            generation,
            connection,
        };
        self.submit(acknowledge, Entry::Acknowledge)
    }

    /// Ends sessions for good, and answers which ones it ended: those that had been revoked before are not among them.
    pub fn revoke(&self, revoke: Revoke) -> Receipt<Vec<SessionId>> {
        self.submit(revoke, Entry::Revoke)
    }

    /// The live sessions of a subject, newest seen first, at most [`LIST_SESSIONS`] of them.
    pub fn list(&self, subject: impl Into<Box<str>>) -> Receipt<Vec<Session>> {
        self.submit(subject.into(), Entry::List)
    }

    /// One session, whether it is live or has ended.
    pub fn session(&self, session: SessionId) -> Receipt<Option<Session>> {
        self.submit(session, Entry::Session)
    }

    /// What changed behind `cursor`, whoever changed it: about [`CHANGES_ENTRIES`] changes at a time.
    pub fn changes_since(&self, cursor: Cursor) -> Receipt<Changes> {
        self.submit(cursor, Entry::ChangesSince)
    }

    /// Looks whether these connections still own these sessions, and tells the observer of each that does not, as if
    /// that had changed just now. So what somebody else says of a connection is taken for no more than a question.
    ///
    /// The observer hears of it in the order in which the ledger decides: if the connection takes the session back in
    /// the meantime, that is told after it. Those of sessions that do not exist are answered, and nobody is told of them:
    /// such a session may be about to be made, or be long forgotten. Ask about no more than [`EXAMINE_OWNERSHIPS`] at a
    /// time, so that nobody else is delayed for long.
    pub fn examine(&self, ownerships: Vec<Ownership>) -> Receipt<Vec<Ownership>> {
        self.submit(ownerships, Entry::Examine)
    }

    /// Removes sessions that ended before `before`, and what the log of changes holds from before it. It looks at
    /// [`SWEEP_SESSIONS`] sessions at most and goes on with the next ones at the next call, so that it never delays
    /// others for long.
    pub fn sweep(&self, before: Timestamp) -> Receipt<Swept> {
        self.submit(before, Entry::Sweep)
    }

    /// Proves that intents are still taken and that what is written can be committed.
    pub fn check(&self) -> Receipt<()> {
        self.submit((), Entry::Check)
    }

    /// Decides by another policy from the next transaction on. Tokens and sessions that are there keep their times.
    pub fn set_policy(&self, policy: TokenPolicy) {
        self.shared.policy.set(policy);
    }

    /// What this ledger did since its start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.tally.counts()
    }

    fn submit<I, T>(&self, intent: I, entry: impl FnOnce(Ask<I, T>) -> Entry) -> Receipt<T> {
        let (ask, receipt) = Ask::new(intent);
        if let Err(LedgerError::Overloaded) = self.shared.queue.push(entry(ask)) {
            self.shared.tally.overloaded.add(1);
        }
        receipt
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue.close();
        // The last handle may be the observer's own, which one of the threads drops at its end.
        let current = thread::current().id();
        if self
            .threads
            .iter()
            .any(|thread| thread.thread().id() == current)
        {
            return;
        }
        for thread in self.threads.drain(..) {
            // A panic was reported where it happened, and by every receipt since.
            drop(thread.join());
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, LedgerError> {
    let spawned = thread::Builder::new().name(name.into()).spawn(run);
    spawned.map_err(|cause| LedgerError::Unavailable(StorageError::new(StorageFault::Other, cause)))
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}
