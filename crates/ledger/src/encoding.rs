//! Changes as bytes, and back: in a log that is stored, and in messages between nodes.
//!
//! A change is a byte that says which connections follow, the code of the reason, the session, and then the owner, the
//! former owner and the connection that caused it, as far as there are any.

use crate::intent::Change;
use handfast_core::session::{ConnectionId, RevocationReason, SessionId};

/// The most bytes that one change takes.
pub(crate) const CHANGE_BYTES_MAX: usize = 2 + 4 * 16;

const OWNER: u8 = 1;
const FORMER_OWNER: u8 = 2;
const BY: u8 = 4;

/// Appends `change` to `bytes`.
pub(crate) fn encode(change: &Change, bytes: &mut Vec<u8>) {
    let Change {
        session,
        owner,
        former_owner,
        revoked,
        by,
    } = *change;
    let connections = [(OWNER, owner), (FORMER_OWNER, former_owner), (BY, by)];
    let present = connections
        .iter()
        .filter(|(_, connection)| connection.is_some());
    let follows = present.fold(0, |follows, (flag, _)| follows | flag);
    bytes.extend([follows, revoked.map_or(0, code)]);
    bytes.extend(session.as_bytes());
    for connection in connections
        .into_iter()
        .filter_map(|(_, connection)| connection)
    {
        bytes.extend(connection.to_bytes());
    }
}

/// The number of a reason in the log, which is not to change; 0 is none.
const fn code(reason: RevocationReason) -> u8 {
    match reason {
        RevocationReason::Logout => 1,
        RevocationReason::Reused => 2,
        RevocationReason::Admin => 3,
        RevocationReason::PasswordChanged => 4,
        RevocationReason::Limit => 5,
    }
}

/// The reason of number `number`, or the absence of one; `None` where no reason has that number.
fn reason(number: u8) -> Option<Option<RevocationReason>> {
    if number == 0 {
        return Some(None);
    }
    let mut reasons = RevocationReason::ALL.into_iter();
    reasons.find(|&reason| code(reason) == number).map(Some)
}

/// Appends the changes in `bytes` to `changes`.
pub(crate) fn decode(bytes: &[u8], changes: &mut Vec<Change>) -> Result<(), NotChanges> {
    let mut reader = Reader(bytes);
    while !reader.0.is_empty() {
        changes.push(reader.change().ok_or(NotChanges)?);
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn change(&mut self) -> Option<Change> {
        let [follows, number] = self.take()?;
        let revoked = reason(number)?;
        let session = SessionId::from_bytes(self.take()?);
        let mut connection = |flag| {
            if follows & flag == 0 {
                Some(None)
            } else {
                self.take().map(ConnectionId::from_bytes).map(Some)
            }
        };
        Some(Change {
            session,
            owner: connection(OWNER)?,
            former_owner: connection(FORMER_OWNER)?,
            revoked,
            by: connection(BY)?,
        })
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
}

/// The bytes are not what [`encode`] wrote.
#[derive(Debug, thiserror::Error)]
#[error("these bytes are no changes")]
pub(crate) struct NotChanges;
