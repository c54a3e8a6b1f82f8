//! `handfast-load bench`: everything that handfast promises, measured on servers of its own, one after the other.

use crate::{
    cli::{Bench, Scenario},
    error::{Doing, Error},
    fleet::{self, Door, Ending},
    meter::Meter,
    report::Measurement,
    scenario::{Pace, Site, idle, login, refresh, resume},
    server::{Folder, Hashing, Server},
    watch::Watch,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

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
/// Weighings and holds take long and vary little.
const WEIGHINGS: u32 = 3;
const HOLDS: u32 = 2;
/// The interval of the heartbeat that handfast has by default.
const HEARTBEAT: Duration = Duration::from_secs(25);

const ALL: [Scenario; 6] = [
    Scenario::Resume,
    Scenario::Refresh,
    Scenario::Login,
    Scenario::Idle,
    Scenario::Heartbeat,
    Scenario::Latency,
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
        let program = fs::canonicalize(&options.server)
            .doing(|| format!("looking for {}", options.server.display()))?;
        let beside = program.parent().unwrap_or_else(|| Path::new("/"));
        let data_root = options.data_root.as_deref().unwrap_or(beside);
        let data_root =
            fs::canonicalize(data_root).doing(|| format!("looking for {}", data_root.display()))?;
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
            Scenario::Resume | Scenario::Refresh | Scenario::Login | Scenario::Latency => {
                MANY_CLIENTS
            }
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
                let mut measurements = resume::latency(site, MANY_CLIENTS, RESUME_RATE)?;
                measurements.extend(refresh::latency(site, MANY_CLIENTS, REFRESH_RATE)?);
                Ok(measurements)
            }),
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

    /// Starts a server, measures, ends the server.
    fn with_server<T>(
        &mut self,
        hashing: Hashing,
        measure: impl FnOnce(&Site) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.watch.say("starting a server");
        self.servers += 1;
        let folder = Folder::create(&self.data_root, self.servers)?;
        let mut server = Server::start(&self.program, folder, hashing, &self.watch)?;
        let site = Site {
            door: Door::new(&server.target()),
            meter: Meter::new(Some(server.pid())),
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
    };
    u64::from(rounds)
}
