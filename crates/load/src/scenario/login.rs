//! A new client: TCP connect, upgrade, `Register` or `Login`, the answer, and away again.

use super::{
    Operation, Site,
    accounts::{Accounts, Afterwards, PASSWORD, log_in},
    at_once, granted, paced,
};
use crate::{
    error::Error,
    fleet::Fleet,
    report::Measurement,
    wire::{answer::Answer, request},
};

/// How many registrations and how many logins a second are served, with `clients` at once. `about` says what hashing
/// a password costs the server.
///
/// # Errors
/// What any client meets.
pub(crate) fn throughput(
    site: &Site,
    clients: usize,
    about: &str,
) -> Result<Vec<Measurement>, Error> {
    let mut measurements = Vec::new();
    for way in [Way::Register, Way::Login] {
        let what = way.describe();
        site.watch.say(format!("{what}{about}"));
        let (mut fleet, enter) = prepare(site, clients, way)?;
        let rounds = at_once::rounds(&mut fleet, site, enter)?;
        let name = format!("{what}{about}, {clients} clients");
        measurements.push(Measurement::new(name, "/s", None, rounds));
    }
    Ok(measurements)
}

/// How long a login takes at `rate` a second. `name` is what the measurement is called.
///
/// # Errors
/// What any client meets.
pub(crate) fn latency(
    site: &Site,
    clients: usize,
    rate: u32,
    name: &str,
) -> Result<Vec<Measurement>, Error> {
    let (mut fleet, enter) = prepare(site, clients, Way::Login)?;
    paced::rounds(&mut fleet, site, rate, name, enter)
}

/// Clients that have an account each, and have left.
fn prepare(site: &Site, clients: usize, way: Way) -> Result<(Fleet, Enter), Error> {
    let mut accounts = Accounts::new();
    let mut fleet = Fleet::new(site.door.clone(), clients, &site.watch)?;
    log_in(&mut fleet, site, &mut accounts, Afterwards::Leave)?;
    let enter = Enter {
        way,
        accounts,
        newest: clients as u64,
        frame: Vec::new(),
    };
    Ok((fleet, enter))
}

/// How a client comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Each time with a new account.
    Register,
    /// Each time with the client's own account.
    Login,
}

impl Way {
    const fn describe(self) -> &'static str {
        match self {
            Self::Register => "registration",
            Self::Login => "login",
        }
    }
}

struct Enter {
    way: Way,
    accounts: Accounts,
    /// The number of the account that was made last.
    newest: u64,
    frame: Vec<u8>,
}

impl Operation for Enter {
    fn start(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        fleet.open(client)
    }

    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        match self.way {
            Way::Register => {
                self.newest += 1;
                request::register(&mut self.frame, self.accounts.name(self.newest), PASSWORD);
            }
            Way::Login => {
                request::login(&mut self.frame, self.accounts.name(client as u64), PASSWORD)
            }
        }
        fleet.send(client, &self.frame)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        let request = match self.way {
            Way::Register => "Register",
            Way::Login => "Login",
        };
        granted(request, answer)?;
        fleet.close(client);
        Ok(())
    }
}
