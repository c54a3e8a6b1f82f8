//! Nodes that share a database: how much they do, and how fast one hears of the other.

use super::{MANY_CLIENTS, sizes::Plan, workbench::Workbench};
use crate::{
    error::Error,
    fleet::Landing,
    report::{
        Chapter,
        plot::{Axis, Plot, Point, Scale, Series},
    },
    scenario::{refresh, resume, revoke},
    server::Fanout,
};
use std::time::Duration;

/// Refreshes a second at which their times are told.
const REFRESH_RATE: u32 = 5_000;
/// How long a session that is revoked on one node may live on another, at the 99th percentile, in milliseconds.
const REVOCATIONS: [(Fanout, &str, f64); FANOUTS] = [
    (Fanout::Notify, "LISTEN/NOTIFY", 20.0),
    (Fanout::Redis, "Redis", 10.0),
];
/// By how many ways nodes tell each other.
pub(super) const FANOUTS: usize = 2;

/// How much several nodes do on one database.
pub(super) fn throughput(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let mut rows = Vec::new();
    let mut curves = ["refresh", "resume"].map(|name| (name, Vec::new()));
    let clients = MANY_CLIENTS as usize;
    for &nodes in &plan.nodes {
        bench.with_nodes(nodes, Fanout::Notify, Landing::InTurn, |site, _| {
            let on = format!("{nodes} on PostgreSQL");
            let both = [
                refresh::on_nodes(site, clients, &on)?,
                resume::on_nodes(site, clients, &on)?,
            ];
            for ((_, points), row) in curves.iter_mut().zip(both) {
                points.extend(row.first().map(|row| Point::of(nodes, row)));
                rows.extend(row);
            }
            let refresh = format!("refresh, {on}");
            rows.extend(refresh::latency(site, clients, REFRESH_RATE, &refresh)?);
            Ok(())
        })?;
    }
    Ok(Chapter {
        title: "Nodes that share a database",
        about: format!(
            "{MANY_CLIENTS} clients on so many nodes, all on this machine with their PostgreSQL, so that more nodes do \
             not have more processors. A client that comes back lands on one node after the other."
        ),
        rows,
        plots: vec![Plot {
            name: "nodes",
            title: "Resumes and live refreshes a second, on nodes that share a database",
            x: Axis::new("nodes", Scale::FewSizes),
            y: Axis::new("a second", Scale::FromZero),
            series: curves
                .map(|(name, points)| Series::of_sizes(name, points))
                .into(),
        }],
    })
}

/// How fast one node closes what another revoked.
pub(super) fn revocations(bench: &mut Workbench) -> Result<Chapter, Error> {
    let mut rows = Vec::new();
    let mut series = Vec::new();
    for (fanout, name, aim_ms) in REVOCATIONS {
        let revocations = bench.with_nodes(2, fanout, Landing::ByClient, |site, _| {
            revoke::latency(site, name)
        })?;
        rows.extend(revocations.figures(name, aim_ms));
        let times = revocations.times();
        series.push(Series::of_times(name, &times, Duration::from_millis(1)));
    }
    Ok(Chapter {
        title: "Sessions that are revoked",
        about: "From `Revoke` on one node to the close frame on another, by the two ways that nodes tell each other."
            .to_owned(),
        rows,
        plots: vec![Plot {
            name: "revocation",
            title: "Revoked on one node, closed on another",
            x: Axis::new("milliseconds", Scale::FromZero),
            y: Axis::new("per cent are closed", Scale::FromZero),
            series,
        }],
    })
}
