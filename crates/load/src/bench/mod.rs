//! `handfast-load bench`: everything that handfast promises, measured on servers of its own, one after the other.

mod entering;
mod idle;
mod latency;
mod nodes;
mod sizes;
mod storm;
mod workbench;

pub(crate) use sizes::Sizes;

use crate::{
    cli::{Bench, Scenario},
    error::Error,
    fleet,
    report::{Book, Chapter, Machine, Measurement, plot::Point},
    scenario::Pace,
    watch::Watch,
};
use clap::ValueEnum as _;
use sizes::Plan;
use std::time::Duration;
use workbench::Workbench;

/// Clients at once where their number is not what is looked at.
const MANY_CLIENTS: u32 = 256;

/// Measures; gives all figures. Where a report is asked for, it is written after each chapter, so that a run that is
/// ended early leaves what it has.
///
/// # Errors
/// The first that any scenario meets.
pub(crate) fn run(options: &Bench) -> Result<Vec<Measurement>, Error> {
    let book = options.report.as_deref().map(Book::open).transpose()?;
    let (pace, plan) = if book.is_some() {
        let pace = options.rounds.pace_or(3, Duration::from_secs(2));
        (pace, options.sizes.for_report(pace))
    } else {
        let pace = options.rounds.pace();
        (pace, options.sizes.for_table(pace))
    };
    let scenarios = scenarios(options);
    // Servers inherit the limit on open files, so that it is raised before they start.
    let connections = scenarios.iter().map(|&one| most_connections(one, &plan));
    fleet::allow_connections(connections.max().unwrap_or_default() as usize)?;
    let rounds = scenarios.iter().map(|&one| rounds(one, &plan, pace)).sum();
    let mut bench = Workbench::new(options, Watch::begin(rounds)?, pace)?;
    let machine = Machine::here();
    let mut chapters = Vec::new();
    for scenario in scenarios {
        chapters.extend(measure(&mut bench, &plan, scenario)?);
        if let Some(book) = &book {
            book.write(&machine, &chapters)?;
        }
    }
    let rows = chapters.into_iter().flat_map(|chapter| chapter.rows);
    Ok(rows.collect())
}

fn measure(bench: &mut Workbench, plan: &Plan, scenario: Scenario) -> Result<Vec<Chapter>, Error> {
    let chapter = match scenario {
        Scenario::Resume => entering::resume(bench, plan),
        Scenario::Refresh => entering::refresh(bench, plan),
        Scenario::Login => entering::login(bench, plan),
        Scenario::Idle => idle::weigh(bench, plan),
        Scenario::Heartbeat => idle::heartbeat(bench, plan),
        Scenario::Latency => latency::measure(bench, plan),
        Scenario::Nodes => {
            return Ok(vec![
                nodes::throughput(bench, plan)?,
                nodes::revocations(bench)?,
            ]);
        }
        Scenario::Storm => storm::measure(bench, plan),
    };
    Ok(vec![chapter?])
}

fn scenarios(options: &Bench) -> Vec<Scenario> {
    let all = Scenario::value_variants().iter();
    let chosen = all.filter(|scenario| options.only.is_empty() || options.only.contains(scenario));
    chosen.copied().collect()
}

/// Measures at each size; gives all rows, and the first of each size as a point.
fn at_sizes(
    sizes: &[u32],
    mut measure: impl FnMut(u32) -> Result<Vec<Measurement>, Error>,
) -> Result<(Vec<Measurement>, Vec<Point>), Error> {
    let (mut rows, mut points) = (Vec::new(), Vec::new());
    for &size in sizes {
        let told = measure(size)?;
        points.extend(told.first().map(|row| Point::of(size, row)));
        rows.extend(told);
    }
    Ok((rows, points))
}

fn most_connections(scenario: Scenario, plan: &Plan) -> u32 {
    let most = |sizes: &[u32]| sizes.iter().max().copied().unwrap_or_default();
    match scenario {
        Scenario::Idle => most(&plan.idle_connections),
        Scenario::Heartbeat => most(&plan.heartbeat_connections),
        Scenario::Resume | Scenario::Refresh => most(&plan.clients),
        Scenario::Login => most(&plan.login_clients).max(MANY_CLIENTS),
        Scenario::Storm => most(&plan.storm_clients),
        Scenario::Latency | Scenario::Nodes => MANY_CLIENTS,
    }
}

/// How many steps of progress a scenario takes.
fn rounds(scenario: Scenario, plan: &Plan, pace: Pace) -> u64 {
    let (sizes, each) = match scenario {
        Scenario::Resume => (3 * plan.clients.len(), pace.rounds),
        Scenario::Refresh => (2 * plan.clients.len(), pace.rounds),
        Scenario::Login => (2 + 2 * plan.login_clients.len(), pace.rounds),
        Scenario::Idle => (plan.idle_connections.len(), plan.weighings),
        Scenario::Heartbeat => (plan.heartbeat_connections.len(), plan.holds),
        Scenario::Latency => {
            let rates = plan.resume_rates.len() + plan.refresh_rates.len();
            (rates, pace.rounds)
        }
        Scenario::Nodes => (3 * plan.nodes.len() + nodes::FANOUTS, pace.rounds),
        Scenario::Storm => (plan.storm_clients.len(), plan.storms),
    };
    sizes as u64 * u64::from(each)
}
