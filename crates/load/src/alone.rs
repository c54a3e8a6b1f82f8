//! One scenario against a server that runs already.

use crate::{
    cli::{Idle, Login, Refresh, Resume, Running},
    error::{Doing, Error},
    fleet::{Door, Ending},
    meter::Meter,
    report::Measurement,
    scenario::{Site, idle, login, refresh, resume},
    target::Target,
    watch::Watch,
};
use rustix::process::Pid;

/// `handfast-load resume`
///
/// # Errors
/// What any client meets.
pub(crate) fn resume(options: &Resume) -> Result<Vec<Measurement>, Error> {
    let clients = options.clients.count();
    on(
        &options.running,
        options.leaving.close,
        1,
        |site| match options.rate.rate {
            Some(rate) => resume::latency(site, clients, rate, "resume"),
            None => resume::throughput(site, clients),
        },
    )
}

/// `handfast-load refresh`
///
/// # Errors
/// What any client meets.
pub(crate) fn refresh(options: &Refresh) -> Result<Vec<Measurement>, Error> {
    let clients = options.clients.count();
    on(&options.running, Ending::Reset, 1, |site| {
        match options.rate.rate {
            Some(rate) => refresh::latency(site, clients, rate, "refresh"),
            None => refresh::throughput(site, clients),
        }
    })
}

/// `handfast-load login`
///
/// # Errors
/// What any client meets.
pub(crate) fn login(options: &Login) -> Result<Vec<Measurement>, Error> {
    let clients = options.clients.count();
    let rate = options.rate.rate;
    let kinds = if rate.is_some() { 1 } else { 2 };
    on(
        &options.running,
        options.leaving.close,
        kinds,
        |site| match rate {
            Some(rate) => login::latency(site, clients, rate, "login"),
            None => login::throughput(site, clients, ""),
        },
    )
}

/// `handfast-load idle`
///
/// # Errors
/// What any client meets.
pub(crate) fn idle(options: &Idle) -> Result<Vec<Measurement>, Error> {
    let connections = options.connections as usize;
    on(&options.running, Ending::Reset, 1, |site| {
        idle::hold_and_weigh(site, connections)
    })
}

fn on(
    running: &Running,
    ending: Ending,
    kinds: u32,
    measure: impl FnOnce(&Site) -> Result<Vec<Measurement>, Error>,
) -> Result<Vec<Measurement>, Error> {
    let target = Target::parse(&running.url, running.reach())?;
    let server = running.pid.and_then(Pid::from_raw);
    if let Some(server) = server {
        rustix::process::test_kill_process(server)
            .doing(|| format!("looking for process {server}"))?;
    }
    let pace = running.rounds.pace();
    let site = Site {
        operators: None,
        door: Door::new(&target).ending(ending).sources(running.sources),
        meter: Meter::new(server),
        watch: Watch::begin(u64::from(kinds * pace.rounds))?,
        pace,
    };
    measure(&site)
}
