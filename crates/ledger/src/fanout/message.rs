//! What nodes send each other.
//!
//! A message is a version, flags, the node that sends it, and changes. One without changes only shows that its way is
//! open.

use crate::{
    encoding::{CHANGE_BYTES_MAX, decode, encode},
    intent::Change,
};

/// The most bytes that are taken for a message, whatever a medium would carry.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// What every medium must be able to carry: a message of one change.
pub const MESSAGE_BYTES_MIN: usize = HEADER_BYTES + CHANGE_BYTES_MAX;

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 10;
/// More changed than the message says: who hears it has to look at the log.
const READ_LOG: u8 = 1;

/// What one node tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// Who tells it.
    pub(super) node: u64,
    /// Whether the log of changes has more to say than this message.
    pub(super) read_log: bool,
    /// In the order of their commits.
    pub(super) changes: Vec<Change>,
}

/// The bytes are no message that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAMessage;

/// How many changes surely fit into a message of `message_bytes`.
pub(super) const fn capacity(message_bytes: usize) -> usize {
    message_bytes.saturating_sub(HEADER_BYTES) / CHANGE_BYTES_MAX
}

impl Message {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + self.changes.len() * CHANGE_BYTES_MAX);
        bytes.extend([VERSION, if self.read_log { READ_LOG } else { 0 }]);
        bytes.extend(self.node.to_be_bytes());
        for change in &self.changes {
            encode(change, &mut bytes);
        }
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, NotAMessage> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(NotAMessage);
        }
        let (header, rest) = bytes
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(NotAMessage)?;
        let &[VERSION, flags @ (0 | READ_LOG), ref node @ ..] = header else {
            return Err(NotAMessage);
        };
        let mut changes = Vec::new();
        decode(rest, &mut changes).map_err(|_| NotAMessage)?;
        Ok(Self {
            node: u64::from_be_bytes(*node),
            read_log: flags == READ_LOG,
            changes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handfast_core::session::{ConnectionId, RevocationReason, SessionId};

    fn change(number: u8, reason: Option<RevocationReason>) -> Change {
        let connection = |node| {
            Some(ConnectionId {
                node,
                number: number.into(),
            })
        };
        Change {
            session: SessionId::from_bytes([number; 16]),
            owner: connection(1),
            former_owner: connection(2).filter(|_| reason.is_none()),
            revoked: reason,
            by: connection(3).filter(|_| number.is_multiple_of(2)),
        }
    }

    fn message() -> Message {
        let reasons = RevocationReason::ALL.into_iter().map(Some).chain([None]);
        let changes = (1..).zip(reasons);
        Message {
            node: 0x0102_0304_0506_0708,
            read_log: true,
            changes: changes
                .map(|(number, reason)| change(number, reason))
                .collect(),
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let message = message();
        assert_eq!(Message::read(&message.write()), Ok(message));
    }

    #[test]
    fn as_many_changes_as_are_said_to_fit_do() {
        let mut message = message();
        let largest = Change {
            by: Some(ConnectionId { node: 3, number: 3 }),
            ..change(1, None)
        };
        message.changes = vec![largest; capacity(MESSAGE_BYTES_MAX)];
        assert_eq!(Message::read(&message.write()), Ok(message.clone()));
        assert_eq!(capacity(MESSAGE_BYTES_MIN), 1);
        message.changes.push(largest);
        assert_eq!(Message::read(&message.write()), Err(NotAMessage));
    }

    #[test]
    fn what_is_cut_off_of_another_version_or_no_message_at_all_is_not_read() {
        let whole = message().write();
        for length in 0..HEADER_BYTES {
            assert_eq!(Message::read(&whole[..length]), Err(NotAMessage));
        }
        assert_eq!(Message::read(&whole[..whole.len() - 1]), Err(NotAMessage));
        let mut newer = whole.clone();
        newer[0] = VERSION + 1;
        assert_eq!(Message::read(&newer), Err(NotAMessage));
        let mut flagged = whole.clone();
        flagged[1] = 2;
        assert_eq!(Message::read(&flagged), Err(NotAMessage));
        let mut reason = whole;
        reason[HEADER_BYTES + 1] = u8::MAX;
        assert_eq!(Message::read(&reason), Err(NotAMessage));
        assert_eq!(Message::read(b"PING, says somebody else"), Err(NotAMessage));
    }
}
