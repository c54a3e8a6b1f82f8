//! A node is killed with all its clients; how long until all are back on another, against how many they are.

use super::{sizes::Plan, workbench::Workbench};
use crate::{
    error::Error,
    fleet::{Door, Landing},
    meter::Meter,
    report::{
        Chapter, count,
        plot::{Axis, Plot, Point, Scale, Series},
    },
    scenario::{
        Site,
        storm::{self, Storm},
    },
    server::{Cluster, Fanout},
};
use std::time::Duration;

/// Each storm has two nodes and a database of its own.
pub(super) fn measure(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let mut rows = Vec::new();
    let mut curves = Vec::new();
    let mut ends = storm::SHARES.map(|(name, _)| (name, Vec::new()));
    for &clients in &plan.storm_clients {
        let mut storms = Vec::new();
        for seed in 0..plan.storms {
            storms.push(bench.with_nodes(
                2,
                Fanout::Notify,
                Landing::InTurn,
                |site, cluster| one(site, cluster, clients as usize, seed.into()),
            )?);
        }
        let figures = storm::figures(&storms, clients as usize);
        for ((_, points), row) in ends.iter_mut().zip(&figures) {
            points.push(Point::of(clients, row));
        }
        rows.extend(figures);
        let times: Vec<Duration> = storms.into_iter().flat_map(|storm| storm.times).collect();
        let name = format!("{} clients", count(clients));
        curves.push(Series::of_times(name, &times, Duration::from_secs(1)));
    }
    Ok(Chapter {
        title: "A node that dies",
        about: "All clients hang on one of two nodes that share a PostgreSQL. It is killed, and each client does what \
                the protocol says: it waits a random part of half a second, connects to the other node and presents its \
                token; where that fails, the bound doubles. Times run from the kill: the waits alone keep half of the \
                clients away for a quarter of a second. The costs are those of the node that is left."
            .to_owned(),
        rows,
        plots: vec![
            Plot {
                name: "storm",
                title: "Clients that are back after their node was killed",
                x: Axis::new("seconds", Scale::FromZero),
                y: Axis::new("per cent of the clients", Scale::FromZero),
                series: curves,
            },
            Plot {
                name: "storm-time",
                title: "How long until clients are back after their node was killed",
                x: Axis::new("clients", Scale::RatioOfSizes),
                y: Axis::new("seconds", Scale::FromZero),
                series: ends
                    .map(|(name, points)| Series::of_sizes(name, points))
                    .into(),
            },
        ],
    })
}

fn one(site: &Site, cluster: &mut Cluster, clients: usize, seed: u64) -> Result<Storm, Error> {
    let Some(mut victim) = cluster.take_first() else {
        return Err(Error::TooSlow("starting nodes"));
    };
    let refuge = Door::to_nodes(&cluster.targets(), Landing::InTurn);
    let site = Site {
        door: Door::new(&victim.target()),
        meter: Meter::new(cluster.pids()),
        ..site.clone()
    };
    storm::weather(&site, clients, refuge, seed, || victim.kill())
}
