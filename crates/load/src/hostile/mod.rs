//! `handfast-load hostile`: how good clients fare while others attack the server that they share.

mod attack;
mod crowd;

pub(crate) use attack::Attack;

use crate::{
    cli::Hostile,
    error::{Doing, Error},
    fleet::{self, Door, Fleet},
    meter::Meter,
    report::{Aim, Measurement, Round},
    scenario::{Operation, Pace, Site, paced, refresh},
    server::{Folder, Hashing, Server, Settings, usage::Memory},
    watch::Watch,
};
use crowd::{Crowd, Deeds};
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

/// From how many addresses good clients come: so few from each that no limit of an address is theirs.
const SOURCES: u16 = 200;
/// Rotations a second of all good clients together.
const RATE: u32 = 500;
/// File descriptors that the server has beside those of the good clients, where it is to run out of them.
const SPARE_DESCRIPTORS: u64 = 300;
/// How often the server's memory is looked at.
const LOOK: Duration = Duration::from_millis(50);
const MIB: f64 = 1024.0 * 1024.0;

/// Under any attack: how long a good client's rotation may take at the 99th percentile, in milliseconds.
const LATENCY_MS: Aim = Aim::AtMost(250.0);
/// Under any attack: by how much the server may grow, in MiB.
const GROWTH_MIB: Aim = Aim::AtMost(128.0);

/// The limits that a server has by default, which other measurements lift.
const DEFAULTS: [(&str, &str); 4] = [
    ("HANDFAST_LIMITS__LOGINS_PER_ACCOUNT", "10/1m"),
    ("HANDFAST_LIMITS__LOGINS_PER_ADDRESS", "30/1m"),
    ("HANDFAST_LIMITS__CONNECTIONS_PER_ADDRESS", "1000"),
    ("HANDFAST_LIMITS__UNAUTHENTICATED_PER_ADDRESS", "100"),
];

/// Measures.
///
/// # Errors
/// The first that a good client meets.
pub(crate) fn run(options: &Hostile) -> Result<Vec<Measurement>, Error> {
    let (program, data_root) = options.measured.places()?;
    let attacks: Vec<Attack> = Attack::ALL
        .into_iter()
        .filter(|attack| options.only.is_empty() || options.only.contains(attack))
        .collect();
    let clients = options.clients as usize;
    fleet::allow_connections(clients + crowd_of(&attacks))?;
    let pace = options.rounds.pace();
    let rounds = attacks.len() as u64 * 2 * u64::from(pace.rounds);
    let stage = Stage {
        program,
        data_root,
        clients,
        watch: Watch::begin(rounds)?,
        pace,
    };
    let mut measurements = Vec::new();
    for (number, attack) in (1..).zip(attacks) {
        measurements.extend(stage.play(number, attack)?);
    }
    Ok(measurements)
}

fn crowd_of(attacks: &[Attack]) -> usize {
    let crowds = attacks.iter().map(|attack| attack.plan().crowd);
    crowds.max().unwrap_or_default()
}

/// What all attacks have in common.
struct Stage {
    program: PathBuf,
    data_root: PathBuf,
    clients: usize,
    watch: Watch,
    pace: Pace,
}

impl Stage {
    /// One attack on a server of its own.
    fn play(&self, number: u32, attack: Attack) -> Result<Vec<Measurement>, Error> {
        self.watch.say(attack.name());
        let hashing = if attack.is_about_passwords() {
            Hashing::Default
        } else {
            Hashing::TurnedDown
        };
        let more = DEFAULTS.map(|(name, value)| (name, value.to_owned()));
        let settings = Settings {
            hashing,
            more: more.to_vec(),
        };
        let folder = Folder::create(&self.data_root, number)?;
        let mut server = Server::start(&self.program, folder, &settings, &self.watch)?;
        let site = Site {
            door: Door::new(&server.target()).sources(SOURCES),
            meter: Meter::new([server.pid()]),
            operators: server.operators(),
            watch: self.watch.clone(),
            pace: self.pace,
        };
        let address = server.target().address;
        self.measure(attack, &site, (address, server.pid()))
            .map_err(|error| server.blame(error))
    }

    fn measure(
        &self,
        attack: Attack,
        site: &Site,
        (address, pid): (SocketAddr, Pid),
    ) -> Result<Vec<Measurement>, Error> {
        let (mut fleet, mut good) = refresh::prepare(site, self.clients)?;
        if attack == Attack::Descriptors {
            leave_descriptors(pid, self.clients as u64 + SPARE_DESCRIPTORS)?;
        }
        let name = attack.name();
        let mut measurements = Vec::new();
        let calm = format!("{name}, before");
        measurements.extend(rotate(&mut fleet, site, &calm, &mut good)?);
        let before = resident(site)?;
        let peak = Peak::watch(site.meter.clone())?;
        let crowd = Crowd::begin(attack, address)?;
        let under = format!("{name}, under attack");
        let mut during = rotate(&mut fleet, site, &under, &mut good)?;
        let deeds = crowd.end()?;
        let peak = peak.end();
        if let [_, p99, ..] = &mut during[..] {
            p99.aim = Some(LATENCY_MS);
        }
        measurements.extend(during);
        let growth = (peak - before).max(0.0);
        measurements.push(figure(name, "memory before", "MiB", before));
        let mut growth = figure(name, "growth", "MiB", growth);
        growth.aim = Some(GROWTH_MIB);
        measurements.push(growth);
        measurements.push(figure(name, "memory after", "MiB", resident(site)?));
        measurements.extend(told(name, deeds));
        // Whatever it was, it is over: a newcomer gets in.
        refresh::prepare(site, 1)?;
        Ok(measurements)
    }
}

fn rotate(
    fleet: &mut Fleet,
    site: &Site,
    name: &str,
    good: &mut impl Operation,
) -> Result<Vec<Measurement>, Error> {
    paced::rounds(fleet, site, RATE, name, good)
}

fn figure(attack: &str, what: &str, unit: &'static str, value: f64) -> Measurement {
    let rounds = vec![Round::of(value)];
    Measurement::new(format!("{attack}, {what}"), unit, None, rounds)
}

/// What the attackers did, so that nobody takes an attack for one that did not happen.
fn told(attack: &str, deeds: Deeds) -> [Measurement; 3] {
    [
        ("connections", deeds.connections),
        ("ended by the server", deeds.ended),
        ("sendings", deeds.sent),
    ]
    .map(|(what, count)| figure(attack, what, "", count as f64))
}

fn resident(site: &Site) -> Result<f64, Error> {
    let memory = site.meter.memory()?.unwrap_or_default();
    Ok(in_mib(memory))
}

fn in_mib(memory: Memory) -> f64 {
    memory.resident_bytes as f64 / MIB
}

/// Lets a server have no more descriptors than this.
fn leave_descriptors(server: Pid, descriptors: u64) -> Result<(), Error> {
    let limit = Rlimit {
        current: Some(descriptors),
        maximum: Some(descriptors),
    };
    prlimit(Some(server), Resource::Nofile, limit)
        .map(drop)
        .doing(|| "lowering the server's limit on open files".to_owned())
}

/// The most memory that the server had while somebody looked.
struct Peak {
    bytes: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    _wake: mpsc::Sender<()>,
}

impl Peak {
    fn watch(meter: Meter) -> Result<Self, Error> {
        let (bytes, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (most, stopped) = (Arc::clone(&bytes), Arc::clone(&stop));
        let (wake, asleep) = mpsc::channel::<()>();
        std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    if let Ok(Some(memory)) = meter.memory() {
                        most.fetch_max(memory.resident_bytes, Ordering::Relaxed);
                    }
                    // Nobody sends: this waits until the time is over.
                    if asleep.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Disconnected) {
                        return;
                    }
                }
            })
            .doing(|| "starting a thread that looks at memory".to_owned())?;
        Ok(Self {
            bytes,
            stop,
            _wake: wake,
        })
    }

    /// In MiB.
    fn end(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.bytes.load(Ordering::Relaxed) as f64 / MIB
    }
}
