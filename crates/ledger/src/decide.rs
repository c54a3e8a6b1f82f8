//! From what a batch asks and what is stored to what is answered and written: the same for every backend.

use crate::{
    backend::{Stored, Transaction, Wanted},
    entry::{Acknowledge, Entry, Push},
    error::{LedgerError, StorageError},
    intent::{Change, Create, Ended, Origin, Ownership, Present, PresentedSession, Revoke, Scope},
    slot::{Known, Slot, Subject, merge},
};
use handfast_core::{
    session::{
        self, Acknowledged, ConnectionId, Presented, Pushed, Refusal, RevocationReason, SessionId,
        SessionRecord, TokenPolicy,
    },
    time::Timestamp,
};
use std::collections::HashMap;

/// What a batch must read before it can be decided.
pub(crate) fn wanted(batch: &[Entry]) -> Wanted<'_> {
    let mut wanted = Wanted::default();
    for entry in batch {
        match entry {
            Entry::Create(ask) => {
                wanted.sessions.push(ask.intent.session);
                wanted.joined.push(&ask.intent.subject);
                if ask.intent.sessions_max.is_some() {
                    wanted.subjects.push(&ask.intent.subject);
                }
            }
            Entry::Present(ask) => wanted.sessions.push(ask.intent.session),
            Entry::Push(ask) => wanted.sessions.push(ask.intent.session),
            Entry::Acknowledge(ask) => wanted.sessions.push(ask.intent.session),
            Entry::Revoke(ask) => match &ask.intent.scope {
                Scope::Session { session, .. } => wanted.sessions.push(*session),
                Scope::Subject { subject, .. } => wanted.subjects.push(subject),
            },
            Entry::Examine(ask) => {
                let sessions = ask.intent.iter().map(|ownership| ownership.session);
                wanted.sessions.extend(sessions);
            }
            Entry::List(_)
            | Entry::Session(_)
            | Entry::ChangesSince(_)
            | Entry::Sweep(_)
            | Entry::Check(_) => {}
        }
    }
    wanted.sessions.sort_unstable();
    wanted.sessions.dedup();
    wanted.subjects.sort_unstable();
    wanted.subjects.dedup();
    wanted.joined.sort_unstable();
    wanted.joined.dedup();
    wanted
}

/// A change that others are told of.
enum Told {
    /// The batch makes it.
    Made(Change),
    /// It was made before, and is found by who asks.
    Seen(Change),
}

/// What others are told of a batch once it is committed, in the order of its decisions.
#[derive(Default)]
pub(crate) struct News {
    pub(crate) changes: Vec<Change>,
    pub(crate) ended: Vec<Ended>,
}

/// Who causes a change.
#[derive(Clone, Copy)]
struct Cause<'b> {
    connection: Option<ConnectionId>,
    address: Option<&'b str>,
}

impl<'b> Cause<'b> {
    fn connection(connection: ConnectionId, origin: Option<&'b Origin>) -> Self {
        Self {
            connection: Some(connection),
            address: origin.map(|origin| &*origin.address),
        }
    }
}

/// The sessions that a batch decides about, as they are at this point of the batch.
pub(crate) struct WorkingSet<'b> {
    /// In ascending order of the sessions' names; also places for wanted sessions that do not exist.
    slots: Vec<Slot<'b>>,
    /// The places of the wanted subjects' sessions.
    of_subject: HashMap<Box<str>, Vec<usize>>,
    /// What is told, in the order of the decisions.
    told: Vec<Told>,
    /// The sessions that the batch ends, in the same order.
    ended: Vec<Ended>,
    now: Timestamp,
    policy: TokenPolicy,
}

impl<'b> WorkingSet<'b> {
    pub(crate) fn new(wanted: &Wanted<'_>, mut found: Vec<Stored>, policy: TokenPolicy) -> Self {
        found.sort_unstable_by_key(|stored| stored.session);
        found.dedup_by_key(|stored| stored.session);
        let mut set = Self {
            slots: merge(&wanted.sessions, found),
            of_subject: wanted
                .subjects
                .iter()
                .map(|&subject| (subject.into(), Vec::new()))
                .collect(),
            told: Vec::new(),
            ended: Vec::new(),
            now: Timestamp::default(),
            policy,
        };
        if !set.of_subject.is_empty() {
            for (place, slot) in set.slots.iter().enumerate() {
                let places = slot
                    .known
                    .as_ref()
                    .and_then(|known| set.of_subject.get_mut(known.subject.as_str()));
                if let Some(places) = places {
                    places.push(place);
                }
            }
        }
        set
    }

    /// Decides at `now` whatever in `batch` is about sessions, one after the other.
    pub(crate) fn decide(&mut self, batch: &'b mut [Entry], now: Timestamp) {
        self.now = now;
        for entry in batch {
            match entry {
                Entry::Create(ask) => ask.decide(|create| self.create(create)),
                Entry::Present(ask) => ask.decide(|present| Ok(self.present(present))),
                Entry::Push(ask) => ask.decide(|push| Ok(self.push(push))),
                Entry::Acknowledge(ask) => {
                    ask.decide(|acknowledge| Ok(self.acknowledge(acknowledge)));
                }
                Entry::Revoke(ask) => ask.decide(|revoke| Ok(self.revoke(revoke))),
                Entry::Examine(ask) => ask.decide(|ownerships| Ok(self.examine(ownerships))),
                Entry::List(_)
                | Entry::Session(_)
                | Entry::ChangesSince(_)
                | Entry::Sweep(_)
                | Entry::Check(_) => {}
            }
        }
    }

    /// Whether anything that was decided is to be written.
    pub(crate) fn has_changed(&self) -> bool {
        self.slots.iter().any(|slot| slot.write().is_some())
    }

    /// Writes what was decided; gives what others must be told of it once it is committed.
    pub(crate) fn store(self, transaction: &mut impl Transaction) -> Result<News, StorageError> {
        let writes: Vec<_> = self.slots.iter().filter_map(Slot::write).collect();
        if !writes.is_empty() {
            let made = self.told.iter().filter_map(|told| match told {
                Told::Made(change) => Some(*change),
                Told::Seen(_) => None,
            });
            transaction.store(&writes, &made.collect::<Vec<_>>(), self.now)?;
        }
        let told = self.told.into_iter();
        Ok(News {
            changes: told
                .map(|(Told::Made(change) | Told::Seen(change))| change)
                .collect(),
            ended: self.ended,
        })
    }

    fn create(&mut self, create: &'b Create) -> Result<SessionRecord, LedgerError> {
        let place = self.place(create.session);
        let place = place.filter(|&place| self.slots[place].known.is_none());
        let place = place.ok_or(LedgerError::SessionExists(create.session))?;
        if let Some(sessions_max) = create.sessions_max {
            self.make_room(create, sessions_max);
        }
        let record = session::create(create.owner, create.key, self.now, &self.policy);
        self.slots[place].known = Some(Known {
            subject: Subject::New(&create.subject),
            record,
            changed: true,
            created: Some(create),
            origin: None,
            revoked: false,
        });
        if let Some(places) = self.of_subject.get_mut(&create.subject) {
            places.push(place);
        }
        Ok(record)
    }

    /// Ends the longest unseen sessions of the subject, so that with the new one it has no more than `sessions_max`.
    fn make_room(&mut self, create: &Create, sessions_max: u32) {
        let mut live = self.places_of(&create.subject);
        live.retain(|&place| {
            self.record(place)
                .is_some_and(|record| record.is_live(self.now))
        });
        let others_max = usize::try_from(sessions_max.saturating_sub(1)).unwrap_or(usize::MAX);
        let excess = live.len().saturating_sub(others_max);
        live.sort_unstable_by_key(|&place| {
            let seen = self
                .record(place)
                .map(|record| (record.last_seen_at, record.created_at));
            (seen, self.slots[place].session)
        });
        let cause = Cause::connection(create.owner, Some(&create.origin));
        for place in live.into_iter().take(excess) {
            self.end(place, RevocationReason::Limit, cause);
        }
    }

    fn present(&mut self, present: &'b Present) -> PresentedSession {
        let Some((place, former)) = self.find(present.session) else {
            return PresentedSession {
                presented: Presented::Refused(Refusal::Unknown),
                record: None,
            };
        };
        let presentation = &present.presentation;
        let (record, presented) = session::present(former, presentation, self.now, &self.policy);
        let origin = present.origin.as_ref();
        let cause = Cause::connection(presentation.connection, origin);
        self.replace(place, record, origin, cause);
        PresentedSession {
            presented,
            record: Some(record),
        }
    }

    fn push(&mut self, push: &Push) -> (Pushed, Option<SessionRecord>) {
        let Some((place, former)) = self.find(push.session) else {
            return (Pushed::Ended, None);
        };
        let (record, pushed) = session::push(former, push.connection, self.now, &self.policy);
        self.replace(
            place,
            record,
            None,
            Cause::connection(push.connection, None),
        );
        (pushed, Some(record))
    }

    fn acknowledge(&mut self, acknowledge: &Acknowledge) -> Acknowledged {
        let &Acknowledge {
            session,
            generation,
            connection,
        } = acknowledge;
        let Some((place, former)) = self.find(session) else {
            return Acknowledged::Ignored;
        };
        let (record, acknowledged) = session::acknowledge(former, generation, connection, self.now);
        self.replace(place, record, None, Cause::connection(connection, None));
        acknowledged
    }

    fn revoke(&mut self, revoke: &Revoke) -> Vec<SessionId> {
        let places = match &revoke.scope {
            Scope::Session { session, subject } => {
                let mut places: Vec<_> = self.place(*session).into_iter().collect();
                places.retain(|&place| self.belongs(place, subject.as_deref()));
                places
            }
            Scope::Subject { subject, except } => {
                let mut places = self.places_of(subject);
                places.retain(|&place| Some(self.slots[place].session) != *except);
                places
            }
        };
        let cause = Cause {
            connection: revoke.by,
            address: revoke.address.as_deref(),
        };
        let ended = places
            .into_iter()
            .filter(|&place| self.end(place, revoke.reason, cause));
        let ended: Vec<_> = ended.collect();
        ended
            .into_iter()
            .map(|place| self.slots[place].session)
            .collect()
    }

    fn examine(&mut self, ownerships: &[Ownership]) -> Vec<Ownership> {
        let mut of_none = Vec::new();
        for &ownership in ownerships {
            let Ownership {
                session,
                connection,
            } = ownership;
            let Some((_, record)) = self.find(session) else {
                of_none.push(ownership);
                continue;
            };
            let revoked = record.revoked.map(|revocation| revocation.reason);
            if revoked.is_none() && record.owner == Some(connection) {
                continue;
            }
            // A session that ended has ended for everybody who was taken for its owner.
            let (owner, former_owner) = match revoked {
                Some(_) => (Some(connection), None),
                None => (record.owner, Some(connection)),
            };
            self.told.push(Told::Seen(Change {
                session,
                owner,
                former_owner,
                revoked,
                by: None,
            }));
        }
        of_none
    }

    /// Revokes the session at `place`; whether that ended it now.
    fn end(&mut self, place: usize, reason: RevocationReason, cause: Cause<'_>) -> bool {
        let Some(former) = self.record(place).filter(|record| record.revoked.is_none()) else {
            return false;
        };
        let record = session::revoke(former, reason, self.now);
        self.replace(place, record, None, cause);
        true
    }

    /// Takes over what the rule made of a record, with what must be written and told of it.
    fn replace(
        &mut self,
        place: usize,
        record: SessionRecord,
        origin: Option<&'b Origin>,
        cause: Cause<'_>,
    ) {
        let slot = &mut self.slots[place];
        let Some(known) = &mut slot.known else {
            return;
        };
        if record == known.record {
            return;
        }
        let former = std::mem::replace(&mut known.record, record);
        let has_new_owner = record.owner != former.owner;
        let revoked = record.revoked.filter(|_| former.revoked.is_none());
        known.changed = true;
        known.revoked |= revoked.is_some();
        if has_new_owner {
            known.origin = origin.or(known.origin);
        }
        if let Some(revocation) = revoked {
            self.ended.push(Ended {
                session: slot.session,
                subject: known.subject.as_str().into(),
                reason: revocation.reason,
                owner: record.owner,
                by: cause.connection,
                address: cause.address.map(Into::into),
            });
        }
        if has_new_owner || revoked.is_some() {
            self.told.push(Told::Made(Change {
                session: slot.session,
                owner: record.owner,
                former_owner: former.owner.filter(|_| has_new_owner),
                revoked: revoked.map(|revocation| revocation.reason),
                by: cause.connection,
            }));
        }
    }

    fn place(&self, session: SessionId) -> Option<usize> {
        self.slots
            .binary_search_by_key(&session, |slot| slot.session)
            .ok()
    }

    fn find(&self, session: SessionId) -> Option<(usize, SessionRecord)> {
        let place = self.place(session)?;
        Some((place, self.record(place)?))
    }

    fn record(&self, place: usize) -> Option<SessionRecord> {
        self.slots[place].known.as_ref().map(|known| known.record)
    }

    fn places_of(&self, subject: &str) -> Vec<usize> {
        self.of_subject.get(subject).cloned().unwrap_or_default()
    }

    /// Whether the session at `place` is `subject`'s; any session is where no subject is named.
    fn belongs(&self, place: usize, subject: Option<&str>) -> bool {
        let known = self.slots[place].known.as_ref();
        known.is_some_and(|known| subject.is_none_or(|subject| subject == known.subject.as_str()))
    }
}
