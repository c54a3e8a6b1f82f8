//! `handfast-load crowd`: the clients of one node, as a process of their own, since one process may hold only so many
//! connections. It is started by `handfast-load scale`, tells it what happens, and ends with it.

use super::told::{ROTATE, Told};
use crate::{
    cli::Crowd as Options,
    clock,
    error::{Doing, Error},
    fleet::{Behaviour, Door, Fleet, Outcome, Turn},
    scenario::{
        REVOKED,
        accounts::{Accounts, PASSWORD},
        granted,
    },
    target::{Reach, Target},
    watch::Watch,
    wire::{
        answer::{self, Answer},
        request,
    },
};
use std::{
    io::{self, BufRead as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// How many clients do something at the same time: enough for a node to store many things in one transaction, which is
/// what makes many nodes on one database fast.
const AT_ONCE: usize = 64;
/// How many accounts the clients share, beside the ones of those whose sessions may be revoked: making an account is a
/// transaction of its own, and there are fewer people than sessions.
const ACCOUNTS: usize = 4 * AT_ONCE;
/// How often it tells how far it is.
const TELL: Duration = Duration::from_millis(500);
/// The longest that a crowd lives, if whoever started it is gone and did not end it.
const LIFE: Duration = Duration::from_secs(2 * 60 * 60);

/// Logs the clients in, holds them, lets them rotate on the word, and tells whose sessions are revoked.
///
/// # Errors
/// What any client meets. To be interrupted is how it ends.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let target = Target::parse(&options.url, Reach::Loopback)?;
    let watch = Watch::begin(0)?;
    let clients = options.clients as usize;
    let mut fleet = Fleet::new(Door::new(&target), clients, &watch)?;
    let mut crowd = Crowd {
        accounts: Accounts::new(),
        watched: options.watched as usize,
        clients: vec![Client::default(); clients],
        logged_in: 0,
        rotating: listen()?,
        rotation: Rotation::default(),
        started: 0,
        next_tell: clock::now(),
        last_told: None,
        frame: Vec::new(),
    };
    match fleet.run(&mut crowd, clock::now() + LIFE) {
        Ok(Outcome::Done) | Err(Error::Interrupted) => Ok(()),
        Ok(Outcome::TimeOver) => Err(Error::TooSlow("the life of a crowd")),
        Err(error) => Err(error),
    }
}

/// Hears the word. A thread that ends with the process.
fn listen() -> Result<Arc<AtomicBool>, Error> {
    let heard = Arc::new(AtomicBool::new(false));
    let hear = Arc::clone(&heard);
    std::thread::Builder::new()
        .name("word".to_owned())
        .spawn(move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if line == ROTATE {
                    hear.store(true, Ordering::Relaxed);
                }
            }
        })
        .doing(|| "starting a thread that listens".to_owned())?;
    Ok(heard)
}

fn tell(told: &Told) -> Result<(), Error> {
    let mut line = serde_json::to_vec(told).doing(|| "telling what happens".to_owned())?;
    line.push(b'\n');
    io::stdout()
        .lock()
        .write_all(&line)
        .doing(|| "telling what happens".to_owned())
}

#[derive(Debug, Default, Clone)]
struct Client {
    is_logged_in: bool,
    /// Its next `RefreshToken`, as a finished frame.
    request: Box<[u8]>,
    /// Its session, where that may be revoked.
    session: Option<Box<str>>,
    has_rotated: bool,
}

#[derive(Debug, Default)]
struct Rotation {
    started: usize,
    done: usize,
}

struct Crowd {
    accounts: Accounts,
    watched: usize,
    clients: Vec<Client>,
    logged_in: usize,
    rotating: Arc<AtomicBool>,
    rotation: Rotation,
    /// Clients that have begun to log in.
    started: usize,
    next_tell: Instant,
    last_told: Option<Told>,
    frame: Vec<u8>,
}

impl Crowd {
    fn logged_in(&mut self, number: usize, session: Option<&str>) -> Result<(), Error> {
        self.clients[number].is_logged_in = true;
        self.logged_in += 1;
        if number < self.watched
            && let Some(session) = session
        {
            self.clients[number].session = Some(session.into());
            let name = self.accounts.name(number as u64).to_owned();
            let session = session.to_owned();
            tell(&Told::Watched { name, session })?;
        }
        if self.logged_in == self.clients.len() {
            tell(&Told::AllLoggedIn)?;
        }
        Ok(())
    }

    fn rotated(&mut self, number: usize) -> Result<(), Error> {
        if std::mem::replace(&mut self.clients[number].has_rotated, true) {
            return Ok(());
        }
        self.rotation.done += 1;
        if self.rotation.done == self.clients.len() {
            tell(&Told::AllRotated)?;
        }
        Ok(())
    }

    fn tell_progress(&mut self, now: Instant) -> Result<(), Error> {
        if now < self.next_tell {
            return Ok(());
        }
        self.next_tell = now + TELL;
        let progress = Told::Progress {
            logged_in: self.logged_in as u64,
            rotated: self.rotation.done as u64,
        };
        if self.last_told.as_ref() != Some(&progress) {
            tell(&progress)?;
            self.last_told = Some(progress);
        }
        Ok(())
    }
}

impl Behaviour for Crowd {
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error> {
        let account = if client < self.watched {
            client
        } else {
            self.watched + client % ACCOUNTS
        };
        request::login(
            &mut self.frame,
            self.accounts.name(account as u64),
            PASSWORD,
        );
        fleet.send(client, &self.frame)
    }

    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error> {
        // Two first logins to one account at the same time: the slower one makes no account, so it tries again.
        if let Answer::Other(message) = answer
            && answer::kind(message) == Some("InvalidPassword")
            && !self.clients[client].is_logged_in
        {
            return self.opened(fleet, client);
        }
        let token = granted("Login or RefreshToken", answer)?;
        request::refresh_token(&mut self.frame, token);
        self.clients[client].request = self.frame.as_slice().into();
        if !self.clients[client].is_logged_in {
            let session = match answer {
                Answer::Granted(grant) => grant.session(),
                Answer::Other(_) => None,
            };
            self.logged_in(client, session)
        } else if self.rotating.load(Ordering::Relaxed) {
            self.rotated(client)
        } else {
            Ok(())
        }
    }

    fn closed(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        code: Option<u16>,
        reason: &[u8],
    ) -> Result<(), Error> {
        let at_nanos = clock::monotonic_nanos();
        let (Some(REVOKED), Some(session)) = (code, self.clients[client].session.take()) else {
            return Err(Error::closed(code, reason));
        };
        fleet.close(client);
        let session = session.into();
        tell(&Told::Closed { session, at_nanos })
    }

    fn turn(&mut self, fleet: &mut Fleet, now: Instant) -> Result<Turn, Error> {
        self.tell_progress(now)?;
        let clients = self.clients.len();
        while self.started < clients && self.started - self.logged_in < AT_ONCE {
            fleet.open(self.started)?;
            self.started += 1;
        }
        if self.rotating.load(Ordering::Relaxed) {
            let rotation = &mut self.rotation;
            while rotation.started < clients
                && rotation.started - rotation.done.min(rotation.started) < AT_ONCE
            {
                fleet.send(rotation.started, &self.clients[rotation.started].request)?;
                rotation.started += 1;
            }
        }
        Ok(Turn::WaitUntil(self.next_tell))
    }
}
