//! A ledger on the work bench: its clock stands still, and its worker can be held.

use super::{
    Fixture,
    gate::{Gate, Held},
};
use crate::{
    Backend, Change, Create, Cursor, Ended, Ledger, LedgerError, Observer, Origin, Present,
    PresentedSession, Receipt, Revoke, Scope, Settings,
};
use handfast_core::{
    session::{
        AttemptHash, ConnectionId, Evidence, Generation, Presentation, Presented, RevocationReason,
        SessionId, SessionRecord, Thumbprint, TokenPolicy,
    },
    time::{Clock, Moment, Now, Timestamp},
};
use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

/// A ledger with its clock and its observer.
#[derive(Debug)]
pub struct Bench<F> {
    /// Where it is stored.
    pub fixture: F,
    /// The ledger.
    pub ledger: Ledger,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// What it told its observer.
    pub recorder: Arc<Recorder>,
}

/// A clock that shows what it is set to, and can hold whoever reads it.
#[derive(Debug)]
pub struct ManualClock {
    moment_ms: AtomicU64,
    unix: AtomicU64,
    gate: Gate,
}

/// An observer that notes everything, and can hold whoever tells it.
#[derive(Debug, Default)]
pub struct Recorder {
    changes: Mutex<Vec<Change>>,
    ended: Mutex<Vec<Ended>>,
    gate: Gate,
}

impl<F: Fixture> Bench<F> {
    /// An empty ledger.
    #[must_use]
    pub fn new() -> Self {
        Self::on(F::empty())
    }

    /// The ledger in `fixture`.
    #[must_use]
    pub fn on(fixture: F) -> Self {
        let backend = fixture.open();
        Self::with(fixture, backend, policy())
    }

    /// The ledger in `fixture`, through `backend` and with this policy.
    pub fn with(fixture: F, backend: impl Backend, policy: TokenPolicy) -> Self {
        let clock = Arc::new(ManualClock::new());
        let recorder = Arc::new(Recorder::default());
        let ledger = observed(backend, policy, &clock, &recorder);
        Self {
            fixture,
            ledger,
            clock,
            recorder,
        }
    }

    /// A second ledger on the same storage, by the same clock, with an observer of its own.
    #[must_use]
    pub fn beside(&self) -> (Ledger, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::default());
        let backend = self.fixture.open_beside();
        let ledger = observed(backend, policy(), &self.clock, &recorder);
        (ledger, recorder)
    }

    /// Ends the ledger and opens its storage again.
    #[must_use]
    pub fn reopened(self) -> Self {
        let Self {
            fixture,
            ledger,
            clock,
            ..
        } = self;
        drop(ledger);
        let reopened = Self::on(fixture);
        reopened.clock.set(clock.now());
        reopened
    }

    /// Makes session `number`, owned by connection `number`, for subject `alice`.
    pub fn login(&self, number: u64) -> SessionRecord {
        self.ledger.create(create(number, "alice")).wait().unwrap()
    }

    /// Presents a token of session `number` and waits.
    pub fn present(
        &self,
        number: u64,
        generation: u64,
        evidence: Evidence,
        from: u64,
    ) -> Presented {
        let asked = self.ask(number, generation, evidence, from);
        asked.wait().unwrap().presented
    }

    /// Presents a token of session `number`.
    pub fn ask(
        &self,
        number: u64,
        generation: u64,
        evidence: Evidence,
        from: u64,
    ) -> Receipt<PresentedSession> {
        self.ledger
            .present(present(number, generation, evidence, from))
    }

    /// Revokes session `number` as an operator does.
    pub fn revoke(&self, number: u64) -> Result<Vec<SessionId>, LedgerError> {
        self.ledger.revoke(revoke(number)).wait()
    }

    /// The record of session `number` as it is stored.
    pub fn record(&self, number: u64) -> SessionRecord {
        let found = self.ledger.session(session(number)).wait().unwrap();
        found.unwrap().record
    }

    /// Holds the worker, so that what is asked from now on comes together in as few transactions as there can be.
    pub fn hold(&self) -> Held {
        let closing = self.clock.gate.close();
        // A question that keeps no other ledger on the same storage from anything.
        drop(self.ledger.session(session(0)));
        closing.entered()
    }

    /// Holds the worker when it has read, and where it can locked, what is asked for.
    pub fn hold_deciding<T>(&self, ask: impl FnOnce(&Ledger) -> Receipt<T>) -> (Held, Receipt<T>) {
        let closing = self.clock.gate.close();
        let receipt = ask(&self.ledger);
        (closing.entered(), receipt)
    }

    /// Holds the ledger just when it tells the observer of the change that is asked for.
    pub fn hold_at<T>(&self, ask: impl FnOnce(&Ledger) -> Receipt<T>) -> (Held, Receipt<T>) {
        let closing = self.recorder.gate.close();
        let receipt = ask(&self.ledger);
        (closing.entered(), receipt)
    }

    /// Everything in the log of changes.
    pub fn log(&self) -> Vec<Change> {
        let mut log = Vec::new();
        let mut cursor = Cursor(0);
        loop {
            let read = self.ledger.changes_since(cursor).wait().unwrap();
            assert!(read.complete);
            log.extend(read.changes);
            cursor = read.cursor;
            if !read.more {
                return log;
            }
        }
    }
}

impl<F: Fixture> Default for Bench<F> {
    fn default() -> Self {
        Self::new()
    }
}

/// A ledger on `backend` whose clock stands still and which nobody observes.
pub fn start(backend: impl Backend) -> Ledger {
    let clock = Arc::new(ManualClock::new());
    observed(backend, policy(), &clock, &Arc::default())
}

/// Starts a ledger for a bench.
fn observed(
    backend: impl Backend,
    policy: TokenPolicy,
    clock: &Arc<ManualClock>,
    recorder: &Arc<Recorder>,
) -> Ledger {
    let clock: Arc<ManualClock> = Arc::clone(clock);
    let recorder: Arc<Recorder> = Arc::clone(recorder);
    Ledger::start(backend, Settings { policy }, clock, recorder).unwrap()
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl ManualClock {
    /// A clock that shows a day in June 2025.
    #[must_use]
    pub fn new() -> Self {
        Self {
            moment_ms: AtomicU64::new(1_000),
            unix: AtomicU64::new(1_750_000_000),
            gate: Gate::default(),
        }
    }

    /// Lets both clocks go on.
    pub fn advance(&self, span: Duration) {
        let span_ms = u64::try_from(span.as_millis()).unwrap();
        self.moment_ms.fetch_add(span_ms, Ordering::SeqCst);
        self.unix.fetch_add(span.as_secs(), Ordering::SeqCst);
    }

    fn set(&self, now: Now) {
        self.moment_ms
            .store(now.moment.as_millis(), Ordering::SeqCst);
        self.unix.store(now.unix.as_unix(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    /// Nothing is decided by it, so nobody is held who only measures.
    fn micros(&self) -> u64 {
        self.moment_ms.load(Ordering::SeqCst).saturating_mul(1_000)
    }

    fn now(&self) -> Now {
        self.gate.pass();
        Now {
            moment: Moment::from_millis(self.moment_ms.load(Ordering::SeqCst)),
            unix: Timestamp::from_unix(self.unix.load(Ordering::SeqCst)),
        }
    }
}

impl Recorder {
    /// What was reported since this was last asked.
    pub fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.changes.lock().unwrap())
    }

    /// The ends that were told since this was last asked.
    pub fn take_ended(&self) -> Vec<Ended> {
        std::mem::take(&mut *self.ended.lock().unwrap())
    }
}

impl Observer for Recorder {
    fn committed(&self, changes: &[Change]) {
        self.changes.lock().unwrap().extend(changes);
        self.gate.pass();
    }

    fn ended(&self, ended: &Ended) {
        self.ended.lock().unwrap().push(ended.clone());
    }
}

/// A week for a token, a month for a session.
#[must_use]
pub fn policy() -> TokenPolicy {
    TokenPolicy {
        lifetime: Duration::from_secs(7 * 86_400),
        session_lifetime: Duration::from_secs(30 * 86_400),
        roll_forward: false,
    }
}

/// The name of session `number`. The numbers' order is not the names' order.
#[must_use]
pub fn session(number: u64) -> SessionId {
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let name = u128::from(scattered) << 64 | u128::from(number);
    SessionId::from_bytes(name.to_be_bytes())
}

/// The name of connection `number`.
#[must_use]
pub fn connection(number: u64) -> ConnectionId {
    ConnectionId {
        node: 0xfeed_face_dead_beef,
        number,
    }
}

/// The evidence of attempt key `number`.
#[must_use]
pub fn attempt(number: u64) -> Evidence {
    Evidence::Attempt(AttemptHash::of(&format!("attempt key {number}")))
}

/// The key of a session that is bound to one.
pub const KEY: Thumbprint = Thumbprint([7; 32]);

/// A proof of [`KEY`].
pub const PROOF: Evidence = Evidence::Proof {
    key: KEY,
    attempt: None,
};

/// A login that makes session `number`, owned by connection `number`.
#[must_use]
pub fn create(number: u64, subject: &str) -> Create {
    Create {
        session: session(number),
        subject: subject.into(),
        origin: origin(number),
        owner: connection(number),
        key: None,
        sessions_max: None,
    }
}

/// An origin that tells `number`.
#[must_use]
pub fn origin(number: u64) -> Origin {
    Origin {
        address: format!("2001:db8::{:x}", number % 0xffff).into(),
        agent: format!("Browser {number}").into(),
    }
}

/// A presentation by connection `from`, which has all the time of the world.
#[must_use]
pub fn present(number: u64, generation: u64, evidence: Evidence, from: u64) -> Present {
    Present {
        session: session(number),
        presentation: Presentation {
            generation: Generation::new(generation).unwrap(),
            evidence,
            connection: connection(from),
        },
        origin: Some(origin(from)),
        deadline: Moment::from_millis(u64::MAX),
    }
}

/// An operator's revocation of session `number`.
#[must_use]
pub fn revoke(number: u64) -> Revoke {
    Revoke {
        scope: Scope::Session {
            session: session(number),
            subject: None,
        },
        reason: RevocationReason::Admin,
        by: None,
        address: None,
    }
}

/// The answer, if it is there by now.
pub fn answered<T>(receipt: &mut Receipt<T>) -> Poll<Result<T, LedgerError>> {
    pin!(receipt).poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits for all answers.
///
/// # Panics
/// If one of them is an error.
pub fn wait_for<T>(receipts: impl IntoIterator<Item = Receipt<T>>) -> Vec<T> {
    let answers = receipts.into_iter().map(|receipt| receipt.wait().unwrap());
    answers.collect()
}
