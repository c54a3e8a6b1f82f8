//! Everything that is bounded, with its type and its default.

use super::{
    reader::Reader,
    sections::{MILLISECOND, SECOND},
    value::Size,
};
use handfast_core::{
    limits::{PASSWORD_BYTES, USERNAME_CHARS},
    rate::Rate,
};
use std::time::Duration;

/// `[limits]`; `None` is what `"off"` makes of a limit.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Logins for one account, whoever tries.
    pub(crate) logins_per_account: Option<Rate>,
    /// Logins from one address, whatever the account.
    pub(crate) logins_per_address: Option<Rate>,
    /// Presentations of tokens of one session.
    pub(crate) presentations_per_session: Option<Rate>,
    /// Live sessions of one subject; one more revokes the one unseen for longest.
    pub(crate) sessions_per_subject: Option<u32>,
    /// Connections of the whole server.
    pub(crate) connections: Option<u32>,
    /// Connections from one address.
    pub(crate) connections_per_address: Option<u32>,
    /// Connections from one address that have not logged in.
    pub(crate) unauthenticated_per_address: Option<u32>,
    /// The largest message.
    pub(crate) message_bytes: usize,
    /// The largest message before login.
    pub(crate) message_before_login_bytes: usize,
    /// What may wait to be sent on a connection before it counts as a slow consumer.
    pub(crate) outgoing_bytes: usize,
    /// From accepting a connection to its upgrade.
    pub(crate) handshake: Duration,
    /// From sending a close frame to the peer's.
    pub(crate) close_handshake: Duration,
    /// From the first byte of a message to its last.
    pub(crate) message: Duration,
    /// Invalid requests on one connection before it is closed.
    pub(crate) invalid_requests: u32,
    /// Fragments that one message may come in.
    pub(crate) fragments_per_message: u32,
    /// The longest username.
    pub(crate) username_characters: usize,
    /// The longest password.
    pub(crate) password_bytes: usize,
}

impl Limits {
    pub(super) fn read(reader: &mut Reader) -> Self {
        Self {
            logins_per_account: reader.setting("limits.logins_per_account", rate(10, 60 * SECOND)),
            logins_per_address: reader.setting("limits.logins_per_address", rate(30, 60 * SECOND)),
            presentations_per_session: reader
                .setting("limits.presentations_per_session", rate(6, 10 * SECOND)),
            sessions_per_subject: reader.liftable_count("limits.sessions_per_subject", Some(100)),
            connections: reader.liftable_count("limits.connections", None),
            connections_per_address: reader
                .liftable_count("limits.connections_per_address", Some(1_000)),
            unauthenticated_per_address: reader
                .liftable_count("limits.unauthenticated_per_address", Some(100)),
            message_bytes: reader.bytes("limits.message_bytes", Size::of_kib(64), Size::of_kib(1)),
            // Less than 1 KiB has no room for a presentation.
            message_before_login_bytes: reader.bytes(
                "limits.message_before_login_bytes",
                Size::of_kib(4),
                Size::of_kib(1),
            ),
            outgoing_bytes: reader.bytes(
                "limits.outgoing_bytes",
                Size::of_kib(256),
                Size::of_kib(4),
            ),
            handshake: reader.duration("limits.handshake", 5 * SECOND, MILLISECOND),
            close_handshake: reader.duration("limits.close_handshake", 5 * SECOND, MILLISECOND),
            message: reader.duration("limits.message", 30 * SECOND, MILLISECOND),
            invalid_requests: reader.count("limits.invalid_requests", 32),
            fragments_per_message: reader.count("limits.fragments_per_message", 1_024),
            username_characters: reader.within(
                "limits.username_characters",
                USERNAME_CHARS,
                &(1..=USERNAME_CHARS),
            ),
            password_bytes: reader
                .within(
                    "limits.password_bytes",
                    Size::of_bytes(PASSWORD_BYTES),
                    &(Size::of_bytes(128)..=Size::of_bytes(PASSWORD_BYTES)),
                )
                .bytes(),
        }
    }
}

const fn rate(count: u32, window: Duration) -> Option<Rate> {
    Some(Rate { count, window })
}
