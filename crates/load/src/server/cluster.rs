//! Several nodes on a PostgreSQL of their own.

use super::{Folder, Hashing, Server, Settings};
use crate::{
    error::{Doing, Error},
    target::Target,
    watch::Watch,
};
use handfast_ledger::conformance::service::{PostgresServer, RedisServer};
use rustix::process::Pid;
use std::{
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

/// The file that nodes share beside the ledger, in the data folder of each.
const KEYS_FILE: &str = "keys.jwks";

/// A database that flushes what it commits, with some room to work in.
const DATABASE: [(&str, &str); 2] = [("shared_buffers", "256MB"), ("max_wal_size", "4GB")];

/// How the nodes and their database are set up, beside what is the same everywhere.
#[derive(Debug)]
pub(crate) struct NodeSettings {
    /// How many connections the database takes.
    pub(crate) connections_max: u64,
    /// Variables of every node.
    pub(crate) more: Vec<(&'static str, String)>,
}

impl Default for NodeSettings {
    /// For a few nodes, which are set up as they are by default.
    fn default() -> Self {
        Self {
            connections_max: 200,
            more: Vec::new(),
        }
    }
}

/// By what way nodes tell each other at once what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fanout {
    /// The database's own `LISTEN` and `NOTIFY`.
    Notify,
    /// A Redis of their own.
    Redis,
}

/// Running nodes. Dropping it ends them, and then what they share.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Server>,
    _redis: Option<RedisServer>,
    _database: PostgresServer,
}

impl Cluster {
    /// Starts as many nodes as there are folders.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub(crate) fn start(
        program: &Path,
        folders: Vec<Folder>,
        fanout: Fanout,
        nodes: &NodeSettings,
        watch: &Watch,
    ) -> Result<Self, Error> {
        watch.say("starting a database");
        let connections = nodes.connections_max.to_string();
        let mut database = DATABASE.to_vec();
        database.push(("max_connections", &connections));
        let database = PostgresServer::start_with(&database);
        let redis = match fanout {
            Fanout::Notify => None,
            Fanout::Redis => Some(RedisServer::start()),
        };
        let mut more = nodes.more.clone();
        let ledger = database.database().expose().to_owned();
        more.push(("HANDFAST_LEDGER__URL", ledger));
        more.extend(
            redis
                .as_ref()
                .map(|redis| ("HANDFAST_FANOUT__URL", redis.url())),
        );
        let settings = Settings {
            hashing: Hashing::TurnedDown,
            more,
        };
        watch.say("starting nodes");
        let mut nodes: Vec<Server> = Vec::with_capacity(folders.len());
        for folder in folders {
            if let Some(first) = nodes.first() {
                give_keys(&first.folder, &folder)?;
            }
            nodes.push(Server::start(program, folder, &settings, watch)?);
        }
        Ok(Self {
            nodes,
            _redis: redis,
            _database: database,
        })
    }

    /// Where the nodes listen.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.nodes.iter().map(Server::target).collect()
    }

    /// Their processes.
    pub(crate) fn pids(&self) -> impl Iterator<Item = Pid> {
        self.nodes.iter().map(Server::pid)
    }

    /// Takes the first node out, for whoever wants to end it another way.
    pub(crate) fn take_first(&mut self) -> Option<Server> {
        (!self.nodes.is_empty()).then(|| self.nodes.remove(0))
    }

    /// Why a measurement failed: that a node ended, if one did, and else `error`.
    pub(crate) fn blame(&mut self, error: Error) -> Error {
        self.nodes
            .iter_mut()
            .fold(error, |error, node| node.blame(error))
    }
}

/// Gives a node the keys of another before its first start.
fn give_keys(from: &Folder, to: &Folder) -> Result<(), Error> {
    let data = to.data();
    DirBuilder::new()
        .mode(0o700)
        .create(&data)
        .doing(|| format!("creating {}", data.display()))?;
    // The copy has the mode of the original, which is its owner's only.
    fs::copy(from.data().join(KEYS_FILE), data.join(KEYS_FILE))
        .doing(|| "giving a node its keys".to_owned())?;
    Ok(())
}
