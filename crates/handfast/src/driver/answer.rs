//! How the machine's questions are answered.

use super::{
    login::answer_login,
    password::{PasswordChange, answer_change},
    present::{self, Decision, PRESENTATION_DEADLINE, Presenting, Shown},
};
use crate::{
    hub::Slot,
    node::Node,
    trace::{self, Agent, Followed},
};
use handfast_core::{
    connection::{Question, Reply},
    message::{InvalidReason, ListedSession},
    rate::Exceeded,
    session::{ConnectionId, Pushed, RevocationReason, Session, SessionId, SessionRecord},
    time::{Moment, Now},
};
use handfast_ledger::{LedgerError, Origin, Receipt, Revoke, Scope};
use std::{
    fmt,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

/// How long a client is asked to wait when the ledger cannot answer, in seconds.
const RETRY_AFTER: u64 = 2;

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) connection: ConnectionId,
    pub(super) slot: Arc<Slot>,
    pub(super) address: IpAddr,
    pub(super) agent: Agent,
}

impl Caller {
    pub(super) fn origin(&self) -> Origin {
        Origin {
            address: self.address_text(),
            agent: self.agent.name().into(),
        }
    }

    pub(super) fn address_text(&self) -> Box<str> {
        self.address.to_string().into()
    }
}

/// A question that is being answered. Dropping it withdraws a presentation that has not been decided.
pub(super) struct Answering {
    pub(super) asked: Asked,
    pub(super) followed: Followed,
}

/// Who asks, when, and what is known of them.
pub(super) struct Asking<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) caller: &'a Caller,
    pub(super) subject: Option<&'a str>,
    pub(super) followed: &'a Followed,
    pub(super) now: Now,
}

/// What the answer comes from.
pub(super) enum Asked {
    /// The answer is known.
    Known(Option<Reply>),
    Presentation {
        presenting: Presenting,
        decision: Decision,
        due: Moment,
    },
    Push {
        session: SessionId,
        due: Moment,
        receipt: Receipt<(Pushed, Option<SessionRecord>)>,
    },
    /// Whatever happens rarely.
    Task(Pin<Box<dyn Future<Output = Reply> + Send>>),
}

impl Answering {
    /// Sets about answering `question` for `caller`, whose connection is bound to a session of `subject` if any.
    pub(super) fn begin(
        node: &Arc<Node>,
        caller: &Caller,
        subject: Option<&str>,
        question: Question,
        now: Now,
    ) -> Self {
        let followed = Followed::over_connection(
            &question,
            &trace::Origin {
                connection: caller.connection,
                address: caller.address,
                agent: &caller.agent,
            },
        );
        let step = followed.enter();
        let asking = Asking {
            node,
            caller,
            subject,
            followed: &followed,
            now,
        };
        let asked = Asked::begin(&asking, question);
        drop(step);
        Self { asked, followed }
    }

    /// The answer is known, and was followed where it was found.
    pub(super) const fn known(reply: Reply) -> Self {
        Self {
            asked: Asked::Known(Some(reply)),
            followed: Followed::by_nobody(),
        }
    }

    /// When the answer is no longer waited for.
    pub(super) fn due(&self) -> Option<Moment> {
        self.asked.due()
    }

    /// Whether it is a presentation that the ledger has not been asked about.
    pub(super) fn is_held(&self) -> bool {
        matches!(self.decision(), Some(Decision::Held(_)))
    }

    /// Whether it is a presentation that the ledger has been asked about.
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.decision(), Some(Decision::Asked(_)))
    }

    fn decision(&self) -> Option<&Decision> {
        if let Asked::Presentation { decision, .. } = &self.asked {
            return Some(decision);
        }
        None
    }

    pub(super) fn poll(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        node: &Node,
    ) -> Poll<Reply> {
        let Self { asked, followed } = self.get_mut();
        let step = followed.enter();
        let polled = asked.poll(context, node, followed);
        drop(step);
        if let Poll::Ready(reply) = &polled {
            followed.answered(reply);
        }
        polled
    }
}

impl Asked {
    fn begin(asking: &Asking<'_>, question: Question) -> Self {
        let (node, caller) = (asking.node, asking.caller);
        let subject = || Box::from(asking.subject.unwrap_or_default());
        match question {
            Question::Present {
                token,
                attempt,
                bound,
                proof,
            } => {
                let shown = Shown {
                    token,
                    attempt,
                    proof,
                    bound,
                };
                present::present(asking, &shown).unwrap_or_else(|reply| Self::Known(Some(reply)))
            }
            // The upgrade knows the answer, and puts it in this place.
            Question::Cookie => Self::Known(None),
            Question::Push { session } => Self::Push {
                session,
                receipt: node.ledger.push(session, caller.connection),
                due: asking.now.moment.after(PRESENTATION_DEADLINE),
            },
            Question::Login {
                credentials,
                register,
            } => {
                caller.slot.leave();
                Self::task(answer_login(
                    Arc::clone(node),
                    caller.clone(),
                    credentials,
                    register,
                ))
            }
            Question::Logout {
                session,
                everywhere,
            } => {
                let scope = if everywhere {
                    all(subject())
                } else {
                    own(session, subject())
                };
                Self::task(end(node, caller, scope, false))
            }
            Question::Revoke { session } => {
                let scope = own(session, subject());
                Self::task(end(node, caller, scope, true))
            }
            Question::List => Self::task(list(Arc::clone(node), caller.connection, subject())),
            Question::ChangePassword {
                session,
                old_password,
                new_password,
            } => {
                let change = PasswordChange {
                    subject: subject(),
                    session,
                    old_password,
                    new_password,
                };
                Self::task(answer_change(Arc::clone(node), caller.clone(), change))
            }
        }
    }

    /// When the answer is no longer waited for.
    fn due(&self) -> Option<Moment> {
        match self {
            Self::Presentation { due, .. } | Self::Push { due, .. } => Some(*due),
            // A task limits by itself what it waits for, if it may be given up.
            Self::Known(_) | Self::Task(_) => None,
        }
    }

    fn task(task: impl Future<Output = Reply> + Send + 'static) -> Self {
        Self::Task(Box::pin(task))
    }

    fn poll(&mut self, context: &mut Context<'_>, node: &Node, followed: &Followed) -> Poll<Reply> {
        match self {
            Self::Known(reply) => Poll::Ready(reply.take().unwrap_or_else(unavailable)),
            Self::Presentation {
                presenting,
                decision,
                due: _,
            } => {
                let decided = ready!(decision.poll(context, node));
                if let Ok(decided) = &decided {
                    followed.decided(decided.presented);
                }
                Poll::Ready(presenting.decided(node, decided))
            }
            Self::Push {
                session, receipt, ..
            } => {
                Poll::Ready(match ready!(Pin::new(receipt).poll(context)) {
                    // An unconfirmed generation is pushed again: the machine may never have heard of it.
                    Ok((Pushed::Issued | Pushed::Unconfirmed, Some(record))) => {
                        Reply::Pushed(node.grant(*session, &record))
                    }
                    Ok((Pushed::Issued, None)) => Reply::NotPushed(Pushed::Ended),
                    Ok((
                        Pushed::Ended,
                        Some(SessionRecord {
                            revoked: Some(revocation),
                            ..
                        }),
                    )) => Reply::Gone(revocation.reason),
                    Ok((outcome, _)) => Reply::NotPushed(outcome),
                    Err(error) => failed(&error),
                })
            }
            Self::Task(task) => task.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for Answering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.asked {
            Asked::Known(_) => "Known",
            Asked::Presentation { .. } => "Presentation",
            Asked::Push { .. } => "Push",
            Asked::Task(_) => "Task",
        })
    }
}

/// Waits for the ledger as long as a client is let wait, for what does no harm if it is done and not told.
pub(super) async fn in_time<T>(receipt: Receipt<T>) -> Result<T, Reply> {
    match tokio::time::timeout(PRESENTATION_DEADLINE, receipt).await {
        Ok(answer) => answer.map_err(|error| failed(&error)),
        Err(_) => Err(unavailable()),
    }
}

/// Every session of the subject.
const fn all(subject: Box<str>) -> Scope {
    Scope::Subject {
        subject,
        except: None,
    }
}

/// The session of this name, if it is the subject's.
fn own(session: SessionId, subject: Box<str>) -> Scope {
    Scope::Session {
        session,
        subject: Some(subject),
    }
}

/// Ends sessions, however long the ledger takes: to say that nothing has ended would be a guess. Where it must have been
/// one that there was, ending none is an answer of its own.
///
/// The ledger is asked at once, not when the answer is waited for: a close frame right behind takes nothing back.
fn end(
    node: &Node,
    caller: &Caller,
    scope: Scope,
    must_exist: bool,
) -> impl Future<Output = Reply> + Send + use<> {
    let revoke = Revoke {
        scope,
        reason: RevocationReason::Logout,
        by: Some(caller.connection),
        address: Some(caller.address_text()),
    };
    let ended = node.ledger.revoke(revoke);
    async move {
        match ended.await {
            Ok(ended) if ended.is_empty() && must_exist => {
                Reply::Invalid(InvalidReason::UnknownSession)
            }
            Ok(_) => Reply::Ended,
            Err(error) => failed(&error),
        }
    }
}

async fn list(node: Arc<Node>, connection: ConnectionId, subject: Box<str>) -> Reply {
    match in_time(node.ledger.list(subject)).await {
        Ok(sessions) => Reply::Sessions(
            sessions
                .into_iter()
                .map(|session| listed(&node, connection, session))
                .collect(),
        ),
        Err(reply) => reply,
    }
}

fn listed(node: &Node, connection: ConnectionId, session: Session) -> ListedSession {
    let Session {
        session,
        address,
        agent,
        record,
        ..
    } = session;
    let online = record
        .owner
        .is_some_and(|owner| node.hub.owns(owner, session));
    ListedSession {
        session,
        created_at: record.created_at,
        last_seen_at: if online {
            node.clock.now().unix
        } else {
            record.last_seen_at
        },
        online,
        address,
        agent,
        current: record.owner == Some(connection),
    }
}

pub(super) fn too_many(exceeded: Exceeded) -> Reply {
    let wait = exceeded.retry_after;
    Reply::TooManyRequests {
        retry_after: wait
            .as_secs()
            .saturating_add(u64::from(wait.subsec_nanos() > 0))
            .max(1),
    }
}

pub(super) fn unavailable() -> Reply {
    Reply::Unavailable {
        retry_after: RETRY_AFTER,
    }
}

/// The ledger did not apply it. The ledger has logged why.
pub(super) fn failed(error: &LedgerError) -> Reply {
    tracing::debug!(%error, "not applied");
    unavailable()
}
