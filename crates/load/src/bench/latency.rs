//! How long people wait, against how much is asked for.

use super::{MANY_CLIENTS, sizes::Plan, workbench::Workbench};
use crate::{
    error::Error,
    report::{
        Chapter, Measurement, count,
        plot::{Axis, Plot, Point, Scale, Series},
    },
    scenario::{paced, refresh, resume},
    server::Hashing,
};

/// Resumes and refreshes at fixed rates.
pub(super) fn measure(bench: &mut Workbench, plan: &Plan) -> Result<Chapter, Error> {
    let clients = MANY_CLIENTS as usize;
    let (resumes, refreshes) = bench.with_server(Hashing::TurnedDown, |site| {
        let resumes = sweep(&plan.resume_rates, |rate| {
            resume::latency(site, clients, rate, "resume")
        })?;
        let refreshes = sweep(&plan.refresh_rates, |rate| {
            refresh::latency(site, clients, rate, "refresh")
        })?;
        Ok((resumes, refreshes))
    })?;
    let about = format!(
        "{MANY_CLIENTS} clients start at a fixed rate, whether or not the server keeps up. A time runs from the instant \
         at which an operation was due, so that a pause of the server counts for everything that it kept waiting. \
         Where more is asked for than the machine does, times grow with the length of the round.{}{}",
        resumes.told("resumes"),
        refreshes.told("refreshes"),
    );
    let plots = vec![
        resumes.plot("latency-resume", "How long a resume takes"),
        refreshes.plot("latency-refresh", "How long a live refresh takes"),
    ];
    let mut rows = resumes.rows;
    rows.extend(refreshes.rows);
    Ok(Chapter {
        title: "How long it takes",
        about,
        rows,
        plots,
    })
}

/// What was measured at rising rates.
struct Sweep {
    rows: Vec<Measurement>,
    /// For each percentile that is told, its curve.
    curves: Vec<Vec<Point>>,
    /// The rate that was too much, if one was.
    too_much: Option<u32>,
}

/// Measures at each rate until one is too much; but the first may not be.
fn sweep(
    rates: &[u32],
    measure: impl Fn(u32) -> Result<Vec<Measurement>, Error>,
) -> Result<Sweep, Error> {
    let mut sweep = Sweep {
        rows: Vec::new(),
        curves: vec![Vec::new(); paced::PERCENTILES.len()],
        too_much: None,
    };
    for &rate in rates {
        match measure(rate) {
            Ok(rows) => {
                for (curve, row) in sweep.curves.iter_mut().zip(&rows) {
                    curve.push(Point::of(rate, row));
                }
                sweep.rows.extend(rows);
            }
            Err(Error::Overloaded(_) | Error::TooSlow(_)) if !sweep.rows.is_empty() => {
                sweep.too_much = Some(rate);
                break;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(sweep)
}

impl Sweep {
    fn told(&self, what: &str) -> String {
        self.too_much
            .map(|rate| format!(" {} {what} a second were too much.", count(rate)))
            .unwrap_or_default()
    }

    fn plot(&self, name: &'static str, title: &'static str) -> Plot {
        let named = paced::PERCENTILES.iter().zip(&self.curves);
        Plot {
            name,
            title,
            x: Axis::new("asked for, a second", Scale::Sizes),
            y: Axis::new("milliseconds", Scale::Ratio),
            series: named
                .map(|((label, _), points)| Series::of_sizes(*label, points.clone()))
                .collect(),
        }
    }
}
