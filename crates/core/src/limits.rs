//! Every bound that a connection is held to, by name.

use core::time::Duration;

/// The longest token that is looked at, in bytes.
pub const TOKEN_BYTES: usize = 4096;
/// The longest user name, in characters.
pub const USERNAME_CHARS: usize = 64;
/// The longest public key, as the JSON text of a JWK, in bytes. A P-256 key takes about 130.
pub const KEY_BYTES: usize = 1024;
/// The longest password, in bytes.
pub const PASSWORD_BYTES: usize = 1024;
/// The longest attempt key, in bytes. 22 characters of base64url hold the 128 bits that one needs.
pub const ATTEMPT_BYTES: usize = 128;
/// The shortest attempt key, in bytes.
pub const ATTEMPT_BYTES_MIN: usize = 16;
/// The longest `id` of a request, in bytes.
pub const REQUEST_ID_BYTES: usize = 128;
/// The longest client description that is kept, in bytes.
pub const AGENT_BYTES: usize = 256;

/// How a token reaches its client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenDelivery {
    /// In a message, to be stored by whoever speaks the protocol.
    #[default]
    Message,
    /// In a cookie that no script can read. Messages carry one-time tickets for it.
    Cookie,
}

/// The bounds of one connection that an operator may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// How long a connection may stay without being authenticated.
    pub unauthenticated: Duration,
    /// The time between two pings.
    pub heartbeat_interval: Duration,
    /// How long after the interval a silent connection is given up.
    pub heartbeat_timeout: Duration,
    /// The age at which a token on a live connection is replaced.
    pub refresh_after: Duration,
    /// How many invalid requests one connection may send before it is closed.
    pub invalid_requests: u32,
    /// How tokens reach the client.
    pub delivery: TokenDelivery,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            unauthenticated: Duration::from_secs(300),
            heartbeat_interval: Duration::from_secs(25),
            heartbeat_timeout: Duration::from_secs(10),
            refresh_after: Duration::from_secs(600),
            invalid_requests: 32,
            delivery: TokenDelivery::Message,
        }
    }
}
