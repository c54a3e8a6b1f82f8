//! The server's side of the world: machines, and what a driver does for them.

use crate::{checks::Watch, world::Frame};
use handfast_core::{
    connection::{Connection, Input, Output, Question, Reply},
    framing::{self, Framing},
    limits::ConnectionLimits,
    message::{Answer, Carried, Envelope},
    session::{ConnectionId, Generation, SessionId},
    time::Now,
};
use std::sync::Arc;

/// What the driver of a connection must do in the world.
#[derive(Debug)]
pub(crate) enum Act {
    Send(Frame),
    Decide(Question),
    Acknowledge(SessionId, Generation),
    /// The application got a frame.
    Deliver(framing::Frame),
}

/// One connection, as its driver sees it.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) machine: Connection,
    pub(crate) framing: Framing,
    watch: Watch,
    /// Frames that came while the machine took none.
    waiting: Vec<Frame>,
}

impl Served {
    pub(crate) fn new(
        limits: &Arc<ConnectionLimits>,
        framing: Framing,
        application: bool,
        now: Now,
    ) -> Self {
        Self {
            machine: Connection::new(Arc::clone(limits), framing, application, "nonce", now),
            framing,
            watch: Watch::new(framing),
            waiting: Vec::new(),
        }
    }

    /// A frame arrives; it waits if the machine takes none.
    pub(crate) fn receive(&mut self, now: Now, frame: Frame) -> Vec<Act> {
        if !self.machine.takes_frames() && !self.machine.is_closed() {
            self.waiting.push(frame);
            return Vec::new();
        }
        let mut acts = match &frame {
            Frame::Text(text) => {
                self.watch.on_frame(Some(text));
                self.feed(now, Input::Text(text))
            }
            Frame::Binary(bytes) => {
                self.watch.on_frame(None);
                self.feed(now, Input::Binary(bytes))
            }
            Frame::Pong => self.feed(now, Input::Pong),
            Frame::Ping | Frame::Close(..) => self.feed(now, Input::Heard),
        };
        acts.extend(self.receive_waiting(now));
        acts
    }

    fn receive_waiting(&mut self, now: Now) -> Vec<Act> {
        if self.waiting.is_empty() || !self.machine.takes_frames() {
            return Vec::new();
        }
        let frame = self.waiting.remove(0);
        self.receive(now, frame)
    }

    pub(crate) fn reply(&mut self, now: Now, reply: Reply) -> Vec<Act> {
        self.watch.on_reply();
        let mut acts = self.feed(now, Input::Replied(reply));
        acts.extend(self.receive_waiting(now));
        acts
    }

    /// Wakes the machine at its deadline, which must move on by that.
    pub(crate) fn tick(&mut self, now: Now) -> Vec<Act> {
        let before = self.machine.deadline();
        let acts = self.feed(now, Input::Tick);
        let after = self.machine.deadline();
        assert!(
            after > before || self.machine.is_closed(),
            "a deadline that stays makes a driver spin: {before:?}"
        );
        acts
    }

    /// Gives the machine an input and carries out what it says.
    pub(crate) fn feed(&mut self, now: Now, input: Input<'_>) -> Vec<Act> {
        self.watch.on_input();
        self.machine.handle(now, input);
        let mut acts = Vec::new();
        while let Some(output) = self.machine.poll() {
            self.watch.on_output();
            acts.push(self.act(output));
        }
        acts
    }

    fn act(&mut self, output: Output) -> Act {
        match output {
            Output::Answer(Envelope { id, body }) => self.send(&body.to_json(id.as_ref())),
            Output::Success(Envelope { id, body: grant }) => {
                let carried = Carried::Token(crate::ledger::sign(&grant).into());
                self.send(&Answer::Success { grant, carried }.to_json(id.as_ref()))
            }
            Output::Registered(Envelope { id, body: grant }) => {
                let carried = Carried::Token(crate::ledger::sign(&grant).into());
                self.send(&Answer::Registered { grant, carried }.to_json(id.as_ref()))
            }
            Output::Resumed(_) => unreachable!("tokens are delivered in messages here"),
            Output::Ping => Act::Send(Frame::Ping),
            Output::Application(frame) => {
                assert!(self.machine.bound().is_some(), "nobody is logged in");
                Act::Deliver(frame)
            }
            Output::Ask(question) => {
                self.watch.on_question();
                Act::Decide(question)
            }
            Output::Acknowledge {
                session,
                generation,
            } => Act::Acknowledge(session, generation),
            Output::Close(closing) => {
                self.watch.on_close();
                Act::Send(Frame::Close(
                    closing.code.number(),
                    closing.reason.to_owned(),
                ))
            }
        }
    }

    fn send(&mut self, json: &str) -> Act {
        let message = serde_json::from_str(json).expect("the server writes JSON");
        self.watch.on_message(&message);
        Act::Send(Frame::Text(self.framing.write_message(json.to_owned())))
    }

    /// The session that the connection owns, if it is open.
    pub(crate) fn session(&self) -> Option<SessionId> {
        let bound = self.machine.bound().filter(|_| !self.machine.is_closed());
        bound.map(|(grant, _)| grant.session)
    }
}

pub(crate) const fn connection_id(number: u64) -> ConnectionId {
    ConnectionId { node: 1, number }
}
