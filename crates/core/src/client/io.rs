//! What goes into the machine and what comes out.

use crate::{
    framing::Frame,
    message::Secret,
    session::{Refusal, RevocationReason},
    time::Moment,
};
use alloc::string::String;

/// 128 random bits that the host draws for each call. One call uses them for one thing: an attempt key, or a wait.
#[derive(Clone, Copy, Debug)]
pub struct Entropy(pub [u8; 16]);

/// Who rotates a token that grows old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Initiative {
    /// The server, by a push.
    Server,
    /// The client, by presenting at `refresh_at`.
    Client,
}

/// Why a client is logged out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It never was in, or logged out itself.
    LoggedOut,
    /// Its token was refused.
    Refused(Refusal),
    /// Its session was revoked elsewhere.
    Revoked(Option<RevocationReason>),
    /// Its session is past its time.
    Expired,
}

/// What a person would be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientState {
    /// No connection; the next one is tried at this moment, or when the host says so.
    Waiting {
        /// When.
        until: Option<Moment>,
    },
    /// A connection is being made.
    Connecting,
    /// Nobody is logged in. Where there is no connection either, the next login makes one.
    LoggedOut(Ended),
    /// A token or a password is being looked at.
    Authenticating,
    /// The session goes on on this connection.
    Authenticated,
}

/// What happened. What does not fit the client's state changes nothing: a message on a connection that it has left, a
/// second `Start`.
#[derive(Debug)]
pub enum ClientInput<'a> {
    /// The host wants a connection now, without waiting any longer.
    Start,
    /// The WebSocket is open, with the subprotocol accepted.
    Opened,
    /// A text message arrived.
    Text(&'a str),
    /// A binary message arrived.
    Binary(&'a [u8]),
    /// The WebSocket is closed, with this code if it was closed properly.
    Closed(Option<u16>),
    /// Time has passed.
    Tick,
    /// A person wants to log in. Without a connection this is refused, to be tried again; a client that stays away
    /// connects by it.
    Login {
        /// The user name.
        username: &'a str,
        /// The password.
        password: &'a Secret,
        /// Whether the account is to be made.
        register: bool,
    },
    /// A person wants to log out. Only a server can end a session: without a connection nothing happens.
    Logout {
        /// On all devices.
        everywhere: bool,
    },
    /// Rotate now, if the connection is there.
    Refresh,
}

/// What the host must do. It stores the storage first, if that changed.
#[derive(Debug)]
pub enum ClientOutput {
    /// Open a WebSocket that offers `handfast.v1`.
    Connect,
    /// Send this text frame.
    Send(String),
    /// Hand a frame to the application.
    Application(Frame),
    /// The login was refused: no such account, or not its password; or try again after so many seconds.
    LoginRefused {
        /// The wait, where there is one.
        retry_after: Option<u64>,
    },
}
