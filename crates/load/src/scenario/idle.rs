//! Clients that are logged in and do nothing but answer pings: what they weigh, and what their heartbeat costs.

use super::{
    Site,
    accounts::{Accounts, Afterwards, log_in},
    scrape,
};
use crate::{
    clock,
    error::Error,
    fleet::{Behaviour, Fleet},
    meter::{Cost, Meter},
    report::{Aim, Measurement, Round},
    server::usage::Memory,
    wire::answer::Answer,
};
use std::{collections::VecDeque, time::Duration};

/// What an idle connection may weigh, in bytes, where there are so many that what they share does not count.
const WEIGHT_AIM: Aim = Aim::AtMost(1536.0);
const WEIGHT_CONNECTIONS: usize = 10_000;
/// What the heartbeat of a connection may cost, in per cent of a core.
const HEARTBEAT_AIM: f64 = 0.5 / 10_000.0;

/// What a scrape of the metrics may take of the server's processor, in milliseconds.
const SCRAPE_AIM: Aim = Aim::AtMost(50.0);

/// How often the memory of a server that settles is read.
const SAMPLE: Duration = Duration::from_millis(500);
/// How many samples in a row have to be alike.
const SAMPLES: usize = 12;
/// How much samples that are alike may differ.
const ALIKE_BYTES: u64 = 256 * 1024;
/// After how many samples the last one is taken as it is.
const SAMPLES_MAX: usize = 120;

/// The memory of a server without and with idle connections, and what its metrics cost with them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weight {
    connections: usize,
    before: Memory,
    after: Memory,
    scrape_ms: Option<f64>,
}

/// Weighs `connections` that logged in: the server's memory before the first and, once it has settled, after the
/// last.
///
/// # Errors
/// What any client meets.
pub(crate) fn weigh(site: &Site, connections: usize) -> Result<Option<Weight>, Error> {
    let mut fleet = Fleet::new(site.door.clone(), connections, &site.watch)?;
    let Some(before) = settled(&mut fleet, site)? else {
        return Ok(None);
    };
    log_in(&mut fleet, site, &mut Accounts::new(), Afterwards::Stay)?;
    site.watch.say(format!("{connections} idle connections"));
    let after = settled(&mut fleet, site)?;
    let scrape_ms = scrape::cost_ms(site)?;
    site.watch.round_done();
    Ok(after.map(|after| Weight {
        connections,
        before,
        after,
        scrape_ms,
    }))
}

/// What several weighings tell.
pub(crate) fn weights(weights: &[Weight]) -> Vec<Measurement> {
    let Some(first) = weights.first() else {
        return Vec::new();
    };
    let row = |what: &str, unit, aim, value: &dyn Fn(&Weight) -> f64| {
        let rounds = weights
            .iter()
            .map(|weight| Round::of(value(weight)))
            .collect();
        Measurement::new(
            format!("idle, {} connections, {what}", first.connections),
            unit,
            aim,
            rounds,
        )
    };
    let weight_aim = (first.connections >= WEIGHT_CONNECTIONS).then_some(WEIGHT_AIM);
    let mut rows = vec![
        row("resident", "B each", weight_aim, &|weight| {
            weight.each(|memory| memory.resident_bytes)
        }),
        row("anonymous", "B each", None, &|weight| {
            weight.each(|memory| memory.anonymous_bytes)
        }),
        row("resident before", "MiB", None, &|weight| {
            mib(weight.before.resident_bytes)
        }),
        row("resident after", "MiB", None, &|weight| {
            mib(weight.after.resident_bytes)
        }),
    ];
    if first.scrape_ms.is_some() {
        rows.push(row("a scrape", "ms CPU", Some(SCRAPE_AIM), &|weight| {
            weight.scrape_ms.unwrap_or_default()
        }));
    }
    rows
}

impl Weight {
    fn each(&self, bytes: impl Fn(&Memory) -> u64) -> f64 {
        (bytes(&self.after) as f64 - bytes(&self.before) as f64) / self.connections as f64
    }
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// What the heartbeat of `connections` costs, in rounds of two intervals.
///
/// # Errors
/// What any client meets; [`Error::NoAnswers`] where a round passed without every connection being pinged.
pub(crate) fn heartbeat(
    site: &Site,
    connections: usize,
    interval: Duration,
) -> Result<Vec<Measurement>, Error> {
    let mut fleet = prepare(site, connections)?;
    settled(&mut fleet, site)?;
    site.watch
        .say(format!("heartbeat of {connections} connections"));
    let mut rounds = Vec::new();
    for _ in 0..site.pace.rounds {
        let before = fleet.pings();
        let cost = hold(&mut fleet, &site.meter, 2 * interval)?;
        let pings = fleet.pings() - before;
        if pings < connections as u64 {
            return Err(Error::NoAnswers);
        }
        rounds.push(Round {
            value: 100.0 * cost.server_cpu_seconds.unwrap_or_default() / cost.seconds,
            operations: Some(pings),
            cost: Some(cost),
        });
        site.watch.round_done();
    }
    let name = format!("heartbeat, {connections} connections");
    Ok(vec![Measurement::new(
        name,
        "% core",
        Some(Aim::AtMost(HEARTBEAT_AIM * connections as f64)),
        rounds,
    )])
}

/// Holds `connections` for as many rounds as there are; tells what they weigh, and what each round costs the server.
///
/// # Errors
/// What any client meets.
pub(crate) fn hold_and_weigh(site: &Site, connections: usize) -> Result<Vec<Measurement>, Error> {
    let mut fleet = Fleet::new(site.door.clone(), connections, &site.watch)?;
    let before = site.meter.memory()?;
    log_in(&mut fleet, site, &mut Accounts::new(), Afterwards::Stay)?;
    let after = settled(&mut fleet, site)?;
    let weight = before.zip(after).map(|(before, after)| Weight {
        connections,
        before,
        after,
        scrape_ms: None,
    });
    let mut measurements = weights(weight.as_slice());
    measurements.push(pings(&mut fleet, site)?);
    Ok(measurements)
}

/// Clients that are logged in and stay.
///
/// # Errors
/// What any client meets.
pub(crate) fn prepare(site: &Site, connections: usize) -> Result<Fleet, Error> {
    let mut fleet = Fleet::new(site.door.clone(), connections, &site.watch)?;
    log_in(&mut fleet, site, &mut Accounts::new(), Afterwards::Stay)?;
    Ok(fleet)
}

/// Holds all connections for as many rounds as there are; tells how often they are pinged, and what that costs.
///
/// # Errors
/// What any client meets.
pub(crate) fn pings(fleet: &mut Fleet, site: &Site) -> Result<Measurement, Error> {
    let mut rounds = Vec::new();
    for _ in 0..site.pace.rounds {
        let pings = fleet.pings();
        let cost = hold(fleet, &site.meter, site.pace.round)?;
        rounds.push(Round::throughput(fleet.pings() - pings, cost));
        site.watch.round_done();
    }
    let name = format!("pings of {} connections", fleet.clients());
    Ok(Measurement::new(name, "/s", None, rounds))
}

fn hold(fleet: &mut Fleet, meter: &Meter, time: Duration) -> Result<Cost, Error> {
    let mark = meter.mark()?;
    fleet.run(&mut Hold, clock::now() + time)?;
    meter.since(mark)
}

/// Holds all connections until the server's memory stays alike: an allocator gives back what it does not use with
/// some delay. `None` where the server's process is not known.
fn settled(fleet: &mut Fleet, site: &Site) -> Result<Option<Memory>, Error> {
    let mut samples = VecDeque::with_capacity(SAMPLES);
    // Who measures for less than a second wants to see that it works, not what comes out.
    let sample = SAMPLE.min(site.pace.round);
    for _ in 0..SAMPLES_MAX {
        let Some(memory) = site.meter.memory()? else {
            return Ok(None);
        };
        if samples.len() == SAMPLES {
            samples.pop_front();
        }
        samples.push_back(memory.resident_bytes);
        if samples.len() == SAMPLES && are_alike(&samples) {
            return Ok(Some(memory));
        }
        fleet.run(&mut Hold, clock::now() + sample)?;
    }
    site.meter.memory()
}

fn are_alike(samples: &VecDeque<u64>) -> bool {
    let least = samples.iter().min().copied().unwrap_or_default();
    let most = samples.iter().max().copied().unwrap_or_default();
    most - least <= ALIKE_BYTES
}

/// Nothing is asked; the fleet answers pings, and what the server pushes is left aside.
struct Hold;

impl Behaviour for Hold {
    fn opened(&mut self, _fleet: &mut Fleet, _client: usize) -> Result<(), Error> {
        Ok(())
    }

    fn answered(
        &mut self,
        _fleet: &mut Fleet,
        _client: usize,
        _answer: Answer<'_>,
    ) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_connection_weighs_is_the_growth_divided_among_all() {
        let memory = |bytes| Memory {
            resident_bytes: bytes,
            anonymous_bytes: bytes / 2,
        };
        let weight = Weight {
            connections: 100,
            before: memory(1_000_000),
            after: memory(1_100_000),
            scrape_ms: None,
        };
        let rows = weights(&[weight]);
        let values: Vec<f64> = rows.iter().map(|row| row.rounds[0].value).take(2).collect();
        assert_eq!(values, [1000.0, 500.0]);
    }

    #[test]
    fn memory_that_still_shrinks_has_not_settled() {
        let samples = VecDeque::from([30 << 20, 20 << 20, 20 << 20]);
        assert!(!are_alike(&samples));
        let samples = VecDeque::from([20 << 20, (20 << 20) + 4096, 20 << 20]);
        assert!(are_alike(&samples));
    }
}
