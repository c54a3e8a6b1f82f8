//! Attackers, all on one thread, for as long as they are wanted.

use super::attack::{Attack, Plan};
use crate::{
    clock,
    error::{Doing, Error},
};
use rustix::{
    io::Errno,
    net::{self, AddressFamily, SocketFlags, SocketType, ipproto},
};
use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How many connections are made in one round through the crowd.
const NEW_PER_ROUND: usize = 200;
/// How long after its connect an attacker first sends more than its greeting: those that log in are to be let in.
const FIRST: Duration = Duration::from_secs(1);
/// How long a round takes at least.
const ROUND: Duration = Duration::from_millis(5);

/// What a crowd has done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Deeds {
    /// Connections that were made.
    pub(crate) connections: u64,
    /// Connections that the server ended.
    pub(crate) ended: u64,
    /// Ticks at which something was sent.
    pub(crate) sent: u64,
}

/// A crowd at work. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Crowd {
    stop: Arc<AtomicBool>,
    _wake: mpsc::Sender<()>,
    thread: Option<JoinHandle<Deeds>>,
}

/// Who is attacked, and how.
#[derive(Debug, Clone, Copy)]
struct Siege {
    attack: Attack,
    plan: Plan,
    server: SocketAddr,
}

struct Attacker {
    stream: TcpStream,
    number: usize,
    ticks: usize,
    next: Instant,
    unsent: Vec<u8>,
}

impl Crowd {
    /// Sets a crowd on a server.
    ///
    /// # Errors
    /// [`Error::System`] where there is no thread for it.
    pub(crate) fn begin(attack: Attack, server: SocketAddr) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let siege = Siege {
            attack,
            plan: attack.plan(),
            server,
        };
        let (wake, asleep) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("attackers".to_owned())
            .spawn(move || work(siege, &stopped, &asleep))
            .doing(|| "starting the attackers' thread".to_owned())?;
        Ok(Self {
            stop,
            _wake: wake,
            thread: Some(thread),
        })
    }

    /// Ends it, with all its connections, and tells what it did.
    ///
    /// # Errors
    /// [`Error::NoAttack`] where it did nothing, of which nobody could say that it was withstood.
    pub(crate) fn end(mut self) -> Result<Deeds, Error> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take();
        let deeds = thread.and_then(|it| it.join().ok());
        deeds
            .filter(|deeds| deeds.connections > 0)
            .ok_or(Error::NoAttack)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn work(siege: Siege, stopped: &AtomicBool, asleep: &mpsc::Receiver<()>) -> Deeds {
    let mut deeds = Deeds::default();
    let mut crowd: Vec<Option<Attacker>> = Vec::new();
    crowd.resize_with(siege.plan.crowd, || None);
    while !stopped.load(Ordering::Relaxed) {
        let now = clock::now();
        let mut new = 0;
        for (number, place) in crowd.iter_mut().enumerate() {
            if let Some(attacker) = place {
                if attacker.act(siege, now, &mut deeds) {
                    continue;
                }
                deeds.ended += 1;
                *place = None;
            }
            if new < NEW_PER_ROUND {
                new += 1;
                *place = Attacker::connect(siege, number, now);
                deeds.connections += u64::from(place.is_some());
            }
        }
        let rest = ROUND.saturating_sub(clock::now().saturating_duration_since(now));
        // Nobody sends: this waits until the time is over.
        asleep.recv_timeout(rest).ok();
    }
    deeds
}

impl Attacker {
    fn connect(siege: Siege, number: usize, now: Instant) -> Option<Self> {
        let Siege {
            attack,
            plan,
            server,
        } = siege;
        let source = u8::try_from(number % usize::from(plan.sources)).unwrap_or_default();
        let source = SocketAddr::from((Ipv4Addr::new(127, 0, 1, source + 1), 0));
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let kind = (AddressFamily::INET, SocketType::STREAM);
        let socket = net::socket_with(kind.0, kind.1, flags, Some(ipproto::TCP)).ok()?;
        net::bind(&socket, &source).ok()?;
        // On loopback it is connected at once, or the server's backlog is full.
        match net::connect(&socket, &server) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(_) => return None,
        }
        Some(Self {
            stream: TcpStream::from(socket),
            number,
            ticks: 0,
            next: now + plan.tick.max(FIRST),
            unsent: attack.greeting(server, number),
        })
    }

    /// Reads and sends what it is time for. `false` if the connection has ended.
    fn act(&mut self, siege: Siege, now: Instant, deeds: &mut Deeds) -> bool {
        let Siege {
            attack,
            plan,
            server,
        } = siege;
        if plan.reads && !self.read() {
            return false;
        }
        if now >= self.next && self.unsent.is_empty() {
            self.next = now + plan.tick;
            self.ticks += 1;
            self.unsent = attack.more(server, self.number, self.ticks);
            deeds.sent += u64::from(!self.unsent.is_empty());
        }
        match self.stream.write(&self.unsent) {
            Ok(sent) => {
                self.unsent.drain(..sent);
                true
            }
            Err(error) => matches!(
                error.kind(),
                ErrorKind::WouldBlock | ErrorKind::NotConnected
            ),
        }
    }

    fn read(&mut self) -> bool {
        let mut scratch = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut scratch) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => {
                    let kind = error.kind();
                    return matches!(kind, ErrorKind::WouldBlock | ErrorKind::NotConnected);
                }
            }
        }
    }
}
