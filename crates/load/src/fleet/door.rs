//! How connections are opened and closed.

use crate::{
    error::{Doing, Error},
    target::Target,
    wire::upgrade,
};
use rustix::{
    fd::OwnedFd,
    io::{self, Errno},
    net::{
        self, AddressFamily, SendFlags, SocketFlags, SocketType, ipproto,
        sockopt::{set_socket_linger, set_tcp_nodelay},
    },
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

/// File descriptors beside the connections.
const OTHER_DESCRIPTORS: u64 = 32;

/// How a client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Ending {
    /// With a TCP reset, which leaves no socket in TIME_WAIT behind
    Reset,
    /// With a TCP FIN, as a process that ends does
    Fin,
}

/// To which of several nodes a client connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Landing {
    /// To one after the other, whichever client it is, as behind a load balancer.
    InTurn,
    /// To the same one always: client 0 to the first, client 1 to the second, and so on.
    ByClient,
}

/// The way to a server, or to several nodes.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    nodes: Vec<Node>,
    landing: Landing,
    next_node: usize,
    /// The addresses to come from, in turn; empty to leave it to the kernel.
    sources: Vec<SocketAddr>,
    next_source: usize,
    ending: Ending,
}

#[derive(Debug, Clone)]
struct Node {
    address: SocketAddr,
    upgrade: Vec<u8>,
}

impl Door {
    /// The way to `target`, from the kernel's choice of an address; clients leave with a reset.
    pub(crate) fn new(target: &Target) -> Self {
        Self::to_nodes(std::slice::from_ref(target), Landing::InTurn)
    }

    /// The way to any of `targets`, of which there is at least one.
    pub(crate) fn to_nodes(targets: &[Target], landing: Landing) -> Self {
        let node = |target: &Target| Node {
            address: target.address,
            upgrade: upgrade::request(&target.authority, &target.path),
        };
        Self {
            nodes: targets.iter().map(node).collect(),
            landing,
            next_node: 0,
            sources: Vec::new(),
            next_source: 0,
            ending: Ending::Reset,
        }
    }

    /// Lets clients leave in another way.
    #[must_use]
    pub(crate) fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    /// How clients leave, in a word.
    pub(crate) const fn describe_ending(&self) -> &'static str {
        match self.ending {
            Ending::Reset => "reset",
            Ending::Fin => "FIN",
        }
    }

    /// Spreads the connections over `count` addresses from 127.0.0.1 on: one address has about 28,000 ports, and
    /// servers limit what comes from one. It has no effect on servers that are not on an IPv4 loopback address.
    #[must_use]
    pub(crate) fn sources(mut self, count: u16) -> Self {
        let is_loopback = |node: &Node| match node.address.ip() {
            IpAddr::V4(address) => address.is_loopback(),
            IpAddr::V6(_) => false,
        };
        if self.nodes.iter().all(is_loopback) && count > 1 {
            let source = |offset| {
                let ip = Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + u32::from(offset));
                SocketAddr::from((ip, 0))
            };
            self.sources = (0..count).map(source).collect();
        }
        self
    }

    /// Connects a client and asks for the upgrade; gives the socket, and what is left to send.
    ///
    /// On loopback the handshake of TCP is over when `connect` returns, so that the upgrade goes out without a wait.
    pub(super) fn open(&mut self, client: usize) -> Result<(OwnedFd, Vec<u8>), Error> {
        let number = match self.landing {
            Landing::InTurn => self.next_node,
            Landing::ByClient => client,
        };
        self.next_node = self.next_node.wrapping_add(1);
        let index = number % self.nodes.len();
        self.try_open(index).map_err(|error| Error::Connect {
            address: self.nodes[index].address,
            source: error.into(),
        })
    }

    fn try_open(&mut self, index: usize) -> io::Result<(OwnedFd, Vec<u8>)> {
        let Node { address, upgrade } = &self.nodes[index];
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
        // A pong and a request behind it must not wait for each other.
        set_tcp_nodelay(&socket, true)?;
        match self.ending {
            Ending::Reset => set_socket_linger(&socket, Some(Duration::ZERO))?,
            Ending::Fin => {}
        }
        if let Some(source) = self.sources.get(self.next_source) {
            net::bind(&socket, source)?;
            self.next_source = (self.next_source + 1) % self.sources.len();
        }
        match net::connect(&socket, address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error),
        }
        let sent = match net::send(&socket, upgrade, SendFlags::NOSIGNAL) {
            Ok(sent) => sent,
            Err(Errno::AGAIN) => 0,
            Err(error) => return Err(error),
        };
        Ok((socket, upgrade[sent..].to_vec()))
    }
}

/// Raises the limit on open files as far as `connections` need it, also for the processes that are started later.
pub(crate) fn allow_connections(connections: usize) -> Result<(), Error> {
    let wanted = connections as u64 + OTHER_DESCRIPTORS;
    let limits = getrlimit(Resource::Nofile);
    if limits.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    if let Some(limit) = limits.maximum.filter(|maximum| *maximum < wanted) {
        return Err(Error::Descriptors { wanted, limit });
    }
    let raised = Rlimit {
        current: limits.maximum,
        ..limits
    };
    setrlimit(Resource::Nofile, raised).doing(|| "raising the limit on open files".to_owned())
}
