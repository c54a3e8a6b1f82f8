//! `handfast-load scale`: as many sessions as a machine holds, on many nodes with one database.
//!
//! A process may open only so many files, so that every node is a process and the clients of every node are another.
//! They log in and stay; all are held over some heartbeats, all rotate their tokens, and then some are revoked on one
//! node while they hang on the others.

pub(crate) mod crowd;
mod crowds;
mod revokers;
mod told;

use crate::{
    cli::Scale,
    clock,
    error::Error,
    meter::Meter,
    report::{Measurement, Round, statistics::percentile},
    server::{Cluster, Fanout, Folder, NodeSettings, usage},
    target::Target,
    watch::Watch,
};
use crowds::{Crowds, Sizes};
use revokers::Revokers;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use told::Told;

/// The interval of the heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How many rounds of two heartbeats all sessions are held.
const HOLDS: u32 = 2;
/// How long it takes before a node replaces a token by itself: longer than a run, whose clients ask for it.
const REFRESH_AFTER: &str = "2h";
/// How long each part of a run may take.
const PART: Duration = Duration::from_secs(60 * 60);

/// What is told of the times of revocations.
const PERCENTILES: [(&str, f64); 3] = [("p50", 0.5), ("p99", 0.99), ("the last", 1.0)];

/// Measures.
///
/// # Errors
/// The first that any part of it meets.
pub(crate) fn run(options: &Scale) -> Result<Vec<Measurement>, Error> {
    let watch = Watch::begin(u64::from(HOLDS) + 3)?;
    let mut scale = Run::start(options, &watch)?;
    scale.measure().map_err(|error| scale.cluster.blame(error))
}

struct Run<'a> {
    options: &'a Scale,
    watch: &'a Watch,
    cluster: Cluster,
    nodes: Vec<Target>,
    /// The machine's memory that was used when the nodes had started.
    used_before: u64,
}

impl<'a> Run<'a> {
    fn start(options: &'a Scale, watch: &'a Watch) -> Result<Self, Error> {
        let (program, root) = options.measured.places()?;
        let folders = (0..options.nodes).map(|number| Folder::create(&root, number));
        let folders = folders.collect::<Result<_, _>>()?;
        let more = NodeSettings {
            connections_max: u64::from(options.nodes) * CONNECTIONS_PER_NODE + CONNECTIONS_SPARE,
            more: vec![
                ("HANDFAST_HEARTBEAT__INTERVAL", seconds(HEARTBEAT)),
                ("HANDFAST_TOKEN__REFRESH_AFTER", REFRESH_AFTER.to_owned()),
            ],
        };
        let cluster = Cluster::start(&program, folders, Fanout::Notify, &more, watch)?;
        Ok(Self {
            options,
            watch,
            nodes: cluster.targets(),
            cluster,
            used_before: usage::machine_used_memory()?,
        })
    }

    fn measure(&self) -> Result<Vec<Measurement>, Error> {
        let nodes = self.options.nodes;
        let of_each = self.options.sessions.div_ceil(nodes);
        let sessions = f64::from(of_each * nodes);
        let servers = Meter::new(self.cluster.pids());
        let before = servers.memory()?.unwrap_or_default();
        let mut rows = vec![single("sessions", "", sessions)];

        let begin = clock::now();
        let sizes = Sizes {
            clients: of_each,
            watched: self.options.revoked.div_ceil((nodes - 1).max(1)),
        };
        let mut crowds = Crowds::log_in(&self.nodes, &sizes, self.watch, PART)?;
        rows.push(took("connect and log in, all", begin));
        self.watch.round_done();

        rows.extend(self.hold(&mut crowds, &servers, sessions)?);
        let each = |bytes: u64| bytes as f64 / sessions;
        let grown = servers.memory()?.unwrap_or_default().resident_bytes;
        let grown = grown.saturating_sub(before.resident_bytes);
        rows.push(single("memory of a session, nodes", "B", each(grown)));
        let load = Meter::new(crowds.pids()).memory()?.unwrap_or_default();
        rows.push(single(
            "memory of a session, load",
            "B",
            each(load.resident_bytes),
        ));
        let used = usage::machine_used_memory()?.saturating_sub(self.used_before);
        rows.push(single("memory of a session, everything", "B", each(used)));

        let begin = clock::now();
        crowds.rotate()?;
        crowds.await_all(&Told::AllRotated, "rotating", self.watch, PART)?;
        rows.push(took("rotate, all", begin));
        self.watch.round_done();

        rows.extend(self.revoke(&mut crowds)?);
        self.watch.round_done();
        Ok(rows)
    }

    /// Holds all sessions; tells what that costs the nodes.
    fn hold(
        &self,
        crowds: &mut Crowds,
        servers: &Meter,
        sessions: f64,
    ) -> Result<Vec<Measurement>, Error> {
        let mut rounds = Vec::new();
        for _ in 0..HOLDS {
            self.watch.say(format!("holding {sessions} sessions"));
            let mark = servers.mark()?;
            crowds.listen(self.watch, 2 * HEARTBEAT)?;
            let cost = servers.since(mark)?;
            rounds.push(Round {
                value: 100.0 * cost.server_cpu_seconds.unwrap_or_default() / cost.seconds,
                operations: None,
                cost: Some(cost),
            });
            self.watch.round_done();
        }
        Ok(vec![Measurement::new(
            "heartbeat, nodes".to_owned(),
            "% core",
            None,
            rounds,
        )])
    }

    /// Revokes the watched sessions at once, through the first node.
    fn revoke(&self, crowds: &mut Crowds) -> Result<Vec<Measurement>, Error> {
        self.watch.say("revoking");
        let watched = crowds.watched.clone();
        let mut revokers = Revokers::log_in(&self.nodes[0], &watched, self.watch, PART)?;
        let asked: HashMap<&str, u64> = revokers.revoke(PART)?.into_iter().collect();
        let closed = crowds.await_closed(asked.len(), self.watch, PART)?;
        let took = closed.iter().filter_map(|(session, at)| {
            let asked = asked.get(session.as_str())?;
            Some(Duration::from_nanos(at.saturating_sub(*asked)))
        });
        let mut took: Vec<_> = took.collect();
        took.sort_unstable();
        if took.is_empty() {
            return Err(Error::NoAnswers);
        }
        Ok(PERCENTILES
            .iter()
            .map(|(label, share)| {
                let name = format!("revoke {} at once, to the close, {label}", took.len());
                single(
                    &name,
                    "ms",
                    percentile(&took, *share).as_secs_f64() * 1000.0,
                )
            })
            .collect())
    }
}

/// What a node needs of the database, and what is left for whoever looks at it.
const CONNECTIONS_PER_NODE: u64 = 12;
const CONNECTIONS_SPARE: u64 = 20;

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs())
}

fn single(name: &str, unit: &'static str, value: f64) -> Measurement {
    Measurement::new(name.to_owned(), unit, None, vec![Round::of(value)])
}

fn took(name: &str, begin: Instant) -> Measurement {
    single(name, "s", begin.elapsed().as_secs_f64())
}
