//! A ledger for tests: sessions and accounts in memory, decided on by the rule.

use crate::WEEK;
use handfast_core::{
    connection::{Question, Reply, Signal},
    message::{Grant, InvalidReason, ListedSession, Secret},
    session::{
        ConnectionId, Evidence, Generation, Presentation, Presented, Pushed, Refusal,
        RevocationReason, SessionId, SessionRecord, TokenPolicy, acknowledge, create, present,
        push, revoke,
    },
    time::Timestamp,
};
use std::{collections::BTreeMap, time::Duration};

#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) subject: Box<str>,
    pub(crate) record: SessionRecord,
}

#[derive(Debug)]
pub(crate) struct Ledger {
    pub(crate) sessions: BTreeMap<SessionId, Kept>,
    passwords: BTreeMap<Box<str>, String>,
    /// How many sessions there ever were.
    created: u8,
    /// Whether it cannot answer.
    pub(crate) unavailable: bool,
    /// Whether it does what it is asked and then cannot say so.
    pub(crate) loses_answers: bool,
    /// Whether every session has been presented too often.
    pub(crate) limits_presentations: bool,
    pub(crate) policy: TokenPolicy,
    pub(crate) refresh_after: Duration,
}

/// Who asks, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) by: ConnectionId,
    pub(crate) subject: Option<&'a str>,
    pub(crate) now: Timestamp,
}

/// What an answer makes other connections hear.
pub(crate) type Signals = Vec<(ConnectionId, Signal)>;

impl Ledger {
    pub(crate) fn new(refresh_after: Duration) -> Self {
        Self {
            sessions: BTreeMap::new(),
            passwords: BTreeMap::new(),
            created: 0,
            unavailable: false,
            loses_answers: false,
            limits_presentations: false,
            policy: TokenPolicy {
                lifetime: WEEK,
                session_lifetime: WEEK * 4,
                roll_forward: false,
            },
            refresh_after,
        }
    }

    /// Answers a machine's question.
    pub(crate) fn answer(&mut self, asking: Asking<'_>, question: Question) -> (Reply, Signals) {
        let unavailable = || Reply::Unavailable { retry_after: 2 };
        if self.unavailable {
            return (unavailable(), Vec::new());
        }
        if self.limits_presentations && matches!(question, Question::Present { .. }) {
            return (Reply::TooManyRequests { retry_after: 3 }, Vec::new());
        }
        let (reply, signals) = self.decide(asking, question);
        if self.loses_answers {
            (unavailable(), signals)
        } else {
            (reply, signals)
        }
    }

    fn decide(&mut self, asking: Asking<'_>, question: Question) -> (Reply, Signals) {
        match question {
            Question::Login {
                credentials,
                register,
            } => (
                self.login(
                    asking,
                    &credentials.username,
                    &credentials.password,
                    register,
                ),
                vec![],
            ),
            Question::Present {
                token,
                attempt,
                bound,
                proof: _,
            } => {
                let evidence = attempt.map_or(Evidence::Bare, Evidence::Attempt);
                self.present(asking, &token, evidence, bound)
            }
            Question::Cookie => unreachable!("tokens are delivered in messages here"),
            Question::Push { session } => (self.push(asking, session), vec![]),
            Question::Logout {
                session,
                everywhere,
            } => {
                let only = (!everywhere).then_some(session);
                let ended = |id: SessionId| only.is_none_or(|only| only == id);
                (
                    Reply::Ended,
                    self.end(asking, RevocationReason::Logout, ended),
                )
            }
            Question::List => (Reply::Sessions(self.list(asking)), vec![]),
            Question::Revoke { session } => match self.sessions.get(&session) {
                Some(kept) if Some(&*kept.subject) == asking.subject => (
                    Reply::Ended,
                    self.end(asking, RevocationReason::Logout, |id| id == session),
                ),
                Some(_) | None => (Reply::Invalid(InvalidReason::UnknownSession), vec![]),
            },
            Question::ChangePassword {
                session,
                old_password,
                new_password,
            } => {
                let subject = asking.subject.unwrap_or_default();
                if self.passwords.get(subject).map(String::as_str) != Some(old_password.expose()) {
                    return (Reply::InvalidPassword, vec![]);
                }
                self.passwords
                    .insert(subject.into(), new_password.expose().into());
                let reason = RevocationReason::PasswordChanged;
                (
                    Reply::PasswordChanged,
                    self.end(asking, reason, |id| id != session),
                )
            }
        }
    }

    fn login(
        &mut self,
        asking: Asking<'_>,
        username: &str,
        password: &Secret,
        register: bool,
    ) -> Reply {
        let registered = match self.passwords.get(username) {
            Some(_) if register => return Reply::Invalid(InvalidReason::UsernameTaken),
            Some(known) if known != password.expose() => return Reply::InvalidPassword,
            Some(_) => false,
            None => {
                self.passwords
                    .insert(username.into(), password.expose().into());
                true
            }
        };
        let session = SessionId::from_bytes([self.created; 16]);
        self.created = self.created.checked_add(1).expect("few sessions");
        let record = create(asking.by, None, asking.now, &self.policy);
        let subject = Box::from(username);
        self.sessions.insert(session, Kept { subject, record });
        Reply::LoggedIn {
            subject: username.into(),
            grant: self.grant(session, &record),
            registered,
        }
    }

    fn present(
        &mut self,
        asking: Asking<'_>,
        token: &Secret,
        evidence: Evidence,
        bound: Option<SessionId>,
    ) -> (Reply, Signals) {
        let refused = |refusal| (Reply::Refused(refusal), Vec::new());
        let Some((session, generation, expires_at)) = read_token(token.expose()) else {
            return refused(Refusal::Malformed);
        };
        if expires_at <= asking.now {
            return refused(Refusal::Expired);
        }
        if bound.is_some_and(|bound| bound != session) {
            return (Reply::Invalid(InvalidReason::OtherSession), Vec::new());
        }
        let Some(kept) = self.sessions.get_mut(&session) else {
            return refused(Refusal::Unknown);
        };
        let presentation = Presentation {
            generation,
            evidence,
            connection: asking.by,
        };
        let former = kept.record.owner.filter(|owner| *owner != asking.by);
        let (record, presented) = present(kept.record, &presentation, asking.now, &self.policy);
        kept.record = record;
        let subject = kept.subject.clone();
        let signal = |signal| former.map(|owner| (owner, signal)).into_iter().collect();
        match presented {
            Presented::Refused(refusal @ Refusal::Reused) => (
                Reply::Refused(refusal),
                signal(Signal::Ended(RevocationReason::Reused)),
            ),
            Presented::Refused(refusal) => refused(refusal),
            Presented::FromTheFuture => refused(Refusal::Unknown),
            Presented::Advanced
            | Presented::AnsweredAgain
            | Presented::Replaced
            | Presented::RolledForward => {
                let grant = self.grant(session, &record);
                (
                    Reply::Presented { subject, grant },
                    signal(Signal::Superseded),
                )
            }
        }
    }

    fn push(&mut self, asking: Asking<'_>, session: SessionId) -> Reply {
        let Some(kept) = self.sessions.get_mut(&session) else {
            return Reply::NotPushed(Pushed::Ended);
        };
        let (record, pushed) = push(kept.record, asking.by, asking.now, &self.policy);
        kept.record = record;
        match pushed {
            Pushed::Issued | Pushed::Unconfirmed => Reply::Pushed(self.grant(session, &record)),
            Pushed::NotOwner | Pushed::Ended => match record.revoked {
                Some(revocation) => Reply::Gone(revocation.reason),
                None => Reply::NotPushed(pushed),
            },
        }
    }

    pub(crate) fn acknowledge(
        &mut self,
        by: ConnectionId,
        session: SessionId,
        generation: Generation,
        now: Timestamp,
    ) {
        if let Some(kept) = self
            .sessions
            .get_mut(&session)
            .filter(|_| !self.unavailable)
        {
            kept.record = acknowledge(kept.record, generation, by, now).0;
        }
    }

    /// Ends the subject's sessions that `chosen` picks, and tells their owners.
    fn end(
        &mut self,
        asking: Asking<'_>,
        reason: RevocationReason,
        chosen: impl Fn(SessionId) -> bool,
    ) -> Signals {
        let subject = asking.subject.unwrap_or_default();
        let mut signals = Signals::new();
        for (session, kept) in &mut self.sessions {
            if *kept.subject == *subject && chosen(*session) && kept.record.revoked.is_none() {
                kept.record = revoke(kept.record, reason, asking.now);
                let owner = kept.record.owner.filter(|owner| *owner != asking.by);
                signals.extend(owner.map(|owner| (owner, Signal::Ended(reason))));
            }
        }
        signals
    }

    /// Ends a session as an operator would.
    pub(crate) fn end_as_admin(&mut self, session: SessionId, now: Timestamp) -> Signals {
        let Some(kept) = self.sessions.get_mut(&session) else {
            return Signals::new();
        };
        kept.record = revoke(kept.record, RevocationReason::Admin, now);
        let signal = Signal::Ended(RevocationReason::Admin);
        let owner = kept.record.owner.map(|owner| (owner, signal));
        owner.into_iter().collect()
    }

    /// Whether a session was ended because two parties presented one token.
    pub(crate) fn was_reused(&self) -> bool {
        let reasons = self.sessions.values().filter_map(|it| it.record.revoked);
        reasons
            .into_iter()
            .any(|it| it.reason == RevocationReason::Reused)
    }

    fn list(&self, asking: Asking<'_>) -> Vec<ListedSession> {
        let of_subject = |kept: &&Kept| Some(&*kept.subject) == asking.subject;
        let sessions = self.sessions.iter();
        sessions
            .filter(|(_, kept)| of_subject(kept) && kept.record.is_live(asking.now))
            .map(|(session, kept)| ListedSession {
                session: *session,
                created_at: kept.record.created_at,
                last_seen_at: kept.record.last_seen_at,
                online: true,
                address: "".into(),
                agent: "".into(),
                current: kept.record.owner == Some(asking.by),
            })
            .collect()
    }

    pub(crate) fn grant(&self, session: SessionId, record: &SessionRecord) -> Grant {
        Grant {
            session,
            generation: record.issued,
            issued_at: record.token_issued_at,
            expires_at: record.token_expires_at,
            refresh_at: record.token_issued_at.after(self.refresh_after),
        }
    }
}

/// A token for tests. It is not signed: nobody here forges.
pub(crate) fn sign(grant: &Grant) -> String {
    let expires_at = grant.expires_at.as_unix();
    format!("{}.{}.{expires_at}", grant.session, grant.generation)
}

pub(crate) fn read_token(token: &str) -> Option<(SessionId, Generation, Timestamp)> {
    let mut parts = token.split('.');
    let session = SessionId::parse(parts.next()?).ok()?;
    let generation = Generation::new(parts.next()?.parse().ok()?)?;
    let expires_at = Timestamp::from_unix(parts.next()?.parse().ok()?);
    Some((session, generation, expires_at))
}
