//! Nodes that share a database.

use super::{Dice, Node, Proxy, Way};
use handfast_ledger::conformance::service::{DatabaseUrl, PostgresServer, RedisServer};
use std::fs;

/// How nodes tell each other at once what they committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FanoutWay {
    /// By the ledger's own way.
    OfLedger,
    /// By Redis.
    Redis,
}

/// How a cluster is set up. Its limits are off, and a password costs next to nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) nodes: usize,
    /// The interval of the heartbeat, with which a node reads the ledger's log.
    pub(crate) heartbeat: &'a str,
    pub(crate) fanout: FanoutWay,
    /// Further variables.
    pub(crate) variables: &'a [(&'a str, &'a str)],
    /// By how much each node's clock is wrong, as libfaketime reads it; where there is nothing, it is right.
    pub(crate) clocks: &'a [&'a str],
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            nodes: 2,
            heartbeat: "25s",
            fanout: FanoutWay::Redis,
            variables: &[],
            clocks: &[],
        }
    }
}

/// Nodes, and a way from each to its database and to its fan-out that the test can cut.
#[derive(Debug)]
pub(crate) struct Cluster {
    // Dropped before what they use.
    pub(crate) nodes: Vec<Node>,
    pub(crate) to_ledger: Vec<Proxy>,
    pub(crate) to_fanout: Vec<Proxy>,
    pub(crate) database: DatabaseUrl,
    servers: Servers,
}

#[derive(Debug)]
struct Servers {
    postgres: PostgresServer,
    redis: Option<RedisServer>,
}

const QUIET: [(&str, &str); 10] = [
    ("HANDFAST_PASSWORD__MEMORY_KIB", "8"),
    ("HANDFAST_PASSWORD__ITERATIONS", "1"),
    ("HANDFAST_LIMITS__LOGINS_PER_ACCOUNT", "off"),
    ("HANDFAST_LIMITS__LOGINS_PER_ADDRESS", "off"),
    ("HANDFAST_LIMITS__PRESENTATIONS_PER_SESSION", "off"),
    ("HANDFAST_LIMITS__CONNECTIONS_PER_ADDRESS", "off"),
    ("HANDFAST_LIMITS__UNAUTHENTICATED_PER_ADDRESS", "off"),
    ("HANDFAST_LIMITS__SESSIONS_PER_SUBJECT", "off"),
    ("HANDFAST_HEARTBEAT__TIMEOUT", "60s"),
    ("HANDFAST_DRAIN__SPREAD", "1s"),
];

impl Cluster {
    /// Starts a cluster with servers of its own.
    pub(crate) fn start(plan: &Plan<'_>) -> Self {
        let redis = (plan.fanout == FanoutWay::Redis).then(RedisServer::start);
        let url = redis.as_ref().map(RedisServer::url);
        let mut cluster = Self::beside(plan, url.as_deref());
        cluster.servers.redis = redis;
        cluster
    }

    /// Starts a cluster with a database of its own, whose fan-out goes by another cluster's Redis.
    pub(crate) fn beside(plan: &Plan<'_>, redis: Option<&str>) -> Self {
        let postgres = PostgresServer::start();
        let database = postgres.database();
        let to_ledger = (0..plan.nodes).map(|_| Proxy::to(postgres.port()));
        let mut cluster = Self {
            nodes: Vec::new(),
            to_ledger: to_ledger.collect(),
            to_fanout: Vec::new(),
            database,
            servers: Servers {
                postgres,
                redis: None,
            },
        };
        if let Some(url) = redis {
            let port: u16 = url.rsplit(':').next().unwrap().parse().unwrap();
            cluster.to_fanout = (0..plan.nodes).map(|_| Proxy::to(port)).collect();
        }
        for number in 0..plan.nodes {
            let variables = cluster.variables(plan, number, redis);
            let keys = cluster.nodes.first().map(Node::keys);
            let node = Node::start(keys.as_deref(), variables);
            cluster.nodes.push(node);
        }
        cluster
    }

    fn variables(
        &self,
        plan: &Plan<'_>,
        number: usize,
        redis: Option<&str>,
    ) -> Vec<(String, String)> {
        let ledger = through(self.database.expose(), &self.to_ledger[number]);
        let mut variables = variables(plan, &ledger);
        if let Some(url) = redis {
            let url = through(url, &self.to_fanout[number]);
            variables.push(("HANDFAST_FANOUT__URL".to_owned(), url));
        }
        if let Some(offset) = plan.clocks.get(number) {
            variables.extend(wrong_clock(offset));
        }
        variables
    }

    pub(crate) fn postgres(&self) -> &PostgresServer {
        &self.servers.postgres
    }

    pub(crate) fn redis(&self) -> &RedisServer {
        self.servers.redis.as_ref().unwrap()
    }

    /// What becomes of all that the nodes tell each other.
    pub(crate) fn set_fanout(&self, way: Way) {
        for proxy in &self.to_fanout {
            proxy.set(way);
        }
    }

    /// Two different nodes.
    pub(crate) fn two(&self, dice: &mut Dice) -> [&Node; 2] {
        let one = dice.below(self.nodes.len());
        let other = (one + 1 + dice.below(self.nodes.len() - 1)) % self.nodes.len();
        [&self.nodes[one], &self.nodes[other]]
    }
}

/// What a node of this plan is started with.
pub(crate) fn variables(plan: &Plan<'_>, ledger: &str) -> Vec<(String, String)> {
    let own = [
        ("HANDFAST_LEDGER__URL", ledger),
        ("HANDFAST_HEARTBEAT__INTERVAL", plan.heartbeat),
    ];
    let all = QUIET.iter().chain(&own).chain(plan.variables);
    all.map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// What makes a program believe another time of day. Its monotonic clock stays right, as on any machine.
fn wrong_clock(offset: &str) -> [(String, String); 3] {
    let folders = fs::read_dir("/usr/lib").unwrap().flatten();
    let libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let library = libraries.filter(|library| library.exists()).last();
    let library = library.expect("the package `faketime` is installed");
    [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME", offset),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The URL of the same server, by another way.
fn through(url: &str, proxy: &Proxy) -> String {
    let (head, tail) = url.rsplit_once("127.0.0.1:").unwrap();
    let path = tail.find('/').map_or("", |at| &tail[at..]);
    format!("{head}127.0.0.1:{}{path}", proxy.port())
}
