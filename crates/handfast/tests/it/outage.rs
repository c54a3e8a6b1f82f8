//! A ledger that fails, hangs, and comes back.

use crate::{
    application::listening,
    client::{Client, closed, password_change},
    node::{Node, Plan},
};
use handfast::{
    Builder, Frame, NotReady, Settings,
    clock::SystemClock,
    credentials::{AccountCredentials, PasswordSettings},
    keys::{Algorithm, KeyRing, LiveKeys},
    password::HashCost,
};
use handfast_core::{
    session::{AttemptHash, ConnectionId, Evidence, Presentation, RevocationReason, SessionId},
    time::{Clock, Now, Timestamp},
};
use handfast_ledger::{
    Access, Backend, Cursor, Ledger, LedgerError, Memory, MemoryTransaction, Present, Revoke,
    Scope, StorageError, StorageFault, accounts::MemoryAccounts,
};
use serde_json::{Value, json};
use std::{
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tungstenite::Message;

/// A ledger in memory that works, fails or hangs as the test says.
#[derive(Clone)]
struct Faulty {
    memory: Memory,
    shared: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    manner: Manner,
    /// How many transactions it has kept from beginning in this manner.
    kept: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Works,
    /// One more write, and then nothing.
    WritesOnceThen(&'static Self),
    Fails,
    Hangs,
}

impl Faulty {
    fn new() -> Self {
        let state = State {
            manner: Manner::Works,
            kept: 0,
        };
        Self {
            memory: Memory::new(),
            shared: Arc::new((Mutex::new(state), Condvar::new())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap()
    }

    fn set(&self, manner: Manner) {
        *self.state() = State { manner, kept: 0 };
        self.shared.1.notify_all();
    }

    /// Waits until so many transactions were kept from beginning.
    fn wait_until_kept(&self, enough: u64) {
        let few = |state: &mut State| state.kept < enough;
        drop(self.shared.1.wait_while(self.state(), few));
    }

    /// Another node on the same sessions, for which everything works.
    fn beside(&self, clock: &Arc<TestClock>) -> Ledger {
        let policy = Settings::default().tokens;
        let settings = handfast_ledger::Settings { policy };
        let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(clock);
        Ledger::start(self.memory.clone(), settings, clock, Arc::new(())).unwrap()
    }
}

impl Backend for Faulty {
    type Transaction<'a> = MemoryTransaction<'a>;

    fn begin(&mut self, access: Access) -> Result<MemoryTransaction<'_>, StorageError> {
        let mut state = self.state();
        if let Manner::Fails | Manner::Hangs = state.manner {
            state.kept += 1;
            self.shared.1.notify_all();
        }
        let hangs = |state: &mut State| state.manner == Manner::Hangs;
        let mut state = self.shared.1.wait_while(state, hangs).unwrap();
        match state.manner {
            Manner::Fails => {
                return Err(StorageError::new(StorageFault::Io, "the test says so"));
            }
            Manner::WritesOnceThen(next) if access == Access::Write => state.manner = *next,
            Manner::Works | Manner::Hangs | Manner::WritesOnceThen(_) => {}
        }
        drop(state);
        self.memory.begin(access)
    }
}

/// A clock that also moves when the test says so.
struct TestClock {
    system: SystemClock,
    ahead_ms: AtomicU64,
}

impl TestClock {
    fn start() -> Arc<Self> {
        Arc::new(Self {
            system: SystemClock::start(),
            ahead_ms: AtomicU64::new(0),
        })
    }

    fn advance(&self, by: Duration) {
        let by_ms = u64::try_from(by.as_millis()).unwrap();
        self.ahead_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Now {
        let ahead = Duration::from_millis(self.ahead_ms.load(Ordering::Relaxed));
        let now = self.system.now();
        Now {
            moment: now.moment.after(ahead),
            unix: now.unix.after(ahead),
        }
    }
}

/// A node on a ledger of which the test says how it works.
struct Bench {
    ledger: Faulty,
    clock: Arc<TestClock>,
    node: Node,
}

impl Bench {
    fn start(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of(Plan::with(change))
    }

    fn of(plan: Plan) -> Self {
        let ledger = Faulty::new();
        let clock = TestClock::start();
        let settings = PasswordSettings {
            cost: HashCost {
                memory_kib: 8,
                iterations: 1,
                parallelism: 1,
            },
            ..PasswordSettings::default()
        };
        let for_accounts: Arc<dyn Clock> = Arc::<TestClock>::clone(&clock);
        let accounts = Arc::new(MemoryAccounts::default());
        let credentials = AccountCredentials::start(accounts, settings, for_accounts).unwrap();
        let ring = KeyRing::ephemeral(Algorithm::Hs256, clock.now().unix);
        let keys = Arc::new(LiveKeys::new(ring));
        let builder =
            Builder::new(ledger.clone(), Arc::new(credentials), keys)
                .clock(Arc::<TestClock>::clone(&clock));
        let node = plan.start_on(builder);
        Self {
            ledger,
            clock,
            node,
        }
    }

    fn is_ready(&self) -> Result<(), NotReady> {
        self.node.block_on(self.node.handfast.ready())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // The node waits for its ledger.
        self.ledger.set(Manner::Works);
    }
}

/// Beats so fast that a test need not wait, and at each of them the token is due.
fn fast(settings: &mut Settings) {
    settings.connection.heartbeat_interval = Duration::from_millis(50);
    settings.connection.heartbeat_timeout = Duration::from_secs(20);
    settings.connection.refresh_after = Duration::ZERO;
}

const UNAVAILABLE: &str = r#"{"type":"Unavailable","retry_after":2}"#;

fn unavailable() -> Value {
    serde_json::from_str(UNAVAILABLE).unwrap()
}

fn ping(client: &mut Client) {
    client.send(&json!({"type": "Ping"}));
}

fn presentation(token: &Value, attempt: &str) -> Value {
    json!({"type": "RefreshToken", "token": token, "attempt": attempt})
}

fn session(answer: &Value) -> SessionId {
    SessionId::parse(answer["session"].as_str().unwrap()).unwrap()
}

#[test]
fn while_the_ledger_fails_nobody_gets_in_and_nobody_is_closed() {
    let bench = Bench::start(fast);
    let mut stranger = bench.node.v1();
    let mut client = bench.node.v1();
    let login = client.login("ada");
    bench.ledger.set(Manner::Fails);
    // Several beats that find the token due, and cannot push.
    bench.ledger.wait_until_kept(10);
    let credentials = json!({"type": "Login", "username": "eve", "password": "correct horse"});
    assert_eq!(stranger.ask(&credentials), unavailable());
    assert_eq!(
        stranger.attempt(&login["token"], "an attempt key of ada"),
        unavailable()
    );
    assert!(matches!(
        bench.is_ready(),
        Err(NotReady::Ledger(LedgerError::Unavailable(_)))
    ));

    bench.ledger.set(Manner::Works);
    let mut pushed = client.receive();
    while pushed["generation"] == 0 {
        pushed = client.receive();
    }
    assert_eq!(
        (&pushed["type"], &pushed["generation"]),
        (&json!("Success"), &json!(1))
    );
    assert!(bench.is_ready().is_ok());
    assert_eq!(
        stranger.ask(&credentials)["type"],
        "Success",
        "the account was made"
    );
}

#[test]
fn a_registration_that_the_ledger_kept_from_being_accepted_can_be_sent_again() {
    let bench = Bench::start(|_| {});
    let mut client = bench.node.v1();
    let register = json!({"type": "Register", "username": "eve", "password": "correct horse"});
    bench.ledger.set(Manner::Fails);
    assert_eq!(client.ask(&register), unavailable());
    bench.ledger.set(Manner::Works);
    assert_eq!(client.ask(&register)["type"], "Registered");
}

#[test]
fn a_changed_password_ends_the_other_sessions_also_if_the_ledger_fails_right_behind_it() {
    let bench = Bench::start(|_| {});
    let (mut here, mut phone) = (bench.node.v1(), bench.node.v1());
    here.login("ada");
    phone.login("ada");
    bench.ledger.set(Manner::WritesOnceThen(&Manner::Fails));
    here.send(&password_change());
    bench.ledger.wait_until_kept(1);
    bench.ledger.set(Manner::Works);
    assert_eq!(here.receive()["type"], "PasswordChanged");
    assert_eq!(phone.closed_at_last().reason, "password_changed");
}

#[test]
fn a_drain_waits_for_a_password_that_nobody_waits_for_any_more() {
    let bench = Bench::start(|_| {});
    let (mut here, mut phone) = (bench.node.v1(), bench.node.v1());
    here.login("ada");
    let of_phone = phone.login("ada");
    bench.ledger.set(Manner::Hangs);
    here.send(&password_change());
    bench.ledger.wait_until_kept(1);
    drop((here, phone));
    while bench.node.handfast.connections() > 0 {
        std::thread::yield_now();
    }
    let mut drain = pin!(bench.node.handfast.drain(Duration::ZERO));
    assert!(!bench.node.is_done(drain.as_mut()));
    assert!(bench.node.handfast.is_changing_accounts());
    bench.ledger.set(Manner::Works);
    assert_eq!(bench.node.block_on(drain), 0);
    assert!(!bench.node.handfast.is_changing_accounts());
    let token = of_phone["token"].as_str().unwrap();
    let active = bench.node.block_on(bench.node.handfast.introspect(token));
    assert!(
        active.unwrap().is_none(),
        "it was begun with the old password"
    );
}

/// Presents a token, and waits until the ledger has been asked about it.
fn ask_for(client: &mut Client, token: &Value, attempt: &str) {
    let none = presentation(&json!("none"), "an attempt key of nobody");
    client.send_at_once(&[none, presentation(token, attempt)]);
    assert_eq!(client.receive()["reason"], "malformed");
}

#[test]
fn whose_presentation_ended_its_session_can_log_in_though_another_had_taken_it_over() {
    let bench = Bench::start(|_| {});
    let (mut owner, mut thief) = (bench.node.v1(), bench.node.v1());
    let token = owner.login("ada")["token"].clone();
    bench.ledger.set(Manner::Hangs);
    ask_for(&mut thief, &token, "an attempt key of eve");
    ask_for(&mut owner, &token, "an attempt key of ada");
    bench.ledger.set(Manner::Works);
    assert_eq!(owner.receive()["reason"], "reused");
    assert_eq!(owner.login("ada")["type"], "Success");
}

#[test]
fn who_presents_again_and_again_hears_all_the_same_that_another_took_its_session_over() {
    let bench = Bench::start(|_| {});
    let (mut owner, mut other) = (bench.node.v1(), bench.node.v1());
    let token = owner.login("ada")["token"].clone();
    bench.ledger.set(Manner::Hangs);
    ask_for(&mut other, &token, "an attempt key of a tab");
    bench.ledger.wait_until_kept(1);
    ask_for(&mut owner, &token, "an attempt key of ada");
    bench.ledger.set(Manner::WritesOnceThen(&Manner::Hangs));
    assert_eq!(other.receive()["generation"], 1);
    bench.ledger.wait_until_kept(1);
    bench.clock.advance(Duration::from_secs(11));
    owner.send(&presentation(&token, "another attempt key of ada"));
    assert_eq!(owner.receive(), unavailable());
    assert_eq!(owner.closed(), closed(4409, "superseded"));
}

#[test]
fn a_ledger_that_hangs_makes_a_node_unready_and_is_asked_once() {
    let bench = Bench::start(|_| {});
    bench.ledger.set(Manner::Hangs);
    let ready = || async { bench.node.handfast.ready().await };
    let all = async { tokio::join!(ready(), ready(), ready()) };
    let (first, second, third) = bench.node.block_on(all);
    for answer in [first, second, third] {
        assert!(matches!(answer, Err(NotReady::Silent)), "{answer:?}");
    }
    assert_eq!(bench.ledger.state().kept, 1);
    bench.ledger.set(Manner::Works);
    assert!(bench.is_ready().is_ok());
}

#[test]
fn a_client_that_is_not_read_because_the_ledger_hangs_is_not_taken_for_silent() {
    let bench = Bench::start(|settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(50);
        settings.connection.heartbeat_timeout = Duration::from_millis(50);
    });
    let mut client = bench.node.v1();
    client.login("ada");
    bench.ledger.set(Manner::Hangs);
    client.send(&json!({"type": "Logout"}));
    ping(&mut client);
    bench.ledger.wait_until_kept(1);
    // Many beats later than its patience.
    let mut beats = 0;
    while beats < 10 {
        match client.socket.read().unwrap() {
            Message::Ping(_) => beats += 1,
            other => panic!("{other:?}"),
        }
    }
    bench.ledger.set(Manner::Works);
    assert_eq!(client.receive()["type"], "LoggedOut");
    assert_eq!(client.receive()["type"], "Pong");
}

#[test]
fn a_presentation_that_the_ledger_takes_too_long_for_is_not_applied() {
    let bench = Bench::start(|_| {});
    let token = bench.node.v1().login("ada")["token"].clone();
    let present = |attempt: &str| presentation(&token, attempt);

    // It is still with the ledger when its time is over.
    let mut client = bench.node.v1();
    bench.ledger.set(Manner::Hangs);
    client.send(&present("an attempt key of ada"));
    bench.ledger.wait_until_kept(1);
    bench.clock.advance(Duration::from_secs(11));
    ping(&mut client);
    assert_eq!(client.receive(), unavailable());
    assert_eq!(client.receive()["type"], "Pong");
    bench.ledger.set(Manner::Works);
    assert!(bench.is_ready().is_ok(), "the ledger is past it");

    // The ledger comes to it when its time is over.
    bench.ledger.set(Manner::Hangs);
    client.send(&present("an attempt key of ada"));
    bench.ledger.wait_until_kept(1);
    bench.clock.advance(Duration::from_secs(11));
    bench.ledger.set(Manner::Works);
    assert_eq!(client.receive(), unavailable());

    // Had one of them been applied, this one would be reuse.
    let answer = client.ask(&present("another attempt key"));
    assert_eq!(
        (&answer["type"], &answer["generation"]),
        (&json!("Success"), &json!(1))
    );
}

#[test]
fn a_token_expires_on_its_connection_whether_or_not_the_ledger_answers() {
    let bench = Bench::start(|_| {});
    let mut client = bench.node.v1();
    client.login("ada");
    bench.ledger.set(Manner::Fails);
    bench.clock.advance(Duration::from_secs(8 * 86_400));
    ping(&mut client);
    assert_eq!(client.receive()["type"], "Pong");
    let ended = json!({"type": "Ended", "reason": "expired"});
    assert_eq!(client.receive(), ended);
    assert_eq!(client.closed(), closed(4410, "expired"));
}

#[test]
fn what_was_revoked_during_an_outage_is_closed_after_it() {
    let bench = Bench::start(|settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(50);
        settings.connection.heartbeat_timeout = Duration::from_secs(20);
    });
    let (mut revoked, mut other) = (bench.node.v1(), bench.node.v1());
    let login = revoked.login("ada");
    other.login("eve");
    bench.ledger.set(Manner::Fails);
    let revoke = Revoke {
        scope: Scope::Session {
            session: session(&login),
            subject: None,
        },
        reason: RevocationReason::Admin,
        by: None,
        address: None,
    };
    bench
        .ledger
        .beside(&bench.clock)
        .revoke(revoke)
        .wait()
        .unwrap();
    bench.ledger.wait_until_kept(2);
    ping(&mut revoked);
    assert_eq!(revoked.receive()["type"], "Pong", "nobody can know yet");
    bench.ledger.set(Manner::Works);
    assert_eq!(
        revoked.receive(),
        json!({"type": "Ended", "reason": "admin"})
    );
    assert_eq!(revoked.closed(), closed(4403, "admin"));
    ping(&mut other);
    assert_eq!(other.receive()["type"], "Pong");
}

#[test]
fn after_an_outage_that_the_log_does_not_reach_back_over_every_session_is_looked_at() {
    let bench = Bench::start(|settings| {
        settings.connection.heartbeat_interval = Duration::from_millis(50);
        settings.connection.heartbeat_timeout = Duration::from_secs(20);
    });
    let (mut revoked, mut taken, mut other) = (bench.node.v1(), bench.node.v1(), bench.node.v1());
    let of_revoked = session(&revoked.login("ada"));
    let of_taken = session(&taken.login("ben"));
    other.login("eve");
    bench.ledger.set(Manner::Fails);
    bench.ledger.wait_until_kept(2);

    let clock = TestClock::start();
    let beside = bench.ledger.beside(&clock);
    let revoke = Revoke {
        scope: Scope::Session {
            session: of_revoked,
            subject: None,
        },
        reason: RevocationReason::Admin,
        by: None,
        address: None,
    };
    beside.revoke(revoke).wait().unwrap();
    beside.present(takeover(of_taken, &clock)).wait().unwrap();
    clock.advance(Duration::from_secs(2 * 86_400));
    let day_ago = Timestamp::from_unix(clock.now().unix.as_unix() - 86_400);
    beside.sweep(day_ago).wait().unwrap();
    assert!(beside.session(of_revoked).wait().unwrap().is_none());
    let log = beside.changes_since(Cursor(0)).wait().unwrap();
    assert!(!log.complete && log.changes.is_empty());

    bench.ledger.set(Manner::Works);
    assert_eq!(revoked.receive()["type"], "Ended");
    assert_eq!(revoked.closed(), closed(4410, "expired"));
    assert_eq!(taken.closed(), closed(4409, "superseded"));
    ping(&mut other);
    assert_eq!(other.receive()["type"], "Pong");
}

#[test]
fn a_drain_waits_for_what_the_ledger_decides_and_answers_it_before_it_closes() {
    let bench = Bench::start(|_| {});
    let token = bench.node.v1().login("ada")["token"].clone();
    let mut client = bench.node.v1();
    bench.ledger.set(Manner::Hangs);
    client
        .send(&json!({"type": "RefreshToken", "token": token, "attempt": "an attempt key of ada"}));
    bench.ledger.wait_until_kept(1);
    std::thread::scope(|scope| {
        let node = &bench.node;
        let drain = scope.spawn(|| node.block_on(node.handfast.drain(Duration::ZERO)));
        // Whoever comes now is told, so the others were.
        while node.v1().socket.read().unwrap().is_ping() {}
        bench.ledger.set(Manner::Works);
        assert_eq!(client.receive()["generation"], 1);
        assert_eq!(client.receive()["type"], "Closing");
        assert_eq!(client.closed(), closed(1001, "going_away"));
        drop(client);
        assert_eq!(drain.join().unwrap(), 0);
    });
}

/// A presentation of the first token of `session` on another node.
fn takeover(session: SessionId, clock: &TestClock) -> Present {
    Present {
        session,
        presentation: Presentation {
            generation: handfast_core::session::Generation::FIRST,
            evidence: Evidence::Attempt(AttemptHash::of("an attempt key of ben")),
            connection: ConnectionId { node: 1, number: 1 },
        },
        origin: None,
        deadline: clock.now().moment.after(Duration::from_secs(10)),
    }
}

#[test]
fn what_a_program_sends_behind_a_logout_is_not_sent_because_the_node_goes_away() {
    let (plan, sender) = listening();
    let bench = Bench::of(plan);
    let mut client = bench.node.v1();
    client.login("ada");
    client.ask(&json!({"type": "Sessions"}));
    let sender = sender.lock().unwrap().take().unwrap();
    bench.ledger.set(Manner::Hangs);
    client.send(&json!({"type": "Logout"}));
    bench.ledger.wait_until_kept(1);
    let mut drain = pin!(bench.node.handfast.drain(Duration::ZERO));
    bench.node.frozen(|| {
        assert!(!bench.node.is_done(drain.as_mut()));
        bench.ledger.set(Manner::Works);
        assert!(bench.is_ready().is_ok(), "the logout is decided");
        assert_eq!(sender.send(Frame::Text("too late".into())), Ok(()));
    });
    assert_eq!(client.receive()["type"], "LoggedOut");
    assert_eq!(client.receive()["type"], "Closing");
    assert_eq!(client.closed(), closed(1001, "going_away"));
}
