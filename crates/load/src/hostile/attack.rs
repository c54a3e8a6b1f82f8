//! What attackers do, each with a connection of its own.

use crate::wire::{frame, request, upgrade};
use clap::ValueEnum;
use std::{net::SocketAddr, time::Duration};

/// An attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Attack {
    /// Requests that come at a byte a second
    SlowHandshakes,
    /// Connections that ask without end and never read
    NeverReading,
    /// Pings as fast as they are answered
    Pings,
    /// Logins of users that are not there, from hundreds of addresses
    Logins,
    /// Wrong passwords for one account, from hundreds of addresses
    WrongPasswords,
    /// Messages as long as they may be
    LongMessages,
    /// Thousands of connections from one address
    OneAddress,
    /// More connections than the server has file descriptors
    Descriptors,
}

/// How an attack is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// How many connections there are at once.
    pub(crate) crowd: usize,
    /// From how many addresses.
    pub(crate) sources: u8,
    /// How often each connection sends.
    pub(crate) tick: Duration,
    /// Whether what the server says is read.
    pub(crate) reads: bool,
}

impl Attack {
    /// All of them.
    pub(crate) const ALL: [Self; 8] = [
        Self::SlowHandshakes,
        Self::NeverReading,
        Self::Pings,
        Self::Logins,
        Self::WrongPasswords,
        Self::LongMessages,
        Self::OneAddress,
        Self::Descriptors,
    ];

    /// Its name in a report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SlowHandshakes => "slow handshakes",
            Self::NeverReading => "never reading",
            Self::Pings => "pings",
            Self::Logins => "logins",
            Self::WrongPasswords => "wrong passwords",
            Self::LongMessages => "long messages",
            Self::OneAddress => "one address",
            Self::Descriptors => "no descriptors",
        }
    }

    /// Whether a password costs what it costs by default.
    pub(crate) const fn is_about_passwords(self) -> bool {
        matches!(self, Self::Logins | Self::WrongPasswords)
    }

    pub(crate) const fn plan(self) -> Plan {
        let (crowd, sources, tick_ms) = match self {
            Self::SlowHandshakes => (2_000, 1, 1_000),
            Self::NeverReading => (50, 1, 20),
            Self::Pings => (20, 1, 5),
            Self::Logins | Self::WrongPasswords => (200, 200, 200),
            Self::LongMessages => (20, 1, 20),
            Self::OneAddress => (3_000, 1, 1_000),
            Self::Descriptors => (3_000, 60, 1_000),
        };
        Plan {
            crowd,
            sources,
            tick: Duration::from_millis(tick_ms),
            reads: !matches!(self, Self::NeverReading),
        }
    }

    /// What an attacker sends as soon as it is connected.
    pub(crate) fn greeting(self, server: SocketAddr, attacker: usize) -> Vec<u8> {
        let mut greeting = upgrade::request(&server.to_string(), "/ws/");
        match self {
            Self::SlowHandshakes => greeting.truncate(1),
            Self::LongMessages => {
                let mut login = Vec::new();
                request::login(&mut login, &format!("attacker-{attacker}"), "correct horse");
                greeting.extend(login);
            }
            Self::NeverReading
            | Self::Pings
            | Self::Logins
            | Self::WrongPasswords
            | Self::OneAddress
            | Self::Descriptors => {}
        }
        greeting
    }

    /// What it sends at its tick `number`, from 1 up.
    pub(crate) fn more(self, server: SocketAddr, attacker: usize, number: usize) -> Vec<u8> {
        let mut more = Vec::new();
        match self {
            Self::SlowHandshakes => {
                let request = upgrade::request(&server.to_string(), "/ws/");
                more.extend(request.get(number));
            }
            Self::NeverReading => {
                let mut ping = Vec::new();
                frame::write_text(&mut ping, &[r#"{"type":"Ping"}"#]);
                more = ping.repeat(1_000);
            }
            Self::Pings => {
                let mut ping = Vec::new();
                frame::write_ping(&mut ping, &[b'x'; 125]);
                more = ping.repeat(20);
            }
            Self::Logins => {
                let name = format!("nobody-{attacker}-{number}");
                request::login(&mut more, &name, "wrong");
            }
            Self::WrongPasswords => request::login(&mut more, "victim", "a wrong password"),
            Self::LongMessages => {
                let pad = "x".repeat(60_000);
                frame::write_text(&mut more, &[r#"{"type":"Ping","pad":""#, &pad, r#""}"#]);
            }
            Self::OneAddress | Self::Descriptors => {}
        }
        more
    }
}
