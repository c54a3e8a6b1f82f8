//! What an operator may set, with defaults that fit most.

use crate::{address::AddressLimits, origin::AllowedOrigins};
use arc_swap::{ArcSwap, Guard};
use handfast_core::{
    limits::{ConnectionLimits, PASSWORD_BYTES, USERNAME_CHARS},
    rate::Rate,
    session::TokenPolicy,
};
use ipnet::IpNet;
use std::{ops::Deref, sync::Arc, time::Duration};

/// Everything that a node is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The bounds of one connection's time and requests.
    pub connection: ConnectionLimits,
    /// The bounds of one connection's bytes.
    pub transport: TransportLimits,
    /// How long tokens and sessions live.
    pub tokens: TokenPolicy,
    /// How many connections may come from one address.
    pub addresses: AddressLimits,
    /// How often things may be tried.
    pub rates: Rates,
    /// How long user names and passwords may be.
    pub logins: LoginLimits,
    /// How many sessions one subject may have; the longest unseen one makes room. `None` lifts it.
    pub sessions_per_subject: Option<u32>,
    /// Which other origins' pages may connect.
    pub allowed_origins: AllowedOrigins,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The settings in force, exchanged as a whole while they are read.
#[derive(Debug)]
pub(crate) struct LiveSettings(ArcSwap<InForce>);

#[derive(Debug)]
struct InForce {
    settings: Settings,
    /// The same as in the settings, for connections to hold: what a client was told at its upgrade stays so for it.
    connection: Arc<ConnectionLimits>,
}

/// The settings in force at one moment. Who needs two of them that fit together takes both from one of these.
pub(crate) struct Current(Guard<Arc<InForce>>);

impl LiveSettings {
    pub(crate) fn new(settings: Settings) -> Self {
        Self(ArcSwap::from_pointee(InForce::new(settings)))
    }

    /// What is in force now. It costs no lock, and is not to be kept for long.
    pub(crate) fn current(&self) -> Current {
        Current(self.0.load())
    }

    /// Goes on with `settings`.
    pub(crate) fn replace(&self, settings: Settings) {
        self.0.store(Arc::new(InForce::new(settings)));
    }
}

impl InForce {
    fn new(settings: Settings) -> Self {
        Self {
            connection: Arc::new(settings.connection),
            settings,
        }
    }
}

impl Current {
    /// The limits that a new connection is held to.
    pub(crate) fn connection_limits(&self) -> Arc<ConnectionLimits> {
        Arc::clone(&self.0.connection)
    }
}

impl Deref for Current {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.0.settings
    }
}

/// The bounds of one connection's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportLimits {
    /// The longest message, in bytes.
    pub message_bytes: usize,
    /// The longest message before a login, in bytes.
    pub message_before_login_bytes: usize,
    /// How much may wait for a client that does not read, in bytes, before it is closed.
    pub outgoing_bytes: usize,
    /// How many frames one message may be cut into.
    pub fragments_per_message: u32,
    /// How long a message may take from its first byte to its last.
    pub message: Duration,
    /// How long a client may take to answer a close frame. After a mistake of the client's, the program's answers to what
    /// came before it are a part of this time.
    pub close_handshake: Duration,
    /// How many connections this node takes. `None` lifts it.
    pub connections: Option<u32>,
}

/// How long user names and passwords may be. The protocol's own bounds hold as well; these can only be tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginLimits {
    /// A user name, in characters.
    pub username_chars: usize,
    /// A password, in bytes.
    pub password_bytes: usize,
}

/// How often things may be tried; `None` lifts a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Logins to one account, wherever they come from.
    pub logins_per_account: Option<Rate>,
    /// Logins from one address, to whatever account.
    pub logins_per_address: Option<Rate>,
    /// Presentations of one session's tokens.
    pub presentations_per_session: Option<Rate>,
}

impl Default for Settings {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            connection: ConnectionLimits::default(),
            transport: TransportLimits::default(),
            tokens: TokenPolicy {
                lifetime: 7 * DAY,
                session_lifetime: 30 * DAY,
                roll_forward: false,
            },
            addresses: AddressLimits {
                connections: Some(1000),
                unauthenticated: Some(100),
            },
            rates: Rates::default(),
            logins: LoginLimits {
                username_chars: USERNAME_CHARS,
                password_bytes: PASSWORD_BYTES,
            },
            sessions_per_subject: Some(100),
            allowed_origins: AllowedOrigins::default(),
            trusted_proxies: Vec::new(),
        }
    }
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            message_before_login_bytes: 4 * 1024,
            outgoing_bytes: 256 * 1024,
            fragments_per_message: 1024,
            message: Duration::from_secs(30),
            close_handshake: Duration::from_secs(5),
            connections: None,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        const TEN_SECONDS: Duration = Duration::from_secs(10);
        Self {
            logins_per_account: Some(Rate {
                count: 10,
                window: MINUTE,
            }),
            logins_per_address: Some(Rate {
                count: 30,
                window: MINUTE,
            }),
            presentations_per_session: Some(Rate {
                count: 6,
                window: TEN_SECONDS,
            }),
        }
    }
}
