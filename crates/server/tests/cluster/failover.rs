//! A database that is lost, and its standby.

use crate::harness::{Asker, Node, Plan, Proxy, Way, present, until, variables};
use handfast_ledger::conformance::service::{DatabaseUrl, PostgresServer, Shutdown};
use serde_json::Value;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

const CLIENTS: usize = 6;
/// How many rotations the primary may do before it is killed.
const ROTATIONS_BEFORE: usize = 300;
/// How many rotations each client does on its successor.
const ROTATIONS_AFTER: usize = 10;
/// How many rotations of each client the standby never hears of.
const ROTATIONS_LOST: usize = 3;

/// A database, a standby that follows it, and two nodes that take whichever takes writes.
struct Pair {
    // Dropped before what they use.
    nodes: Vec<Node>,
    to_primary: Proxy,
    database: DatabaseUrl,
    primary: PostgresServer,
    standby: PostgresServer,
}

impl Pair {
    fn start() -> Self {
        let primary = PostgresServer::start();
        let database = primary.database();
        let to_primary = Proxy::to(primary.port());
        let standby = primary.standby_by("standby", to_primary.port());
        let hosts = [primary.port(), standby.port()].map(|port| format!("127.0.0.1:{port}"));
        let url = database.expose().replace(&hosts[0], &hosts.join(","));
        let start = |keys: Option<&Node>| {
            let keys = keys.map(Node::keys);
            Node::start(keys.as_deref(), variables(&Plan::default(), &url))
        };
        let one = start(None);
        let other = start(Some(&one));
        Self {
            nodes: vec![one, other],
            to_primary,
            database,
            primary,
            standby,
        }
    }

    /// From now on a commit waits for the standby.
    fn make_synchronous(&self) {
        let set = "ALTER SYSTEM SET synchronous_standby_names = 'standby'";
        self.database.query(set);
        self.database.query("SELECT pg_reload_conf()");
        until("the standby is synchronous", || {
            let state = "SELECT sync_state FROM pg_stat_replication";
            self.database.query(state) == "sync"
        });
    }

    /// Waits until the standby has all that there is.
    fn until_caught_up(&self) {
        let sql = "SELECT replay_lsn = pg_current_wal_lsn() FROM pg_stat_replication";
        until("the standby has caught up", || {
            self.database.query(sql) == "t"
        });
    }

    /// The primary is gone, and the standby is the new one.
    fn fail_over(&self) {
        self.primary.stop(Shutdown::Killed);
        let promoted = self.standby.url("postgres").query("SELECT pg_promote()");
        assert_eq!(promoted, "t");
    }

    /// Asks the new primary.
    fn query(&self, sql: &str) -> String {
        let name = self.database.expose().rsplit('/').next().unwrap();
        self.standby.url(name).query(sql)
    }
}

/// What an honest client has stored.
struct Stored {
    name: String,
    token: Value,
    generation: u64,
}

impl Stored {
    fn begin(node: &Node, number: usize) -> Self {
        let name = format!("client-{number}");
        let (_, answer) = Asker::logged_in(node, &name);
        Self {
            name,
            token: answer["token"].clone(),
            generation: 0,
        }
    }

    /// Connects and presents what is stored. Gives the answer, if one came.
    fn present(&self, node: &Node) -> Option<Value> {
        let attempt = format!("the attempt of {} at {}", self.name, self.generation);
        Asker::try_on(node)?.try_ask(&present(&self.token, &attempt))
    }

    /// Goes on by one generation, unless the server cannot. Fails if it was refused.
    fn rotate(&mut self, node: &Node) -> bool {
        let Some(answer) = self.present(node) else {
            return false;
        };
        if answer["type"] == "Unavailable" {
            return false;
        }
        assert_eq!(answer["type"], "Success", "{}: {answer}", self.name);
        let generation = answer["generation"].as_u64().unwrap();
        assert_eq!(generation, self.generation + 1, "{}", self.name);
        self.token = answer["token"].clone();
        self.generation = generation;
        true
    }

    fn rotate_often(&mut self, node: &Node, times: usize) {
        let mut left = times;
        until(&format!("{} rotates", self.name), || {
            left -= usize::from(self.rotate(node));
            left == 0
        });
    }
}

#[test]
fn a_synchronous_standby_that_takes_over_under_load_has_lost_nothing() {
    let pair = Pair::start();
    pair.make_synchronous();
    let rotations = AtomicUsize::new(0);
    let is_lost = AtomicBool::new(false);
    let has_successor = Barrier::new(CLIENTS + 1);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let node = &pair.nodes[number % pair.nodes.len()];
            let (rotations, is_lost, has_successor) = (&rotations, &is_lost, &has_successor);
            scope.spawn(move || {
                let mut client = Stored::begin(node, number);
                while !is_lost.load(Ordering::Relaxed) {
                    if client.rotate(node) {
                        rotations.fetch_add(1, Ordering::Relaxed);
                    }
                }
                has_successor.wait();
                client.rotate_often(node, ROTATIONS_AFTER);
            });
        }
        until("the clients rotate", || {
            rotations.load(Ordering::Relaxed) >= ROTATIONS_BEFORE
        });
        pair.fail_over();
        is_lost.store(true, Ordering::Relaxed);
        has_successor.wait();
    });
    let revoked = "SELECT count(*) FROM handfast.sessions WHERE revoked_at IS NOT NULL";
    assert_eq!(pair.query(revoked), "0");
    for node in &pair.nodes {
        assert!(!node.log().contains("from the future"), "{}", node.log());
    }
}

#[test]
fn a_standby_that_lost_writes_is_told_of_and_nobody_is_taken_for_a_thief() {
    let pair = Pair::start();
    let [one, other] = [&pair.nodes[0], &pair.nodes[1]];
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Stored::begin(one, number))
        .collect();
    pair.until_caught_up();
    pair.to_primary.set(Way::Stalled);
    for client in &mut clients {
        client.rotate_often(one, ROTATIONS_LOST);
    }
    pair.fail_over();
    for node in [one, other] {
        node.until_ready(true);
        for client in &clients {
            let answer = client.present(node).unwrap();
            assert_eq!(answer["reason"], "unknown", "{answer}");
        }
        let log = node.log();
        assert!(
            log.contains("ERROR") && log.contains("a token from the future"),
            "{log}"
        );
        let counted = format!("handfast_ledger_lost_writes_total {CLIENTS}.0\n");
        let metrics = node.metrics();
        assert!(metrics.contains(&counted), "{metrics}");
    }
    let untouched =
        "SELECT count(*) FROM handfast.sessions WHERE revoked_at IS NULL AND issued = 0";
    assert_eq!(pair.query(untouched), CLIENTS.to_string());

    for node in [one, other] {
        assert!(node.stop());
        node.set("HANDFAST_LEDGER__ROLL_FORWARD", "true");
        node.start_again();
    }
    for (client, node) in clients.iter_mut().zip([one, other].into_iter().cycle()) {
        assert!(client.rotate(node));
        client.rotate_often(other, 2);
    }
}
