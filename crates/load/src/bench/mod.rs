//! `handfast-load bench`: everything that handfast promises, measured on servers of its own, one after the other.

use crate::{
    cli::{Bench, Scenario},
    error::Error,
    fleet::{self, Door, Ending, Landing},
    meter::Meter,
    report::Measurement,
    scenario::{Pace, Site, idle, login, refresh, resume, revoke},
    server::{Cluster, Fanout, Folder, Hashing, NodeSettings, Server, places},
    watch::Watch,
};
use std::{path::PathBuf, time::Duration};

/// Clients at once.
const CLIENTS: usize = 64;
/// Connections of the second measurement of refreshing.
const MANY_CLIENTS: usize = 256;
/// Clients that log in at once.
const LOGIN_CLIENTS: usize = 32;
/// The same while Argon2 costs what it costs by default: a few a core keep it busy.
const SLOW_LOGIN_CLIENTS: usize = 8;
/// Returns a second, and rotations a second, at which their times are told: a third of what is aimed at.
const RESUME_RATE: u32 = 4_000;
const REFRESH_RATE: u32 = 20_000;
/// The same where nodes share a database.
const NODES_REFRESH_RATE: u32 = 5_000;
/// Weighings and holds take long and vary little.
const WEIGHINGS: u32 = 3;
const HOLDS: u32 = 2;
/// The interval of the heartbeat that handfast has by default.
const HEARTBEAT: Duration = Duration::from_secs(25);

/// How many nodes are measured together.
const NODES: [u32; 3] = [1, 2, 3];
/// How long a session that is revoked on one node may live on another, at the 99th percentile, in milliseconds.
const REVOCATIONS: [(Fanout, &str, f64); 2] = [
    (Fanout::Notify, "LISTEN/NOTIFY", 20.0),
    (Fanout::Redis, "Redis", 10.0),
];

const ALL: [Scenario; 7] = [
    Scenario::Resume,
    Scenario::Refresh,
    Scenario::Login,
    Scenario::Idle,
    Scenario::Heartbeat,
    Scenario::Latency,
    Scenario::Nodes,
];

/// Measures.
///
/// # Errors
/// The first that any scenario meets.
pub(crate) fn run(options: &Bench) -> Result<Vec<Measurement>, Error> {
    let mut workbench = Workbench::new(options)?;
    // Servers inherit the limit on open files, so that it is raised before they start.
    fleet::allow_connections(workbench.most_connections())?;
    let mut measurements = Vec::new();
    for scenario in workbench.scenarios() {
        measurements.extend(workbench.measure(scenario)?);
    }
    Ok(measurements)
}

struct Workbench<'a> {
    options: &'a Bench,
    program: PathBuf,
    data_root: PathBuf,
    watch: Watch,
    pace: Pace,
    /// How many servers there were.
    servers: u32,
}

impl<'a> Workbench<'a> {
    fn new(options: &'a Bench) -> Result<Self, Error> {
        let (program, data_root) = places(&options.server, options.data_root.as_deref())?;
        let pace = options.rounds.pace();
        let rounds = scenarios(options)
            .into_iter()
            .map(|scenario| rounds(scenario, pace))
            .sum();
        Ok(Self {
            options,
            program,
            data_root,
            watch: Watch::begin(rounds)?,
            pace,
            servers: 0,
        })
    }

    fn scenarios(&self) -> Vec<Scenario> {
        scenarios(self.options)
    }

    fn most_connections(&self) -> usize {
        let connections = |scenario: &Scenario| match scenario {
            Scenario::Idle => self.options.idle_connections as usize,
            Scenario::Heartbeat => self.options.heartbeat_connections as usize,
            Scenario::Resume
            | Scenario::Refresh
            | Scenario::Login
            | Scenario::Latency
            | Scenario::Nodes => MANY_CLIENTS,
        };
        self.scenarios()
            .iter()
            .map(connections)
            .max()
            .unwrap_or_default()
    }

    fn measure(&mut self, scenario: Scenario) -> Result<Vec<Measurement>, Error> {
        match scenario {
            Scenario::Resume => self.resume(),
            Scenario::Refresh => self.with_server(Hashing::TurnedDown, |site| {
                let mut measurements = refresh::throughput(site, CLIENTS)?;
                measurements.extend(refresh::throughput(site, MANY_CLIENTS)?);
                Ok(measurements)
            }),
            Scenario::Login => self.login(),
            Scenario::Idle => self.idle(),
            Scenario::Heartbeat => self.heartbeat(),
            Scenario::Latency => self.with_server(Hashing::TurnedDown, |site| {
                let mut measurements = resume::latency(site, MANY_CLIENTS, RESUME_RATE, "resume")?;
                measurements.extend(refresh::latency(
                    site,
                    MANY_CLIENTS,
                    REFRESH_RATE,
                    "refresh",
                )?);
                Ok(measurements)
            }),
            Scenario::Nodes => self.nodes(),
        }
    }

    /// Both ways to leave, since servers and kernels do different work for them.
    fn resume(&mut self) -> Result<Vec<Measurement>, Error> {
        self.with_server(Hashing::TurnedDown, |site| {
            let mut measurements = Vec::new();
            for ending in [Ending::Reset, Ending::Fin] {
                let door = site.door.clone().ending(ending);
                let site = Site {
                    door,
                    ..site.clone()
                };
                measurements.extend(resume::throughput(&site, CLIENTS)?);
            }
            Ok(measurements)
        })
    }

    fn login(&mut self) -> Result<Vec<Measurement>, Error> {
        let mut measurements = self.with_server(Hashing::TurnedDown, |site| {
            login::throughput(site, LOGIN_CLIENTS, ", Argon2 turned down")
        })?;
        measurements.extend(self.with_server(Hashing::Default, |site| {
            login::throughput(site, SLOW_LOGIN_CLIENTS, ", Argon2 by default")
        })?);
        Ok(measurements)
    }

    /// Each weighing has a server of its own, whose memory nobody has used before.
    fn idle(&mut self) -> Result<Vec<Measurement>, Error> {
        let connections = self.options.idle_connections as usize;
        let mut weights = Vec::new();
        for _ in 0..self.pace.rounds.min(WEIGHINGS) {
            let weight =
                self.with_server(Hashing::TurnedDown, |site| idle::weigh(site, connections))?;
            weights.extend(weight);
        }
        Ok(idle::weights(&weights))
    }

    fn heartbeat(&mut self) -> Result<Vec<Measurement>, Error> {
        let connections = self.options.heartbeat_connections as usize;
        self.with_server(Hashing::TurnedDown, |site| {
            let pace = Pace {
                rounds: site.pace.rounds.min(HOLDS),
                ..site.pace
            };
            let site = Site {
                pace,
                ..site.clone()
            };
            idle::heartbeat(&site, connections, HEARTBEAT)
        })
    }

    /// How much several nodes do on one database, and how fast one hears of the other.
    fn nodes(&mut self) -> Result<Vec<Measurement>, Error> {
        let mut measurements = Vec::new();
        for nodes in NODES {
            measurements.extend(self.with_nodes(
                nodes,
                Fanout::Notify,
                Landing::InTurn,
                |site| {
                    let on = format!("{nodes} on PostgreSQL");
                    let mut measurements = refresh::on_nodes(site, MANY_CLIENTS, &on)?;
                    measurements.extend(resume::on_nodes(site, MANY_CLIENTS, &on)?);
                    let refresh = format!("refresh, {on}");
                    let rate = NODES_REFRESH_RATE;
                    measurements.extend(refresh::latency(site, MANY_CLIENTS, rate, &refresh)?);
                    Ok(measurements)
                },
            )?);
        }
        for (fanout, name, aim_ms) in REVOCATIONS {
            measurements.extend(self.with_nodes(2, fanout, Landing::ByClient, |site| {
                revoke::latency(site, name, aim_ms)
            })?);
        }
        Ok(measurements)
    }

    /// Starts nodes and what they share, measures, ends them.
    fn with_nodes<T>(
        &mut self,
        nodes: u32,
        fanout: Fanout,
        landing: Landing,
        measure: impl FnOnce(&Site) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let folders = (0..nodes).map(|_| {
            self.servers += 1;
            Folder::create(&self.data_root, self.servers)
        });
        let folders = folders.collect::<Result<_, _>>()?;
        let mut cluster = Cluster::start(
            &self.program,
            folders,
            fanout,
            &NodeSettings::default(),
            &self.watch,
        )?;
        let site = Site {
            operators: None,
            door: Door::to_nodes(&cluster.targets(), landing),
            meter: Meter::new(cluster.pids()),
            watch: self.watch.clone(),
            pace: self.pace,
        };
        measure(&site).map_err(|error| cluster.blame(error))
    }

    /// Starts a server, measures, ends the server.
    fn with_server<T>(
        &mut self,
        hashing: Hashing,
        measure: impl FnOnce(&Site) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.watch.say("starting a server");
        self.servers += 1;
        let folder = Folder::create(&self.data_root, self.servers)?;
        let mut server = Server::start(&self.program, folder, &hashing.into(), &self.watch)?;
        let site = Site {
            operators: server.operators(),
            door: Door::new(&server.target()),
            meter: Meter::new([server.pid()]),
            watch: self.watch.clone(),
            pace: self.pace,
        };
        measure(&site).map_err(|error| server.blame(error))
    }
}

fn scenarios(options: &Bench) -> Vec<Scenario> {
    let chosen = |scenario: &Scenario| options.only.is_empty() || options.only.contains(scenario);
    ALL.into_iter().filter(chosen).collect()
}

fn rounds(scenario: Scenario, pace: Pace) -> u64 {
    let rounds = match scenario {
        Scenario::Resume | Scenario::Refresh | Scenario::Latency => 2 * pace.rounds,
        Scenario::Login => 4 * pace.rounds,
        Scenario::Idle => pace.rounds.min(WEIGHINGS),
        Scenario::Heartbeat => pace.rounds.min(HOLDS),
        Scenario::Nodes => {
            let counts = u32::try_from(NODES.len()).unwrap_or(u32::MAX);
            let fanouts = u32::try_from(REVOCATIONS.len()).unwrap_or(u32::MAX);
            (3 * counts + fanouts) * pace.rounds
        }
    };
    u64::from(rounds)
}
