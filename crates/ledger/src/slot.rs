//! The places of the sessions that a batch decides about.

use crate::{
    backend::{Row, Stored, Write},
    intent::{Create, Origin},
};
use handfast_core::session::{SessionId, SessionRecord};

/// The place of a session.
pub(crate) struct Slot<'b> {
    pub(crate) session: SessionId,
    /// `None` while there is no such session.
    pub(crate) known: Option<Known<'b>>,
}

/// A session that exists, at this point of the batch.
pub(crate) struct Known<'b> {
    pub(crate) subject: Subject<'b>,
    pub(crate) record: SessionRecord,
    pub(crate) changed: bool,
    /// Set if this batch makes the session.
    pub(crate) created: Option<&'b Create>,
    /// Set if this batch gives the session another owner, and it is known where from.
    pub(crate) origin: Option<&'b Origin>,
    /// Whether this batch ends the session.
    pub(crate) revoked: bool,
}

/// A subject's name, from the storage or from the batch.
pub(crate) enum Subject<'b> {
    Stored(Box<str>),
    New(&'b str),
}

impl Slot<'_> {
    /// What this batch has to write of the session.
    pub(crate) fn write(&self) -> Option<Write<'_>> {
        let known = self.known.as_ref().filter(|known| known.changed)?;
        let row = match known.created {
            Some(create) => Row::Insert {
                subject: &create.subject,
                origin: known.origin.unwrap_or(&create.origin),
            },
            None => Row::Update {
                origin: known.origin,
                revoked: known.revoked,
            },
        };
        Some(Write {
            session: self.session,
            record: &known.record,
            row,
        })
    }
}

impl Subject<'_> {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Stored(subject) => subject,
            Self::New(subject) => subject,
        }
    }
}

/// A slot for every session that is wanted or found. Both come in ascending order and without repetition.
pub(crate) fn merge<'b>(wanted: &[SessionId], found: Vec<Stored>) -> Vec<Slot<'b>> {
    let mut slots = Vec::with_capacity(wanted.len().max(found.len()));
    let mut wanted = wanted.iter().copied().peekable();
    for stored in found {
        while let Some(absent) = wanted.next_if(|&wanted| wanted < stored.session) {
            slots.push(Slot {
                session: absent,
                known: None,
            });
        }
        wanted.next_if_eq(&stored.session);
        slots.push(Slot {
            session: stored.session,
            known: Some(Known {
                subject: Subject::Stored(stored.subject),
                record: stored.record,
                changed: false,
                created: None,
                origin: None,
                revoked: false,
            }),
        });
    }
    slots.extend(wanted.map(|session| Slot {
        session,
        known: None,
    }));
    slots
}
