//! The machine's questions, as the ledger is asked them, and its answers.

use super::{check::Floor, fault::Sabotage, world::World};
use handfast_core::{
    connection::{Question, Reply},
    message::{Grant, InvalidReason, Secret},
    rate::Rate,
    session::{
        AttemptHash, ConnectionId, Evidence, Generation, Presentation, Presented, Pushed, Refusal,
        RevocationReason, SessionId, SessionRecord,
    },
    time::{Clock as _, Moment, Timestamp},
};
use handfast_ledger::{
    Create, LedgerError, Origin, Present, PresentedSession, Receipt, Revoke, Scope,
};
use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

/// What a driver's own constants and defaults are in `handfast`.
const PRESENTATION_DEADLINE: Duration = Duration::from_secs(10);
const PRESENTATIONS: Rate = Rate {
    count: 6,
    window: Duration::from_secs(10),
};
const RETRY_AFTER: u64 = 2;

/// A question that the ledger is to answer.
pub(super) struct Pending {
    asked: Asked,
    /// Until when somebody waits for the answer.
    due: Option<Moment>,
    /// What was known of its session when it was asked.
    floor: Floor,
}

enum Asked {
    Login(SessionId, Box<str>, Receipt<SessionRecord>),
    Present(SessionId, Generation, Receipt<PresentedSession>),
    Push(SessionId, Receipt<(Pushed, Option<SessionRecord>)>),
    Revoke(Receipt<Vec<SessionId>>),
}

impl World {
    /// Sets about answering a question, or answers it at once.
    pub(super) fn ask(&mut self, line: u64, question: Question) -> Option<Reply> {
        let (node, by) = self.place_of(line)?;
        let name = SessionId::from_bytes(self.bytes());
        let it = &self.nodes[node];
        let due = Some(it.clock.now().moment.after(PRESENTATION_DEADLINE));
        let (asked, due) = match question {
            Question::Login { credentials, .. } => {
                let subject = credentials.username;
                let create = Create {
                    session: name,
                    subject: subject.clone(),
                    origin: Origin::default(),
                    owner: by,
                    key: None,
                    sessions_max: None,
                };
                (Asked::Login(name, subject, it.ledger.create(create)), due)
            }
            Question::Present {
                token,
                attempt,
                bound,
                ..
            } => match self.present((node, by), &token, attempt, bound) {
                Ok(asked) => (asked, due),
                Err(reply) => return Some(reply),
            },
            Question::Push { session } => (Asked::Push(session, it.ledger.push(session, by)), due),
            Question::Logout { session, .. } => {
                if self.is_sabotaged(Sabotage::EndsNothing) {
                    self.watch.ended(session);
                    return Some(Reply::Ended);
                }
                let revoke = Revoke {
                    scope: Scope::Session {
                        session,
                        subject: None,
                    },
                    reason: RevocationReason::Logout,
                    by: Some(by),
                    address: None,
                };
                // However long that takes: to say that nothing has ended would be a guess.
                (Asked::Revoke(it.ledger.revoke(revoke)), None)
            }
            Question::Cookie
            | Question::List
            | Question::Revoke { .. }
            | Question::ChangePassword { .. } => return Some(unavailable()),
        };
        let session = asked.session();
        let pending = Pending {
            floor: session
                .map(|session| self.watch.floor(session))
                .unwrap_or_default(),
            asked,
            due,
        };
        if let Some(served) = self.served(line) {
            served.session = pending.takes().or(served.session);
            served.pending = Some(pending);
        }
        self.decide_soon(node);
        None
    }

    /// Verifies a token and hands it to the ledger.
    fn present(
        &mut self,
        (node, connection): (usize, ConnectionId),
        token: &Secret,
        attempt: Option<AttemptHash>,
        bound: Option<SessionId>,
    ) -> Result<Asked, Reply> {
        let now = self.nodes[node].clock.now();
        let attempt = attempt.filter(|_| !self.is_sabotaged(Sabotage::ForgetsAttemptKeys));
        let (session, presented, expires_at) =
            verify(token.expose()).ok_or(Reply::Refused(Refusal::Malformed))?;
        if expires_at <= now.unix {
            return Err(Reply::Refused(Refusal::Expired));
        }
        if bound.is_some_and(|bound| bound != session) {
            return Err(Reply::Invalid(InvalidReason::OtherSession));
        }
        let takes_old_for_new = self.is_sabotaged(Sabotage::TakesOldForNew);
        let stored = takes_old_for_new
            .then(|| self.storage.look_at(session))
            .flatten();
        let generation = stored.map_or(presented, |stored| stored.record.issued);
        let it = &mut self.nodes[node];
        let taken = it.presentations.entry(session).or_default();
        taken
            .take(PRESENTATIONS, now.moment)
            .map_err(|exceeded| Reply::TooManyRequests {
                retry_after: exceeded.retry_after.as_secs() + 1,
            })?;
        let present = Present {
            session,
            presentation: Presentation {
                generation,
                evidence: attempt.map_or(Evidence::Bare, Evidence::Attempt),
                connection,
            },
            origin: None,
            deadline: now.moment.after(PRESENTATION_DEADLINE),
        };
        Ok(Asked::Present(
            session,
            presented,
            it.ledger.present(present),
        ))
    }

    /// Lets the answers go that a node's ledger has given.
    pub(super) fn answer_all(&mut self, node: usize) {
        let refresh_after = self.limits.refresh_after;
        let mut answered = Vec::new();
        for (line, served) in &mut self.nodes[node].served {
            let Some(mut pending) = served.pending.take() else {
                continue;
            };
            match pending.poll(refresh_after) {
                Poll::Ready(reply) => answered.push((*line, pending, reply)),
                Poll::Pending => served.pending = Some(pending),
            }
        }
        for (line, pending, reply) in answered {
            self.watch_reply(&pending, &reply);
            self.take_reply(line, reply);
        }
        self.follow_on(node);
    }

    fn watch_reply(&mut self, pending: &Pending, reply: &Reply) {
        let presented = match (&pending.asked, reply) {
            (Asked::Present(_, generation, _), _) => Some(*generation),
            (Asked::Login(..) | Asked::Push(..) | Asked::Revoke(_), _) => None,
        };
        let (count, grant) = match reply {
            Reply::LoggedIn { grant, .. } => (&mut self.counts.logins, grant),
            Reply::Presented { grant, .. } => (&mut self.counts.presentations, grant),
            Reply::Pushed(grant) => (&mut self.counts.pushes, grant),
            _ => return,
        };
        *count += 1;
        self.watch.granted(grant, presented, pending.floor);
    }
}

impl Asked {
    const fn session(&self) -> Option<SessionId> {
        match self {
            Self::Login(session, ..) | Self::Present(session, ..) | Self::Push(session, _) => {
                Some(*session)
            }
            Self::Revoke(_) => None,
        }
    }

    /// The answer, once the ledger has given it.
    fn poll(&mut self) -> Poll<Result<Reached, LedgerError>> {
        match self {
            Self::Login(.., receipt) => polled(receipt).map_ok(Reached::Login),
            Self::Present(.., receipt) => polled(receipt).map_ok(Reached::Presented),
            Self::Push(_, receipt) => polled(receipt).map_ok(Reached::Pushed),
            Self::Revoke(receipt) => polled(receipt).map_ok(|_| Reached::Ended),
        }
    }
}

/// What the ledger came to.
enum Reached {
    Login(SessionRecord),
    Presented(PresentedSession),
    Pushed((Pushed, Option<SessionRecord>)),
    Ended,
}

impl Pending {
    pub(super) const fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Whether it is a presentation.
    pub(super) const fn is_presentation(&self) -> bool {
        matches!(self.asked, Asked::Present(..))
    }

    /// The session that its connection is about to own.
    const fn takes(&self) -> Option<SessionId> {
        match &self.asked {
            Asked::Login(session, ..) | Asked::Present(session, ..) => Some(*session),
            Asked::Push(..) | Asked::Revoke(_) => None,
        }
    }

    /// What the machine is told, once the ledger has answered.
    fn poll(&mut self, refresh_after: Duration) -> Poll<Reply> {
        let grant = |session: SessionId, record: &SessionRecord| Grant {
            session,
            generation: record.issued,
            issued_at: record.token_issued_at,
            expires_at: record.token_expires_at,
            refresh_at: record.token_issued_at.after(refresh_after),
        };
        let session = self
            .asked
            .session()
            .unwrap_or(SessionId::from_bytes([0; 16]));
        let subject = match &self.asked {
            Asked::Login(_, subject, _) => subject.clone(),
            Asked::Present(..) | Asked::Push(..) | Asked::Revoke(_) => "somebody".into(),
        };
        self.asked.poll().map(|reached| match reached {
            Err(_) => unavailable(),
            Ok(Reached::Ended) => Reply::Ended,
            Ok(Reached::Login(record)) => Reply::LoggedIn {
                subject,
                grant: grant(session, &record),
                registered: false,
            },
            Ok(Reached::Presented(PresentedSession { presented, record })) => {
                match (presented, record) {
                    (Presented::Refused(refusal), _) => Reply::Refused(refusal),
                    (Presented::FromTheFuture, _) | (_, None) => Reply::Refused(Refusal::Unknown),
                    (
                        Presented::Advanced
                        | Presented::AnsweredAgain
                        | Presented::Replaced
                        | Presented::RolledForward,
                        Some(record),
                    ) => Reply::Presented {
                        subject,
                        grant: grant(session, &record),
                    },
                }
            }
            Ok(Reached::Pushed((pushed, record))) => match (pushed, record) {
                (Pushed::Issued | Pushed::Unconfirmed, Some(record)) => {
                    Reply::Pushed(grant(session, &record))
                }
                (Pushed::Ended, Some(record)) => record
                    .revoked
                    .map_or(Reply::NotPushed(Pushed::Ended), |it| Reply::Gone(it.reason)),
                (Pushed::Issued, None) => Reply::NotPushed(Pushed::Ended),
                (outcome, _) => Reply::NotPushed(outcome),
            },
        })
    }
}

pub(super) const fn unavailable() -> Reply {
    Reply::Unavailable {
        retry_after: RETRY_AFTER,
    }
}

/// What a receipt says now. Nobody needs to be woken: the world looks when something was decided or concluded.
pub(super) fn polled<T>(receipt: &mut Receipt<T>) -> Poll<Result<T, LedgerError>> {
    Pin::new(receipt).poll(&mut Context::from_waker(Waker::noop()))
}

/// The token of a grant. Nobody forges in a simulation.
pub(super) fn sign(grant: &Grant) -> String {
    let (generation, expires_at) = (grant.generation, grant.expires_at.as_unix());
    format!("{}:{generation}:{expires_at}", grant.session)
}

/// What a token says: its session, generation and expiry.
pub(super) fn verify(token: &str) -> Option<(SessionId, Generation, Timestamp)> {
    let (session, rest) = token.split_once(':')?;
    let (generation, expires_at) = rest.split_once(':')?;
    Some((
        SessionId::parse(session).ok()?,
        Generation::new(generation.parse().ok()?)?,
        Timestamp::from_unix(expires_at.parse().ok()?),
    ))
}
