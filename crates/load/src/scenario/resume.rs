//! A returning client: TCP connect, upgrade, `RefreshToken` with its stored token, the answer, and away again.

use super::{
    Operation, Site,
    accounts::{Accounts, Afterwards, log_in},
    at_once, granted, paced,
};
use crate::{
    error::Error,
    fleet::Fleet,
    report::{Aim, Measurement},
    wire::{answer::Answer, request},
};

/// What two cores shall do in a second, load included, for as many clients as keep them busy.
const AIM: Aim = Aim::AtLeast(12_000.0);
const BUSY: usize = 64;

/// How many returns a second are served, with `clients` at once.
///
/// # Errors
/// What any client meets.
pub(crate) fn throughput(site: &Site, clients: usize) -> Result<Vec<Measurement>, Error> {
    site.watch.say("resume");
    let (mut fleet, resume) = prepare(site, clients)?;
    let rounds = at_once::rounds(&mut fleet, site, resume)?;
    let name = format!(
        "resume, {clients} clients, {} at the end",
        site.door.describe_ending()
    );
    let aim = (clients >= BUSY).then_some(AIM);
    Ok(vec![Measurement::new(name, "/s", aim, rounds)])
}

/// How many returns a second nodes serve that share a database, with `clients` at once, each landing on one node after
/// the other.
///
/// # Errors
/// What any client meets.
pub(crate) fn on_nodes(site: &Site, clients: usize, on: &str) -> Result<Vec<Measurement>, Error> {
    site.watch.say(format!("resume, {on}"));
    let (mut fleet, resume) = prepare(site, clients)?;
    let rounds = at_once::rounds(&mut fleet, site, resume)?;
    let name = format!("resume, {clients} clients, {on}");
    Ok(vec![Measurement::new(name, "/s", None, rounds)])
}

/// How long a return takes at `rate` a second. `name` is what the measurement is called.
///
/// # Errors
/// What any client meets.
pub(crate) fn latency(
    site: &Site,
    clients: usize,
    rate: u32,
    name: &str,
) -> Result<Vec<Measurement>, Error> {
    let (mut fleet, resume) = prepare(site, clients)?;
    paced::rounds(&mut fleet, site, rate, name, resume)
}

fn prepare(site: &Site, clients: usize) -> Result<(Fleet, Resume), Error> {
    let mut fleet = Fleet::new(site.door.clone(), clients, &site.watch)?;
    let requests = log_in(&mut fleet, site, &mut Accounts::new(), Afterwards::Leave)?;
    Ok((fleet, Resume { requests }))
}

struct Resume {
    /// Each client's next request.
    requests: Vec<Vec<u8>>,
}

impl Operation for Resume {
    fn start(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        fleet.open(client)
    }

    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        fleet.send(client, &self.requests[client])
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let token = granted("RefreshToken", answer)?;
        request::refresh_token(&mut self.requests[client], token);
        fleet.close(client);
        Ok(())
    }
}
