//! The command line.

use crate::{
    bench::Sizes, error::Error, fleet::Ending, hostile::Attack, scenario::Pace, server::places,
    target::Reach,
};
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use std::{path::PathBuf, time::Duration};

/// Puts load on a handfast server and reports what it does under it, and at what cost.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Write everything that was measured, each round included, to this file as JSON
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
}

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start a server and measure everything that handfast promises
    Bench(Box<Bench>),
    /// Start a server and record with `perf` where it spends its time
    Flame(Flame),
    /// Start a server, attack it, and measure how good clients fare
    Hostile(Hostile),
    /// Connect, upgrade, present the stored token, close; over and over
    Resume(Resume),
    /// Present the token on live connections, over and over
    Refresh(Refresh),
    /// Connect, upgrade, register or log in, close; over and over. At a fixed rate: log in
    Login(Login),
    /// Log in and stay, answering pings
    Idle(Idle),
    /// Start many nodes on one database and hold as many sessions as the machine can
    Scale(Scale),
    /// The clients of one node, for `scale`
    #[command(hide = true)]
    Crowd(Crowd),
    /// A server that keeps nothing and checks nothing, for `bench`
    #[command(hide = true)]
    Bare,
}

/// One scenario of `bench`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Returning clients a second
    Resume,
    /// Rotations a second on live connections
    Refresh,
    /// Registrations and logins a second, with Argon2 turned down and as it is by default
    Login,
    /// The memory of idle connections
    Idle,
    /// The processor time of idle connections
    Heartbeat,
    /// How long resuming and refreshing take at a fixed rate
    Latency,
    /// One, two and three nodes on a PostgreSQL of their own, and revocations from one to another
    Nodes,
    /// A node that is killed, and its clients, who come back to another
    Storm,
}

/// `bench`
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) measured: Measured,
    /// Measure only these
    #[arg(long, value_enum, value_delimiter = ',', value_name = "SCENARIOS")]
    pub(crate) only: Vec<Scenario>,
    /// Measure at several sizes and write a page of Markdown with plots, README.md, into this folder. Rounds are
    /// three of two seconds, unless it is said
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sizes: Sizes,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

/// `flame`
#[derive(Debug, Args)]
pub(crate) struct Flame {
    #[command(flatten)]
    pub(crate) measured: Measured,
    /// Where to put the recordings refresh.perf, resume.perf and idle.perf. A round is one of six seconds, unless it is
    /// said
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

/// `hostile`
#[derive(Debug, Args)]
pub(crate) struct Hostile {
    #[command(flatten)]
    pub(crate) measured: Measured,
    /// Only these attacks
    #[arg(long, value_enum, value_delimiter = ',', value_name = "ATTACKS")]
    pub(crate) only: Vec<Attack>,
    /// How many good clients there are
    #[arg(long, default_value_t = 2_000, value_parser = value_parser!(u32).range(1..=100_000), value_name = "N")]
    pub(crate) clients: u32,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

/// What is measured.
#[derive(Debug, Args)]
pub(crate) struct Measured {
    /// The program `handfast`, built with --release
    #[arg(long, value_name = "PROGRAM")]
    server: PathBuf,
    /// Where to make the servers' data folders: a disk, since a commit costs nothing in memory [default: beside the
    /// program]
    #[arg(long, value_name = "DIR")]
    data_root: Option<PathBuf>,
}

impl Measured {
    /// The program, and where the data goes.
    pub(crate) fn places(&self) -> Result<(PathBuf, PathBuf), Error> {
        places(&self.server, self.data_root.as_deref())
    }
}

/// How long to measure.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Rounds {
    /// How many rounds to measure, after a warm-up [default: 5]
    #[arg(long, value_parser = value_parser!(u32).range(1..=1000), value_name = "N")]
    rounds: Option<u32>,
    /// How long each round is [default: 3]
    #[arg(long, value_parser = seconds, value_name = "SECONDS")]
    seconds: Option<f64>,
}

impl Rounds {
    /// The same, for the scenarios.
    pub(crate) fn pace(self) -> Pace {
        self.pace_or(5, Duration::from_secs(3))
    }

    /// The same, with other rounds where none are asked for.
    pub(crate) fn pace_or(self, rounds: u32, round: Duration) -> Pace {
        let round = self.seconds.map_or(round, Duration::from_secs_f64);
        Pace {
            rounds: self.rounds.unwrap_or(rounds),
            round,
            warm_up: round.min(Duration::from_secs(2)),
        }
    }
}

/// How clients leave.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Leaving {
    /// How clients close connections that they are done with
    #[arg(long, value_enum, default_value_t = Ending::Reset)]
    pub(crate) close: Ending,
}

/// A server that runs already.
#[derive(Debug, Args)]
pub(crate) struct Running {
    /// Its endpoint, such as ws://127.0.0.1:9001/ws/
    #[arg(long)]
    pub(crate) url: String,
    /// Take a server on another machine. Load on a server that is not yours is an attack on it, and load over a
    /// network measures the network; so only loopback addresses are taken without this
    #[arg(long)]
    allow_remote: bool,
    /// Spread connections over this many loopback addresses: one has about 28,000 ports, and a server limits what
    /// comes from one
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u16).range(1..=250), value_name = "N")]
    pub(crate) sources: u16,
    /// Its process, to tell its processor time and memory too
    #[arg(long, value_parser = value_parser!(i32).range(1..))]
    pub(crate) pid: Option<i32>,
    #[command(flatten)]
    pub(crate) rounds: Rounds,
}

impl Running {
    /// Which servers are taken.
    pub(crate) fn reach(&self) -> Reach {
        if self.allow_remote {
            Reach::Anywhere
        } else {
            Reach::Loopback
        }
    }
}

/// How many clients there are.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Clients {
    /// How many clients there are at once
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    clients: u32,
}

impl Clients {
    /// Their number.
    pub(crate) fn count(self) -> usize {
        self.clients as usize
    }
}

/// A fixed rate.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Rate {
    /// Start so many a second, whether or not the server keeps up, and tell percentiles of how long they take. A time
    /// counts from when it was due, not from when a client was free, so that a pause of the server counts for
    /// everything that it kept waiting
    #[arg(long, value_parser = value_parser!(u32).range(1..=1_000_000), value_name = "PER_SECOND")]
    pub(crate) rate: Option<u32>,
}

/// `resume`
#[derive(Debug, Args)]
pub(crate) struct Resume {
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) clients: Clients,
    #[command(flatten)]
    pub(crate) rate: Rate,
    #[command(flatten)]
    pub(crate) leaving: Leaving,
}

/// `refresh`
#[derive(Debug, Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) clients: Clients,
    #[command(flatten)]
    pub(crate) rate: Rate,
}

/// `login`
#[derive(Debug, Args)]
pub(crate) struct Login {
    #[command(flatten)]
    pub(crate) running: Running,
    #[command(flatten)]
    pub(crate) clients: Clients,
    #[command(flatten)]
    pub(crate) rate: Rate,
    #[command(flatten)]
    pub(crate) leaving: Leaving,
}

/// `idle`: each round is one hold.
#[derive(Debug, Args)]
pub(crate) struct Idle {
    #[command(flatten)]
    pub(crate) running: Running,
    /// How many connections to hold
    #[arg(long, default_value_t = 15_000, value_parser = value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub(crate) connections: u32,
}

/// `scale`
#[derive(Debug, Args)]
pub(crate) struct Scale {
    #[command(flatten)]
    pub(crate) measured: Measured,
    /// How many sessions, evenly on all nodes
    #[arg(long, default_value_t = 1_000_000, value_parser = value_parser!(u32).range(1..=10_000_000), value_name = "N")]
    pub(crate) sessions: u32,
    /// How many nodes. Each holds as many connections as it may open files, at most
    #[arg(long, default_value_t = 55, value_parser = value_parser!(u32).range(1..=250), value_name = "N")]
    pub(crate) nodes: u32,
    /// How many sessions are revoked at the end
    #[arg(long, default_value_t = 1000, value_parser = value_parser!(u32).range(1..=10_000), value_name = "N")]
    pub(crate) revoked: u32,
}

/// `crowd`
#[derive(Debug, Args)]
pub(crate) struct Crowd {
    #[arg(long)]
    pub(crate) url: String,
    #[arg(long)]
    pub(crate) clients: u32,
    #[arg(long)]
    pub(crate) watched: u32,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if (0.01..=3600.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("between 0.01 and 3600".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn several_scenarios_may_be_chosen() {
        let cli = Cli::parse_from([
            "handfast-load",
            "bench",
            "--server",
            "handfast",
            "--only",
            "idle,resume",
        ]);
        let Command::Bench(bench) = cli.command else {
            panic!("not bench");
        };
        assert_eq!(bench.only, [Scenario::Idle, Scenario::Resume]);
    }

    #[test]
    fn a_round_has_a_length() {
        assert_eq!(seconds("0.5"), Ok(0.5));
        for text in ["0", "-1", "NaN", "1e9", "x"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
