//! Frames from the client.

use super::{Connection, Delivery, Kind, Output, PONGS_FOR_ACK, Question, State, io::Queued};
use crate::{
    close::{CloseCode, Closing},
    framing::{Frame, Framing, TextFrame},
    limits::TokenDelivery,
    message::{Answer, Credentials, Envelope, InvalidReason, InvalidRequest, Request, RequestId},
    session::{Generation, SessionId},
};
use alloc::{boxed::Box, string::String, vec::Vec};

impl Connection {
    pub(super) fn take_text(&mut self, text: &str) {
        match self.framing.read(text) {
            TextFrame::Application(text) => self.admit_application(Frame::Text(String::from(text))),
            TextFrame::Message(json) => match Request::parse(json) {
                Ok(envelope) => self.admit(Queued::Request(envelope)),
                Err(envelope) => self.admit(Queued::Invalid(envelope)),
            },
        }
    }

    pub(super) fn take_binary(&mut self, bytes: &[u8]) {
        match self.framing {
            Framing::Plain => self.admit(Queued::Invalid(Envelope {
                id: None,
                body: InvalidRequest::because(InvalidReason::BinaryMessage),
            })),
            Framing::V1 => self.admit_application(Frame::Binary(Vec::from(bytes))),
        }
    }

    /// An application frame that came right behind a login waits until that is decided. One that will be refused waits
    /// for its turn like any other request.
    fn admit_application(&mut self, frame: Frame) {
        match &self.state {
            State::Bound(_) if self.application => self.take_application(frame),
            State::Bound(_) | State::Unauthenticated { .. } | State::Closed => {
                self.admit(Queued::Application(frame));
            }
        }
    }

    /// Answers come in the order of the requests: what is not its turn waits.
    fn admit(&mut self, queued: Queued) {
        if self.asked.is_some() {
            self.queued = Some(Box::new(queued));
        } else {
            self.take_turn(queued);
        }
    }

    pub(super) fn take_turn(&mut self, queued: Queued) {
        match queued {
            Queued::Request(envelope) => self.take_request(envelope),
            Queued::Invalid(Envelope { id, body }) => self.refuse(id, body),
            Queued::Application(frame) => self.take_application(frame),
            Queued::GoingAway { reconnect_after } => self.go_away(reconnect_after),
        }
    }

    fn take_application(&mut self, frame: Frame) {
        match &self.state {
            State::Bound(_) if self.application => {
                self.outputs.push_back(Output::Application(frame))
            }
            State::Bound(_) | State::Unauthenticated { .. } => {
                self.refuse(
                    None,
                    InvalidRequest::because(InvalidReason::ApplicationFrame),
                );
            }
            State::Closed => {}
        }
    }

    /// Answers an invalid request, and closes a connection that sends nothing else.
    pub(super) fn refuse(&mut self, id: Option<RequestId>, invalid: InvalidRequest) {
        self.answer(id, Answer::InvalidRequest(invalid));
        self.invalid_requests = self.invalid_requests.saturating_add(1);
        if self.invalid_requests > self.limits.invalid_requests {
            self.close(Closing::new(CloseCode::Misuse, "invalid_requests"));
        }
    }

    /// The upgrade request has presented a token already; what came of it is told before anything else is answered.
    pub(super) fn take_cookie(&mut self) {
        let is_first = self.asked.is_none() && matches!(self.state, State::Unauthenticated { .. });
        if is_first && self.limits.delivery == TokenDelivery::Cookie {
            self.ask(None, Kind::Cookie, Question::Cookie);
        }
    }

    fn take_request(&mut self, Envelope { id, body }: Envelope<Request>) {
        if let Some(reason) = out_of_place(&body, self.limits.delivery) {
            return self.refuse(id, InvalidRequest::because(reason));
        }
        match &self.state {
            State::Unauthenticated { .. } => self.take_stranger(id, body),
            State::Bound(bound) => {
                let session = bound.grant.session;
                self.take_subject(id, body, session);
            }
            State::Closed => {}
        }
    }

    fn take_stranger(&mut self, id: Option<RequestId>, request: Request) {
        match request {
            Request::Login(credentials) => self.log_in(id, credentials, false),
            Request::Register(credentials) => self.log_in(id, credentials, true),
            Request::RefreshToken {
                token,
                attempt,
                proof,
            } => {
                self.ask(
                    id,
                    Kind::Present,
                    Question::Present {
                        token,
                        attempt,
                        proof,
                        bound: None,
                    },
                );
            }
            Request::Ack { .. } => {}
            Request::Ping => self.answer(id, Answer::Pong),
            Request::Ticket
            | Request::Logout { .. }
            | Request::Sessions
            | Request::Revoke { .. }
            | Request::ChangePassword { .. } => {
                self.answer(id, Answer::NotLoggedIn);
            }
        }
    }

    /// A session can be bound to a key only where a nonce is given to prove it with, and messages to do it in.
    fn log_in(&mut self, id: Option<RequestId>, credentials: Credentials, register: bool) {
        let takes_proofs =
            self.framing == Framing::V1 && self.limits.delivery == TokenDelivery::Message;
        if credentials.key.is_some() && !takes_proofs {
            return self.refuse(id, InvalidRequest::because(InvalidReason::KeyUnsupported));
        }
        let login = Question::Login {
            credentials,
            register,
        };
        self.ask(id, Kind::Login, login);
    }

    fn take_subject(&mut self, id: Option<RequestId>, request: Request, session: SessionId) {
        match request {
            Request::Login(_) | Request::Register(_) => {
                let username = self
                    .bound()
                    .map(|(_, subject)| subject.into())
                    .unwrap_or_default();
                self.answer(id, Answer::AlreadyAuthorized { username });
            }
            Request::RefreshToken {
                token,
                attempt,
                proof,
            } => {
                self.ask(
                    id,
                    Kind::Present,
                    Question::Present {
                        token,
                        attempt,
                        proof,
                        bound: Some(session),
                    },
                );
            }
            Request::Ack { generation } => self.acknowledged(generation),
            Request::Ticket => self.give_ticket(id),
            Request::Logout { everywhere } => self.ask(
                id,
                Kind::Logout,
                Question::Logout {
                    session,
                    everywhere,
                },
            ),
            Request::Ping => self.answer(id, Answer::Pong),
            Request::Sessions => self.ask(id, Kind::List, Question::List),
            Request::Revoke { session } => {
                self.ask(id, Kind::Revoke(session), Question::Revoke { session })
            }
            Request::ChangePassword {
                old_password,
                new_password,
            } => {
                self.ask(
                    id,
                    Kind::ChangePassword,
                    Question::ChangePassword {
                        session,
                        old_password,
                        new_password,
                    },
                );
            }
        }
    }

    /// The client says that it holds `generation`.
    fn acknowledged(&mut self, generation: Generation) {
        let State::Bound(bound) = &mut self.state else {
            return;
        };
        if bound.grant.generation == generation && bound.delivery != Delivery::Confirmed {
            bound.delivery = Delivery::Confirmed;
            let session = bound.grant.session;
            self.outputs.push_back(Output::Acknowledge {
                session,
                generation,
            });
        }
    }

    /// The client could not exchange the ticket that it had.
    fn give_ticket(&mut self, id: Option<RequestId>) {
        if let Some((grant, _)) = self.bound() {
            let success = Envelope { id, body: *grant };
            self.outputs.push_back(Output::Success(success));
        }
    }

    /// A client of the plain framing need not acknowledge; its pongs do. A cookie it has to acknowledge: its pongs say
    /// that it got a ticket, and nothing of what became of that. Nor does one count that came behind a presentation which is
    /// being decided: an `Ack` would wait for that.
    pub(super) fn count_pong(&mut self) {
        let is_deciding = self
            .asked
            .as_ref()
            .is_some_and(|asked| matches!(asked.kind, Kind::Present));
        if is_deciding || self.limits.delivery == TokenDelivery::Cookie {
            return;
        }
        let State::Bound(bound) = &mut self.state else {
            return;
        };
        let generation = bound.grant.generation;
        let is_confirmed = match (&mut bound.delivery, self.framing) {
            (Delivery::Answered { pongs_due } | Delivery::Pushed { pongs_due }, Framing::Plain) => {
                *pongs_due = pongs_due.saturating_sub(1);
                *pongs_due == 0
            }
            (Delivery::Answered { .. } | Delivery::Pushed { .. }, Framing::V1)
            | (Delivery::Confirmed, _) => false,
        };
        if is_confirmed {
            self.acknowledged(generation);
        }
    }

    /// How many pongs stand for the `Ack` of a token that is sent now.
    pub(super) fn pongs_due(&self) -> u16 {
        PONGS_FOR_ACK.saturating_add(self.unread_pings)
    }
}

/// Why a request has no place where tokens reach their clients in this way.
fn out_of_place(request: &Request, delivery: TokenDelivery) -> Option<InvalidReason> {
    match delivery {
        TokenDelivery::Message => {
            matches!(request, Request::Ticket).then_some(InvalidReason::CookieDeliveryOff)
        }
        // Whoever could send a token here could read it.
        TokenDelivery::Cookie => {
            matches!(request, Request::RefreshToken { .. }).then_some(InvalidReason::CookieDelivery)
        }
    }
}
