//! A client that rotates its token itself: `RefreshToken` on its live connection, one at a time.

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
const AIM: Aim = Aim::AtLeast(60_000.0);
const BUSY: usize = 64;
/// What they shall do where nodes share a database, the database included.
const NODES_AIM: Aim = Aim::AtLeast(15_000.0);

/// How many rotations a second are served, with `clients` at once.
///
/// # Errors
/// What any client meets.
pub(crate) fn throughput(site: &Site, clients: usize) -> Result<Vec<Measurement>, Error> {
    site.watch.say("refresh");
    let (mut fleet, refresh) = prepare(site, clients)?;
    let rounds = at_once::rounds(&mut fleet, site, refresh)?;
    let name = format!("refresh, {clients} connections");
    let aim = (clients >= BUSY).then_some(AIM);
    Ok(vec![Measurement::new(name, "/s", aim, rounds)])
}

/// How many rotations a second nodes serve that share a database, with `clients` at once.
///
/// # Errors
/// What any client meets.
pub(crate) fn on_nodes(site: &Site, clients: usize, on: &str) -> Result<Vec<Measurement>, Error> {
    site.watch.say(format!("refresh, {on}"));
    let (mut fleet, refresh) = prepare(site, clients)?;
    let rounds = at_once::rounds(&mut fleet, site, refresh)?;
    let name = format!("refresh, {clients} connections, {on}");
    Ok(vec![Measurement::new(name, "/s", Some(NODES_AIM), rounds)])
}

/// How long a rotation takes at `rate` a second. `name` is what the measurement is called.
///
/// # Errors
/// What any client meets.
pub(crate) fn latency(
    site: &Site,
    clients: usize,
    rate: u32,
    name: &str,
) -> Result<Vec<Measurement>, Error> {
    let (mut fleet, refresh) = prepare(site, clients)?;
    paced::rounds(&mut fleet, site, rate, name, refresh)
}

/// Clients that are logged in and stay, and what they do.
///
/// # Errors
/// What any client meets.
pub(crate) fn prepare(site: &Site, clients: usize) -> Result<(Fleet, Refresh), Error> {
    let mut fleet = Fleet::new(site.door.clone(), clients, &site.watch)?;
    let requests = log_in(&mut fleet, site, &mut Accounts::new(), Afterwards::Stay)?;
    Ok((fleet, Refresh { requests }))
}

/// Presenting on the live connection.
pub(crate) struct Refresh {
    /// Each client's next request.
    requests: Vec<Vec<u8>>,
}

impl Operation for Refresh {
    fn start(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        fleet.send(client, &self.requests[client])
    }

    fn opened(&mut self, _fleet: &mut Fleet, _client: usize) -> Result<(), Error> {
        // All connections were open before.
        Ok(())
    }

    fn answered(
        &mut self,
        _fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let token = granted("RefreshToken", answer)?;
        request::refresh_token(&mut self.requests[client], token);
        Ok(())
    }
}
