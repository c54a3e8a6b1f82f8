//! At which sizes everything is measured.

use crate::scenario::Pace;
use clap::{Args, value_parser};
use std::time::Duration;

/// The same sizes for a table and for a report, unless somebody says otherwise.
const NODES: &[u32] = &[1, 2, 3];

/// What can be said on the command line about sizes. Nothing said is what is usual.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Sizes {
    /// How many connections to weigh [default: 15000; in a report 1000,5000,15000]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    idle_connections: Vec<u32>,
    /// How many connections to hold for the cost of their heartbeat [default: 10000; in a report 1000,5000,15000]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    heartbeat_connections: Vec<u32>,
    /// The interval of that heartbeat, in seconds: handfast's own, unless time is short
    #[arg(long, default_value_t = 25, value_parser = value_parser!(u32).range(1..=600), value_name = "SECONDS")]
    heartbeat_interval: u32,
    /// How many clients resume and refresh at once [default: 64,256; in a report 16,64,256,512]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    clients: Vec<u32>,
    /// How many clients register and log in at once, with Argon2 as it is by default [default: 8; in a report 1,4,16]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    login_clients: Vec<u32>,
    /// Resumes a second at which to tell how long they take [default: 4000; in a report 500,1000,2000,4000,8000]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    resume_rates: Vec<u32>,
    /// Refreshes a second at which to tell how long they take [default: 20000; in a report 1000,5000,10000,20000,40000]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    refresh_rates: Vec<u32>,
    /// How many nodes share a database [default: 1,2,3]
    #[arg(long, value_delimiter = ',', value_parser = value_parser!(u32).range(1..=9), value_name = "N,…")]
    nodes: Vec<u32>,
    /// How many clients a node has that is killed [default: 1000; in a report 250,1000,4000]
    #[arg(long, value_delimiter = ',', value_parser = count(), value_name = "N,…")]
    storm_clients: Vec<u32>,
}

/// What is measured: for each scenario its sizes, of which there is at least one, and how often.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) idle_connections: Vec<u32>,
    pub(super) heartbeat_connections: Vec<u32>,
    pub(super) heartbeat_interval: Duration,
    pub(super) clients: Vec<u32>,
    pub(super) login_clients: Vec<u32>,
    pub(super) resume_rates: Vec<u32>,
    pub(super) refresh_rates: Vec<u32>,
    pub(super) nodes: Vec<u32>,
    pub(super) storm_clients: Vec<u32>,
    /// Weighings and holds take long and vary little, and each storm takes nodes of its own.
    pub(super) weighings: u32,
    pub(super) holds: u32,
    pub(super) storms: u32,
}

fn count() -> impl clap::builder::TypedValueParser<Value = u32> {
    value_parser!(u32).range(1..=1_000_000)
}

impl Sizes {
    /// What to measure for a table: each at the size that the project has an aim for.
    pub(super) fn for_table(&self, pace: Pace) -> Plan {
        Plan {
            idle_connections: said(&self.idle_connections, &[15_000]),
            heartbeat_connections: said(&self.heartbeat_connections, &[10_000]),
            heartbeat_interval: self.heartbeat_interval(),
            clients: said(&self.clients, &[64, 256]),
            login_clients: said(&self.login_clients, &[8]),
            resume_rates: said(&self.resume_rates, &[4_000]),
            refresh_rates: said(&self.refresh_rates, &[20_000]),
            nodes: said(&self.nodes, NODES),
            storm_clients: said(&self.storm_clients, &[1_000]),
            weighings: pace.rounds.min(3),
            holds: pace.rounds.min(2),
            storms: pace.rounds.min(3),
        }
    }

    /// What to measure for a report: enough sizes to see what they do, within a quarter of an hour.
    pub(super) fn for_report(&self, pace: Pace) -> Plan {
        Plan {
            idle_connections: said(&self.idle_connections, &[1_000, 5_000, 15_000]),
            heartbeat_connections: said(&self.heartbeat_connections, &[1_000, 5_000, 15_000]),
            heartbeat_interval: self.heartbeat_interval(),
            clients: said(&self.clients, &[16, 64, 256, 512]),
            login_clients: said(&self.login_clients, &[1, 4, 16]),
            resume_rates: said(&self.resume_rates, &[500, 1_000, 2_000, 4_000, 8_000]),
            refresh_rates: said(&self.refresh_rates, &[1_000, 5_000, 10_000, 20_000, 40_000]),
            nodes: said(&self.nodes, NODES),
            storm_clients: said(&self.storm_clients, &[250, 1_000, 4_000]),
            weighings: pace.rounds.min(2),
            holds: 1,
            storms: pace.rounds.min(3),
        }
    }

    fn heartbeat_interval(&self) -> Duration {
        Duration::from_secs(self.heartbeat_interval.into())
    }
}

/// In ascending order, for curves are drawn from left to right.
fn said(sizes: &[u32], usual: &[u32]) -> Vec<u32> {
    let mut sizes = if sizes.is_empty() { usual } else { sizes }.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_counts_and_what_is_not_is_usual() {
        let sizes = Sizes {
            clients: vec![9, 3, 9],
            ..Sizes::default()
        };
        let pace = Pace {
            rounds: 1,
            round: Duration::from_secs(1),
            warm_up: Duration::ZERO,
        };
        let (table, report) = (sizes.for_table(pace), sizes.for_report(pace));
        assert_eq!(
            (&*table.clients, &*report.clients),
            (&[3, 9][..], &[3, 9][..])
        );
        assert_eq!(table.idle_connections, [15_000]);
        assert!(report.idle_connections.len() > 1);
        assert_eq!(report.weighings, 1);
    }
}
