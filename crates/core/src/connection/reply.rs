//! Answers to the machine's questions.

use super::{Asked, Bound, Connection, Delivery, Kind, Output, Reply, Signal, State};
use crate::{
    close::{CloseCode, Closing},
    message::{Answer, Envelope, Grant, InvalidRequest, RequestId},
    session::{Pushed, Refusal, SessionId},
    time::Now,
};
use alloc::boxed::Box;

impl Connection {
    pub(super) fn take_reply(&mut self, now: Now, reply: Reply) {
        // A reply that nobody asked for is the driver's mistake; it must not become the client's session.
        let Some(asked) = self.asked.take() else {
            return;
        };
        self.read_on(now);
        let Asked { id, kind } = *asked;
        match (kind, reply) {
            (
                Kind::Login,
                Reply::LoggedIn {
                    subject,
                    grant,
                    registered,
                },
            ) => {
                self.state = State::Bound(Bound::new(subject, grant, Delivery::Confirmed, now));
                let envelope = Envelope { id, body: grant };
                self.outputs.push_back(if registered {
                    Output::Registered(envelope)
                } else {
                    Output::Success(envelope)
                });
            }
            (Kind::Present, Reply::Presented { subject, grant }) => {
                self.rotated(now, subject, grant);
                let success = Envelope { id, body: grant };
                self.outputs.push_back(Output::Success(success));
            }
            (Kind::Cookie, Reply::Presented { subject, grant }) => {
                self.rotated(now, subject, grant);
                self.outputs.push_back(Output::Resumed(grant));
            }
            (Kind::Present | Kind::Cookie, Reply::Refused(refusal)) => {
                self.refused(now, id, refusal)
            }
            (Kind::Push, Reply::Pushed(grant)) => self.pushed(now, grant),
            (Kind::Push, Reply::NotPushed(outcome)) => self.not_pushed(outcome),
            (Kind::Push, Reply::Gone(reason)) => self.take_signal(Signal::Ended(reason)),
            (Kind::Logout, Reply::Ended) => {
                self.unbind(now);
                self.answer(id, Answer::LoggedOut);
            }
            (Kind::Revoke(session), Reply::Ended) => self.revoked(now, id, session),
            (Kind::List, Reply::Sessions(sessions)) => self.answer(id, Answer::Sessions(sessions)),
            (Kind::ChangePassword, Reply::PasswordChanged) => {
                self.answer(id, Answer::PasswordChanged)
            }
            (Kind::Login | Kind::ChangePassword, Reply::InvalidPassword) => {
                self.answer(id, Answer::InvalidPassword)
            }
            (Kind::Push, _) => self.push_undecided(),
            (_, Reply::Invalid(reason)) => self.refuse(id, InvalidRequest::because(reason)),
            (_, Reply::TooManyRequests { retry_after }) => {
                self.answer(id, Answer::TooManyRequests { retry_after })
            }
            (kind, Reply::Unavailable { retry_after }) => {
                self.unavailable(now, id, &kind, retry_after)
            }
            (
                Kind::Login
                | Kind::Present
                | Kind::Cookie
                | Kind::Logout
                | Kind::List
                | Kind::Revoke(_)
                | Kind::ChangePassword,
                _,
            ) => {
                self.close(Closing::new(CloseCode::Internal, "internal"));
            }
        }
    }

    /// It may have been done all the same, and have ended the session: then nobody tells its own connection, whose answer
    /// would have said it. The next beat asks.
    fn unavailable(&mut self, now: Now, id: Option<RequestId>, asked: &Kind, retry_after: u64) {
        if let Kind::Present | Kind::Logout | Kind::Revoke(_) = asked
            && let State::Bound(bound) = &mut self.state
        {
            bound.refresh = bound.refresh.min(now.moment);
        }
        self.answer(id, Answer::Unavailable { retry_after });
    }

    /// The client is read again from now on; what it sent meanwhile is still to be heard.
    fn read_on(&mut self, now: Now) {
        if self.queued.is_some() {
            self.heard_at = now.moment;
        }
    }

    /// One of the subject's sessions has ended, which may be this connection's.
    fn revoked(&mut self, now: Now, id: Option<RequestId>, session: SessionId) {
        let bound = self.bound().map(|(grant, _)| grant.session);
        if bound == Some(session) {
            self.unbind(now);
        }
        self.answer(id, Answer::Revoked(session));
    }

    /// The ledger accepted a presentation.
    fn rotated(&mut self, now: Now, subject: Box<str>, grant: Grant) {
        self.state = State::Bound(Bound::new(
            subject,
            grant,
            Delivery::Answered {
                pongs_due: self.pongs_due(),
            },
            now,
        ));
    }

    /// A refusal changes nothing on this connection, unless it says that the connection's own session has ended.
    fn refused(&mut self, now: Now, id: Option<RequestId>, refusal: Refusal) {
        match refusal {
            Refusal::Reused | Refusal::Revoked => self.unbind(now),
            Refusal::Malformed
            | Refusal::Expired
            | Refusal::Stale
            | Refusal::Unknown
            | Refusal::ProofRequired => {}
        }
        self.answer(id, Answer::InvalidToken(refusal));
    }

    fn pushed(&mut self, now: Now, grant: Grant) {
        let pongs_due = self.pongs_due();
        let State::Bound(bound) = core::mem::replace(&mut self.state, State::Closed) else {
            return;
        };
        let delivery = if grant.generation == bound.grant.generation {
            bound.delivery.again(pongs_due)
        } else {
            Delivery::Pushed { pongs_due }
        };
        self.state = State::Bound(Bound::new(bound.subject, grant, delivery, now));
        self.send_unasked(grant);
    }

    /// Nobody waits for a push: the next beat tries again. What is not confirmed goes out all the same.
    fn push_undecided(&mut self) {
        if let State::Bound(bound) = &self.state
            && bound.delivery != Delivery::Confirmed
        {
            self.send_unasked(bound.grant);
        }
    }

    fn not_pushed(&mut self, outcome: Pushed) {
        let pongs_due = self.pongs_due();
        match outcome {
            // The ledger does not know yet that the client has it.
            Pushed::Unconfirmed => {
                if let State::Bound(bound) = &mut self.state {
                    bound.delivery = bound.delivery.again(pongs_due);
                    let grant = bound.grant;
                    self.send_unasked(grant);
                }
            }
            Pushed::NotOwner => self.close(Closing::new(CloseCode::Superseded, "superseded")),
            Pushed::Ended => self.expire(),
            Pushed::Issued => {}
        }
    }

    /// The connection's session has ended. One that had none wins no time by that.
    fn unbind(&mut self, now: Now) {
        if let State::Bound(_) = self.state {
            self.state = State::Unauthenticated {
                until: now.moment.after(self.limits.unauthenticated),
            };
        }
    }
}
