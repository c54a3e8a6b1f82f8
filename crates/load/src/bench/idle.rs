//! What connections weigh and cost that do nothing, against how many there are.

use super::{at_sizes, sizes::Plan, workbench::Workbench};
use crate::{
    error::Error,
    report::{
        Chapter,
        plot::{Axis, Plot, Scale, Series},
    },
    scenario::{Pace, Site, idle},
    server::{Hashing, Settings},
};

const CONNECTIONS: Axis = Axis::new("connections", Scale::Sizes);

/// Each weighing has a server of its own, whose memory nobody has used before.
pub(super) fn weigh(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let (rows, points) = at_sizes(&plan.idle_connections, |connections| {
        let mut weights = Vec::new();
        for _ in 0..plan.weighings {
            let weight = bench.with_server(Hashing::TurnedDown, |site| {
                idle::weigh(site, connections as usize)
            })?;
            weights.extend(weight);
        }
        Ok(idle::weights(&weights))
    })?;
    Ok(Chapter {
        title: "What an idle connection weighs",
        about: "The resident memory of a server before the first and after the last of so many connections that logged \
                in, divided among them. Buffers of the kernel are not in it."
            .to_owned(),
        rows,
        plots: vec![Plot {
            name: "memory",
            title: "Resident memory of an idle connection",
            x: CONNECTIONS,
            y: Axis::new("bytes each", Scale::FromZero),
            series: vec![Series::of_sizes("resident", points)],
        }],
    })
}

/// All of them hang on one server, which pings each once in an interval.
pub(super) fn heartbeat(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let interval = plan.heartbeat_interval;
    let (rows, points) = at_sizes(&plan.heartbeat_connections, |connections| {
        let interval_text = format!("{}s", interval.as_secs());
        let settings = Settings {
            hashing: Hashing::TurnedDown,
            more: vec![("HANDFAST_HEARTBEAT__INTERVAL", interval_text)],
        };
        bench.with_server(settings, |site| {
            let pace = Pace {
                rounds: plan.holds,
                ..site.pace
            };
            let site = Site {
                pace,
                ..site.clone()
            };
            idle::heartbeat(&site, connections as usize, interval)
        })
    })?;
    Ok(Chapter {
        title: "What idle connections cost",
        about: format!(
            "The processor time of a server whose connections do nothing but answer a ping every {} seconds, over two \
             of these intervals.",
            interval.as_secs()
        ),
        rows,
        plots: vec![Plot {
            name: "heartbeat",
            title: "Processor time of idle connections",
            x: CONNECTIONS,
            y: Axis::new("per cent of a core", Scale::FromZero),
            series: vec![Series::of_sizes("heartbeat", points)],
        }],
    })
}
