//! Several nodes on one ledger.

use crate::{
    client::{Client, closed},
    node::{Node, Plan},
};
use handfast::{
    Builder, SessionId, Settings, TokenPolicy,
    clock::SystemClock,
    credentials::{AccountCredentials, Credentials, PasswordSettings},
    fanout::{Fanout, InProcess},
    keys::{Algorithm, KeyRing, LiveKeys},
    password::HashCost,
};
use handfast_core::{
    session::{AttemptHash, ConnectionId, Evidence, Generation, Presentation, RevocationReason},
    time::{Clock, Moment, Now, Timestamp},
};
use handfast_ledger::{
    self as ledger, Change, Ledger, Memory, Present, Revoke, Scope, accounts::MemoryAccounts,
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

/// So long that no test lives to see the timer.
const NEVER: Duration = Duration::from_secs(60 * 60);
/// So short that no test waits for it.
const SOON: Duration = Duration::from_millis(100);

/// What the nodes share.
struct Cluster {
    memory: Memory,
    credentials: Arc<dyn Credentials>,
    keys: Arc<LiveKeys>,
    medium: InProcess,
}

impl Cluster {
    fn new() -> Self {
        let clock = Arc::new(SystemClock::start());
        let ring = KeyRing::ephemeral(Algorithm::Hs256, clock.now().unix);
        let passwords = PasswordSettings {
            cost: HashCost {
                memory_kib: 8,
                iterations: 1,
                parallelism: 1,
            },
            ..PasswordSettings::default()
        };
        let accounts = AccountCredentials::start(Arc::new(MemoryAccounts::new()), passwords, clock);
        Self {
            memory: Memory::new(),
            credentials: Arc::new(accounts.unwrap()),
            keys: Arc::new(LiveKeys::new(ring)),
            medium: InProcess::new(),
        }
    }

    /// A node that is told of the others.
    fn node(&self, heartbeat: Duration) -> Node {
        let builder = self.builder().fanout(Fanout::over(self.medium.clone()));
        let node = plan(heartbeat).start_on(builder);
        node.until_connected(true);
        node
    }

    /// A node that is told nothing.
    fn deaf_node(&self, heartbeat: Duration) -> Node {
        plan(heartbeat).start_on(self.builder())
    }

    fn builder(&self) -> Builder {
        Builder::new(
            self.memory.clone(),
            Arc::clone(&self.credentials),
            Arc::clone(&self.keys),
        )
    }

    /// A tool on the ledger that tells nobody what it does.
    fn tool(&self, clock: impl Clock + 'static) -> Ledger {
        let policy = TokenPolicy {
            lifetime: Duration::from_secs(1_000),
            session_lifetime: Duration::from_secs(1_000),
            roll_forward: false,
        };
        let settings = ledger::Settings { policy };
        Ledger::start(self.memory.clone(), settings, Arc::new(clock), Arc::new(())).unwrap()
    }
}

fn plan(heartbeat: Duration) -> Plan {
    Plan::with(|settings: &mut Settings| {
        settings.connection.heartbeat_interval = heartbeat;
        settings.connection.heartbeat_timeout = Duration::from_secs(20);
        settings.connection.refresh_after = Duration::from_secs(24 * 60 * 60);
    })
}

fn session_of(login: &Value) -> SessionId {
    SessionId::parse(login["session"].as_str().unwrap()).unwrap()
}

fn owner_of(node: &Node, session: SessionId) -> ConnectionId {
    let found = node.handfast.ledger().session(session).wait().unwrap();
    found.unwrap().record.owner.unwrap()
}

fn revoke(session: SessionId) -> Revoke {
    Revoke {
        scope: Scope::Session {
            session,
            subject: None,
        },
        reason: RevocationReason::Admin,
        by: None,
        address: None,
    }
}

/// Somebody else's connection.
const STRANGER: ConnectionId = ConnectionId {
    node: 77,
    number: 77,
};

fn is_alive(client: &mut Client) {
    assert_eq!(client.ask(&json!({"type": "Sessions"}))["type"], "Sessions");
}

#[test]
fn a_session_that_is_revoked_on_one_node_closes_at_once_on_another() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(NEVER), cluster.node(NEVER));
    let (mut here, mut phone, mut tablet) = (one.plain(), two.plain(), two.plain());
    here.login("ada");
    let on_phone = phone.login("ada");
    tablet.login("ada");
    let revoked = here.ask(&json!({"type": "Revoke", "session": on_phone["session"]}));
    assert_eq!(revoked["type"], "Revoked");
    assert_eq!(phone.closed(), closed(4403, "logout"));
    is_alive(&mut tablet);
    is_alive(&mut here);
}

#[test]
fn a_logout_everywhere_closes_at_once_on_every_node() {
    let cluster = Cluster::new();
    let nodes = [(); 3].map(|()| cluster.node(NEVER));
    let mut clients = nodes.each_ref().map(Node::plain);
    for client in &mut clients {
        client.login("ada");
    }
    let [here, phone, tablet] = &mut clients;
    let logout = json!({"type": "Logout", "everywhere": true});
    assert_eq!(here.ask(&logout)["type"], "LoggedOut");
    assert_eq!(phone.closed(), closed(4403, "logout"));
    assert_eq!(tablet.closed(), closed(4403, "logout"));
}

#[test]
fn a_session_that_is_taken_over_on_another_node_closes_at_once_where_it_was() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(NEVER), cluster.node(NEVER));
    let (mut before, mut after) = (one.plain(), two.plain());
    let login = before.login("ada");
    let resumed = after.attempt(&login["token"], "an attempt key of ada");
    assert_eq!(resumed["type"], "Success");
    assert_eq!(before.closed(), closed(4409, "superseded"));
    let back = one
        .plain()
        .attempt(&resumed["token"], "the next attempt key");
    assert_eq!(back["type"], "Success");
    assert_eq!(after.closed(), closed(4409, "superseded"));
}

#[test]
fn without_fan_out_the_timer_closes_what_was_revoked_or_taken_over() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(SOON), cluster.deaf_node(SOON));
    cluster.medium.cut();
    let (mut here, mut phone, mut tablet) = (one.plain(), two.plain(), two.plain());
    here.login("ada");
    let on_phone = phone.login("ada");
    let on_tablet = tablet.login("ada");
    here.ask(&json!({"type": "Revoke", "session": on_phone["session"]}));
    assert_eq!(phone.closed(), closed(4403, "logout"));
    let mut elsewhere = one.plain();
    elsewhere.attempt(&on_tablet["token"], "an attempt key of ada");
    assert_eq!(tablet.closed(), closed(4409, "superseded"));
    is_alive(&mut elsewhere);
}

#[test]
fn what_a_node_missed_while_fan_out_was_cut_it_finds_as_soon_as_it_is_back() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.node(NEVER), cluster.node(NEVER));
    let (mut here, mut phone) = (one.plain(), two.plain());
    here.login("ada");
    let on_phone = phone.login("ada");
    cluster.medium.cut();
    two.until_connected(false);
    cluster
        .tool(SystemClock::start())
        .revoke(revoke(session_of(&on_phone)))
        .wait()
        .unwrap();
    cluster.medium.restore();
    assert_eq!(phone.closed(), closed(4403, "admin"));
    is_alive(&mut here);
}

#[test]
fn a_message_that_is_not_true_closes_nobody() {
    let cluster = Cluster::new();
    let node = cluster.node(NEVER);
    let (mut ada, mut eve, mut bob) = (node.plain(), node.plain(), node.plain());
    let sessions = [&mut ada, &mut eve, &mut bob].map(|client| session_of(&client.login("ada")));
    let [of_ada, of_eve, of_bob] = sessions;
    let forged = |session, reason: Option<RevocationReason>| {
        let owner = owner_of(&node, session);
        Change {
            session,
            owner: Some(if reason.is_some() { owner } else { STRANGER }),
            former_owner: Some(owner).filter(|_| reason.is_none()),
            revoked: reason,
            by: Some(STRANGER),
        }
    };
    let admin = Some(RevocationReason::Admin);
    // Only the last of these is true.
    let messages = [
        forged(of_ada, None),
        forged(of_eve, admin),
        forged(of_bob, admin),
    ];
    let tool = cluster.tool(SystemClock::start());
    tool.revoke(revoke(of_bob)).wait().unwrap();
    let (rogue, _inbox) =
        node.block_on(async { Fanout::over(cluster.medium.clone()).join(13, |_| 0) });
    node.block_on(rogue.until_connected(true));
    rogue.publish(&messages);
    assert_eq!(bob.closed(), closed(4403, "admin"));
    is_alive(&mut ada);
    is_alive(&mut eve);
}

#[test]
fn where_the_log_was_swept_before_it_was_read_every_connection_is_looked_at() {
    /// A hundred seconds from now.
    struct Ahead(SystemClock);
    impl Clock for Ahead {
        fn now(&self) -> Now {
            let now = self.0.now();
            let unix = Timestamp::from_unix(now.unix.as_unix() + 100);
            Now { unix, ..now }
        }
    }

    let cluster = Cluster::new();
    let node = cluster.node(NEVER);
    let (mut ada, mut eve) = (node.plain(), node.plain());
    let session = session_of(&ada.login("ada"));
    eve.login("eve");
    cluster.medium.cut();
    node.until_connected(false);
    let tool = cluster.tool(SystemClock::start());
    // Of the log, the last line is always kept.
    for number in 0..2 {
        let presentation = Presentation {
            generation: Generation::FIRST,
            evidence: Evidence::Attempt(AttemptHash::of("an attempt key")),
            connection: ConnectionId { number, ..STRANGER },
        };
        let present = Present {
            session,
            presentation,
            origin: None,
            deadline: Moment::from_millis(u64::MAX),
        };
        tool.present(present).wait().unwrap();
    }
    let ahead = Ahead(SystemClock::start());
    let now = ahead.now().unix;
    cluster.tool(ahead).sweep(now).wait().unwrap();
    cluster.medium.restore();
    assert_eq!(ada.closed(), closed(4409, "superseded"));
    is_alive(&mut eve);
}
