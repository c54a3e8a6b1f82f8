//! Connections on a node: the machine, and a driver that is as thin as it can be.

use super::{
    agenda::{Event, Frame},
    ask::{Pending, sign, unavailable},
    check::Violation,
    fault::Fault,
    world::World,
};
use handfast_core::{
    connection::{Connection, Input, Output, Signal},
    framing::Framing,
    message::{Answer, Carried, Envelope},
    session::{ConnectionId, SessionId},
    time::{Clock as _, Moment, Now},
};
use std::{collections::VecDeque, sync::Arc};

/// The server's side of a connection.
pub(super) struct Served {
    pub(super) machine: Connection,
    /// The session that it owns, or is about to.
    pub(super) session: Option<SessionId>,
    pub(super) pending: Option<Pending>,
    /// What came while the machine took nothing.
    waiting: VecDeque<Frame>,
    /// That another connection has its session, which it is told when no presentation is being decided that may take it
    /// back.
    pub(super) is_superseded: bool,
    wake_at: Option<u64>,
}

impl Served {
    /// When something is due: the machine, or the answer to its question.
    fn deadline(&self) -> Option<Moment> {
        let answer_due = self.pending.as_ref().and_then(Pending::due);
        let dues = [self.machine.deadline(), answer_due];
        dues.into_iter().flatten().min()
    }
}

impl World {
    pub(super) fn accept(&mut self, line: u64) {
        let now_ms = self.now_ms();
        let Some(of) = self.lines.get(&line).filter(|line| !line.is_broken) else {
            return;
        };
        let node = &mut self.nodes[of.node];
        if now_ms < node.up_at {
            return self.schedule(1, Event::ClientDrops(line));
        }
        let limits = Arc::clone(&self.limits);
        let machine = Connection::new(limits, Framing::V1, false, "a nonce", node.clock.now());
        let served = Served {
            machine,
            session: None,
            pending: None,
            waiting: VecDeque::new(),
            is_superseded: false,
            wake_at: None,
        };
        node.served.insert(line, served);
        let latency = self.latency();
        self.schedule(latency, Event::Opened(line));
        self.feed(line, Input::Heard);
    }

    pub(super) fn served(&mut self, line: u64) -> Option<&mut Served> {
        let node = self.lines.get(&line)?.node;
        self.nodes[node].served.get_mut(&line)
    }

    /// The time on the node that serves a line.
    fn time_at(&self, line: u64) -> Option<Now> {
        let node = self.lines.get(&line)?.node;
        Some(self.nodes[node].clock.now())
    }

    /// A connection's node, and its name there.
    pub(super) fn place_of(&self, line: u64) -> Option<(usize, ConnectionId)> {
        let node = self.lines.get(&line)?.node;
        let name = ConnectionId {
            node: self.nodes[node].run,
            number: line,
        };
        Some((node, name))
    }

    /// The server's side is over. What it asked is withdrawn, unless the ledger has begun with it.
    pub(super) fn server_drops(&mut self, line: u64) {
        let Some((node, _)) = self.place_of(line) else {
            return;
        };
        let served = self.nodes[node].served.remove(&line);
        if let Some(pending) = served.and_then(|served| served.pending) {
            self.withdraw(node, pending);
        }
        self.forget_line(line);
    }

    /// Nobody waits for an answer any more.
    fn withdraw(&mut self, node: usize, pending: Pending) {
        if !self.is_calm && self.dice.bool() {
            self.counts.note(Fault::DecidedLate);
            self.nodes[node].orphans.push(pending);
        }
    }

    pub(super) fn server_hears(&mut self, line: u64, frame: Frame) {
        let Some(served) = self.served(line) else {
            return;
        };
        match frame {
            Frame::Pong => self.feed(line, Input::Pong),
            Frame::Text(_) if !served.machine.takes_frames() => served.waiting.push_back(frame),
            Frame::Text(text) => self.feed(line, Input::Text(&text)),
            Frame::Ping | Frame::Close(_) => self.feed(line, Input::Heard),
        }
    }

    pub(super) fn served_wakes(&mut self, line: u64) {
        let Some(now) = self.time_at(line).map(|now| now.moment) else {
            return;
        };
        let Some(served) = self.served(line) else {
            return;
        };
        // An alarm that another was set before has nothing to say.
        if served
            .wake_at
            .take_if(|at| *at <= now.as_millis())
            .is_none()
        {
            return;
        }
        let deadline = served.deadline();
        if deadline.is_none_or(|due| now < due) {
            return self.wake_served(line);
        }
        let answer_due = served.pending.as_ref().and_then(Pending::due);
        if answer_due.is_some_and(|due| due <= now) {
            return self.give_up_answering(line);
        }
        self.feed(line, Input::Tick);
        let again = self.served(line).map(|served| served.machine.deadline());
        if again == Some(deadline) {
            self.watch.note(Violation::Spins);
        }
    }

    /// The ledger took too long.
    fn give_up_answering(&mut self, line: u64) {
        let pending = self.served(line).and_then(|served| served.pending.take());
        if let Some((node, _)) = self.place_of(line)
            && let Some(pending) = pending
        {
            self.withdraw(node, pending);
        }
        self.take_reply(line, unavailable());
    }

    fn wake_served(&mut self, line: u64) {
        let Some(served) = self.served(line) else {
            return;
        };
        let Some(at) = served.deadline().map(Moment::as_millis) else {
            return;
        };
        if served.wake_at.is_none_or(|wake_at| at < wake_at) {
            served.wake_at = Some(at);
            self.agenda.add(at, Event::WakeServed(line));
        }
    }

    /// The machine's question is answered.
    pub(super) fn take_reply(&mut self, line: u64, reply: handfast_core::connection::Reply) {
        self.feed(line, Input::Replied(reply));
        let Some(served) = self.served(line) else {
            return;
        };
        if served.pending.is_none() {
            served.session = served.machine.bound().map(|(grant, _)| grant.session);
        }
        if std::mem::take(&mut served.is_superseded) {
            self.feed(line, Input::Signalled(Signal::Superseded));
        }
    }

    /// Gives a machine an input, and does what it says.
    pub(super) fn feed(&mut self, line: u64, input: Input<'_>) {
        let Some(now) = self.time_at(line) else {
            return;
        };
        let Some(served) = self.served(line) else {
            return;
        };
        served.machine.handle(now, input);
        self.perform(line);
        while let Some(served) = self.served(line)
            && served.machine.takes_frames()
            && let Some(Frame::Text(text)) = served.waiting.pop_front()
        {
            served.machine.handle(now, Input::Text(&text));
            self.perform(line);
        }
        self.wake_served(line);
    }

    fn perform(&mut self, line: u64) {
        while let Some(output) = self.served(line).and_then(|served| served.machine.poll()) {
            match output {
                Output::Answer(Envelope { id, body }) => self.say(line, body.to_json(id.as_ref())),
                Output::Success(Envelope { id, body: grant })
                | Output::Registered(Envelope { id, body: grant }) => {
                    let carried = Carried::Token(sign(&grant).into());
                    let success = Answer::Success { grant, carried };
                    self.say(line, success.to_json(id.as_ref()));
                }
                Output::Ping => self.send_to_client(line, Frame::Ping),
                Output::Resumed(_) | Output::Application(_) => {}
                Output::Ask(question) => {
                    let reply = self.ask(line, question);
                    if let Some((reply, now)) = reply.zip(self.time_at(line))
                        && let Some(served) = self.served(line)
                    {
                        served.machine.handle(now, Input::Replied(reply));
                    }
                }
                Output::Acknowledge {
                    session,
                    generation,
                } => {
                    if let Some((node, by)) = self.place_of(line) {
                        let ledger = &self.nodes[node].ledger;
                        drop(ledger.acknowledge(session, generation, by));
                        self.decide_soon(node);
                    }
                }
                Output::Close(closing) => {
                    self.send_to_client(line, Frame::Close(closing.code.number()));
                    self.server_drops(line);
                }
            }
        }
    }

    fn say(&mut self, line: u64, json: String) {
        self.send_to_client(line, Frame::Text(Framing::V1.write_message(json)));
    }
}
