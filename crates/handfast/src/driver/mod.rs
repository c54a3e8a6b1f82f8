//! The driver of one connection: it joins the machine of `handfast-core` to a socket.
//!
//! While nothing happens, a connection is its stream, its timer and its state, and no buffer: bytes are read into one
//! that all connections of a thread share, a codec exists only while a message is in progress, and what is sent is
//! freed when it has left.

mod answer;
mod boundary;
mod codec;

use crate::{
    address::Place,
    hub::Slot,
    node::Node,
    random,
    session::{Application, Link},
};
use answer::{Answering, Caller};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use codec::{Codec, Received};
use handfast_core::{
    close::{CloseCode, Closing},
    connection::{Connection, Input, Output},
    framing::{Frame, Framing},
    message::{Answer, Envelope, Grant, InvalidReason, InvalidRequest, RequestId},
    time::{Moment, Now},
};
use std::{
    cell::RefCell,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep},
};

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    /// The one read buffer of a thread. It is filled and emptied within one poll of one connection.
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into());
}

/// What the upgrade found out about a connection.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) framing: Framing,
    pub(crate) place: Place,
    pub(crate) agent: Box<str>,
}

/// A connection and everything that it holds while it is idle.
#[derive(Debug)]
pub(crate) struct Driver<S> {
    node: Arc<Node>,
    stream: S,
    machine: Connection,
    framing: Framing,
    caller: Caller,
    slot: Arc<Slot>,
    place: Place,
    phase: Phase,
    /// When the timer is set to go off.
    armed: Option<Moment>,
    /// When the message in progress must be complete.
    message_due: Option<Moment>,
    codec: Option<Box<Codec>>,
    outgoing: Vec<u8>,
    answering: Option<Answering>,
    link: Option<Arc<Link>>,
}

/// How far a connection's WebSocket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// A close frame is sent; the peer's is awaited, until the given moment.
    Closing(Moment),
    /// What is left to send is sent, what still comes is thrown away until the peer hangs up or the moment has come.
    Lingering(Moment),
    /// Nothing is left to do.
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(crate) fn new(node: Arc<Node>, stream: S, accepted: Accepted) -> Self {
        let (connection, slot) = node.hub.add();
        let Accepted {
            framing,
            place,
            agent,
        } = accepted;
        let nonce = URL_SAFE_NO_PAD.encode(random::nonce());
        let limits = Arc::clone(&node.connection_limits);
        let now = node.clock.now();
        let machine = Connection::new(
            limits,
            framing,
            node.application.takes_frames(),
            &nonce,
            now,
        );
        Self {
            caller: Caller {
                connection,
                address: place.address(),
                agent,
            },
            node,
            stream,
            machine,
            framing,
            slot,
            place,
            phase: Phase::Open,
            armed: None,
            message_due: None,
            codec: None,
            outgoing: Vec::new(),
            answering: None,
            link: None,
        }
    }

    /// Closes the connection as its first act.
    pub(crate) fn refuse(&mut self, closing: Closing) {
        let now = self.node.clock.now();
        self.close(closing, now);
    }

    /// Lives until the connection is closed. `early` is what the client sent right behind its upgrade request.
    pub(crate) async fn run(mut self, early: bytes::Bytes) {
        let mut timer = pin!(tokio::time::sleep_until(Instant::now()));
        self.perform(self.node.clock.now());
        if !early.is_empty() {
            self.receive(&early, self.node.clock.now());
        }
        drop(early);
        poll_fn(|context| self.poll(context, timer.as_mut())).await;
    }

    fn poll(&mut self, context: &mut Context<'_>, mut timer: Pin<&mut Sleep>) -> Poll<()> {
        let now = self.node.clock.now();
        self.slot.register(context.waker());
        if let Some(signal) = self.slot.take() {
            self.handle(Input::Signalled(signal), now);
        }
        // Each of these may give another something to do, and leaves a waker behind only when it has nothing left.
        loop {
            self.poll_read(context, now);
            while self.poll_answer(context, now) {
                self.poll_read(context, now);
            }
            self.pump_application(now);
            self.poll_write(context);
            if self.phase == Phase::Done {
                return Poll::Ready(());
            }
            if !self.poll_timer(context, timer.as_mut(), now) {
                return Poll::Pending;
            }
        }
    }

    /// Gives the machine what happened, and does what it says.
    fn handle(&mut self, input: Input<'_>, now: Now) {
        self.machine.handle(now, input);
        self.perform(now);
    }

    fn perform(&mut self, now: Now) {
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Answer(Envelope { id, body }) => self.send(id.as_ref(), &body),
                Output::Success(Envelope { id, body: grant }) => {
                    let token = self.sign(&grant);
                    self.send(id.as_ref(), &Answer::Success { grant, token });
                }
                Output::Registered(Envelope { id, body: grant }) => {
                    let token = self.sign(&grant);
                    self.send(id.as_ref(), &Answer::Registered { grant, token });
                }
                Output::Ping => codec::write_ping(&mut self.outgoing),
                Output::Application(frame) => {
                    // It may have come right behind the login that has just been answered.
                    self.follow_session();
                    self.deliver(frame);
                }
                Output::Ask(question) => {
                    let subject = self.machine.bound().map(|(_, subject)| subject);
                    self.answering = Some(Answering::begin(
                        &self.node,
                        &self.caller,
                        subject,
                        question,
                        now,
                    ));
                }
                Output::Acknowledge {
                    session,
                    generation,
                } => {
                    drop(
                        self.node
                            .ledger
                            .acknowledge(session, generation, self.caller.connection),
                    );
                }
                Output::Close(closing) => self.close(closing, now),
            }
        }
    }

    fn sign(&self, grant: &Grant) -> Box<str> {
        let subject = self.machine.bound().map_or("", |(_, subject)| subject);
        let token = self.node.tokens.sign(subject, grant, &random::token_id());
        token.expose().into()
    }

    fn send(&mut self, id: Option<&RequestId>, answer: &Answer) {
        let text = self.framing.write_message(answer.to_json(id));
        codec::write_text(&text, &mut self.outgoing);
    }

    /// Takes the answer to the machine's question, if it is there.
    fn poll_answer(&mut self, context: &mut Context<'_>, now: Now) -> bool {
        let Some(answering) = &mut self.answering else {
            return false;
        };
        let Poll::Ready(reply) = Pin::new(answering).poll(context, &self.node) else {
            return false;
        };
        self.answering = None;
        self.handle(Input::Replied(reply), now);
        self.follow_session();
        true
    }

    /// Lets the hub, the address's count and the application know whether a session is bound.
    fn follow_session(&mut self) {
        let bound = self
            .machine
            .bound()
            .map(|(grant, subject)| (grant.session, subject));
        self.place.set_authenticated(bound.is_some());
        if self.answering.is_none() {
            self.node
                .hub
                .bind(self.caller.connection, bound.map(|(session, _)| session));
        }
        match (bound, &self.link) {
            (None, Some(link)) => {
                link.end();
                self.link = None;
            }
            (Some((session, subject)), None) if self.framing == Framing::V1 => {
                if let Application::Program(program) = &self.node.application {
                    let outgoing_bytes = self.node.settings.transport.outgoing_bytes;
                    let (link, session) =
                        Link::new(session, subject, Arc::clone(&self.slot), outgoing_bytes);
                    self.link = Some(link);
                    drop(tokio::spawn(program(session)));
                }
            }
            (None | Some(_), None | Some(_)) => {}
        }
    }

    /// Hands the application's frame over.
    fn deliver(&mut self, frame: Frame) {
        let delivered = self.link.as_ref().is_some_and(|link| link.deliver(frame));
        if !delivered {
            let invalid = InvalidRequest::because(InvalidReason::ApplicationFrame);
            self.send(None, &Answer::InvalidRequest(invalid));
        }
    }

    /// Takes what the application sends.
    fn pump_application(&mut self, now: Now) {
        let Some(link) = &self.link else { return };
        match link.take_outgoing() {
            Some(frames) => {
                for frame in frames {
                    match frame {
                        Frame::Text(text) => {
                            if let Some(text) = self.framing.write_application(&text) {
                                codec::write_text(&text, &mut self.outgoing);
                            }
                        }
                        Frame::Binary(bytes) => codec::write_binary(&bytes, &mut self.outgoing),
                    }
                }
            }
            None => self.close(Closing::new(CloseCode::TryAgainLater, "slow_consumer"), now),
        }
    }

    fn takes_frames(&self) -> bool {
        match self.phase {
            Phase::Open => {
                self.machine.takes_frames() && self.link.as_ref().is_none_or(|link| link.has_room())
            }
            Phase::Closing(_) | Phase::Lingering(_) => true,
            Phase::Done => false,
        }
    }

    fn poll_read(&mut self, context: &mut Context<'_>, now: Now) {
        self.receive_kept(now);
        while self.takes_frames() {
            let more = READ_BUFFER.with_borrow_mut(|buffer| {
                let mut read = ReadBuf::new(buffer);
                match Pin::new(&mut self.stream).poll_read(context, &mut read) {
                    Poll::Pending => false,
                    Poll::Ready(Ok(())) if !read.filled().is_empty() => {
                        self.receive(read.filled(), now);
                        true
                    }
                    // The client hung up, with or without a word.
                    Poll::Ready(Ok(()) | Err(_)) => {
                        self.phase = Phase::Done;
                        false
                    }
                }
            });
            if !more {
                return;
            }
        }
    }

    /// Takes bytes that were read.
    fn receive(&mut self, bytes: &[u8], now: Now) {
        if matches!(self.phase, Phase::Lingering(_)) {
            return;
        }
        let codec = self
            .codec
            .get_or_insert_with(|| Box::new(Codec::new(bytes.len())));
        codec.follow(bytes);
        self.decode(bytes, now);
    }

    /// Goes on with what was read while the connection took no frames.
    fn receive_kept(&mut self, now: Now) {
        if self.takes_frames()
            && let Some(codec) = &mut self.codec
            && !codec.is_drained()
        {
            let kept = codec.take_unread();
            self.decode(&kept, now);
        }
    }

    fn decode(&mut self, mut bytes: &[u8], now: Now) {
        let limits = &self.node.settings.transport;
        let (before_login, after_login, fragments) = (
            limits.message_before_login_bytes,
            limits.message_bytes,
            limits.fragments_per_message,
        );
        loop {
            let takes_frames = self.takes_frames();
            let Some(codec) = &mut self.codec else { return };
            if !takes_frames {
                return codec.keep(bytes);
            }
            codec.limit(if self.machine.bound().is_some() {
                after_login
            } else {
                before_login
            });
            let received = match self.phase {
                Phase::Open => codec.decode(&mut bytes, &mut self.outgoing),
                // Our close frame is the last one: the codec's own answers are not sent any more.
                Phase::Closing(_) | Phase::Lingering(_) | Phase::Done => {
                    codec.decode(&mut bytes, &mut Vec::new())
                }
            };
            let received = match received {
                Ok(received) => received,
                Err(closing) => {
                    self.close(closing, now);
                    return self.linger(now);
                }
            };
            match received {
                Some(Received::Text(text)) => {
                    self.message_due = None;
                    self.handle(Input::Text(&text), now);
                }
                Some(Received::Binary(bytes)) => {
                    self.message_due = None;
                    self.handle(Input::Binary(&bytes), now);
                }
                Some(Received::Pong) => self.handle(Input::Pong, now),
                Some(Received::Ping) => self.handle(Input::Heard, now),
                Some(Received::Close) => return self.linger(now),
                None => break,
            }
        }
        self.handle(Input::Heard, now);
        self.rest(fragments, now);
    }

    /// Drops the codec if it holds nothing; bounds what it holds if not.
    fn rest(&mut self, fragments: u32, now: Now) {
        let Some(codec) = &self.codec else { return };
        if codec.is_at_rest() {
            self.codec = None;
            self.message_due = None;
        } else if codec.fragments() > fragments {
            self.close(Closing::new(CloseCode::Misuse, "fragments"), now);
            self.linger(now);
        } else if self.message_due.is_none() {
            self.message_due = Some(now.moment.after(self.node.settings.transport.message));
        }
    }

    /// Sends a close frame, unless one was sent.
    fn close(&mut self, closing: Closing, now: Now) {
        if self.phase == Phase::Open {
            codec::write_close(closing, &mut self.outgoing);
            self.phase = Phase::Closing(
                now.moment
                    .after(self.node.settings.transport.close_handshake),
            );
            self.answering = None;
            self.message_due = None;
            self.leave_session();
            tracing::debug!(connection = self.caller.connection.number, %closing, "closed");
        }
    }

    /// Both close frames are through, or the stream makes no sense any more.
    fn linger(&mut self, now: Now) {
        self.codec = None;
        self.message_due = None;
        self.answering = None;
        self.phase = Phase::Lingering(
            now.moment
                .after(self.node.settings.transport.close_handshake),
        );
    }

    fn poll_write(&mut self, context: &mut Context<'_>) {
        let mut written = 0;
        while written < self.outgoing.len() {
            match Pin::new(&mut self.stream).poll_write(context, &self.outgoing[written..]) {
                Poll::Ready(Ok(count)) if count > 0 => written += count,
                Poll::Ready(_) => {
                    self.phase = Phase::Done;
                    return;
                }
                Poll::Pending => break,
            }
        }
        if written == self.outgoing.len() {
            self.outgoing = Vec::new();
            self.poll_shutdown(context);
        } else {
            self.outgoing.drain(..written);
            if self.outgoing.len() > self.node.settings.transport.outgoing_bytes {
                // The client does not read, so it would not read a close frame either.
                self.phase = Phase::Done;
            }
        }
    }

    /// The server hangs up first (RFC 6455 section 7.1.1), and waits for the client to do the same, so that nothing
    /// that is still on its way makes the client lose the close frame.
    fn poll_shutdown(&mut self, context: &mut Context<'_>) {
        if matches!(self.phase, Phase::Lingering(_))
            && let Poll::Ready(Err(_)) = Pin::new(&mut self.stream).poll_shutdown(context)
        {
            self.phase = Phase::Done;
        }
    }

    /// Does what is due, and sets the timer for what is due next. `false` if nothing is due yet.
    fn poll_timer(
        &mut self,
        context: &mut Context<'_>,
        mut timer: Pin<&mut Sleep>,
        now: Now,
    ) -> bool {
        let Some(deadline) = self.deadline() else {
            return false;
        };
        let wake = self.node.wake_moment(deadline);
        // A timer that goes off too early is set again then; most deadlines move on before they come.
        if self.armed.is_none_or(|armed| wake < armed) {
            timer
                .as_mut()
                .reset(Instant::now() + wake.since(now.moment));
            self.armed = Some(wake);
        }
        if timer.as_mut().poll(context).is_pending() {
            return false;
        }
        self.armed = None;
        let now = self.node.clock.now();
        if now.moment >= deadline {
            self.expire(now);
        }
        true
    }

    fn deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Open => [self.machine.deadline(), self.message_due]
                .into_iter()
                .flatten()
                .min(),
            Phase::Closing(due) | Phase::Lingering(due) => Some(due),
            Phase::Done => None,
        }
    }

    fn expire(&mut self, now: Now) {
        match self.phase {
            Phase::Open if self.message_due.is_some_and(|due| now.moment >= due) => {
                self.close(Closing::new(CloseCode::Misuse, "slow_message"), now);
                self.linger(now);
            }
            Phase::Open => self.handle(Input::Tick, now),
            Phase::Closing(_) | Phase::Lingering(_) => self.phase = Phase::Done,
            Phase::Done => {}
        }
    }
}

impl<S> Driver<S> {
    /// Nothing that concerns a session concerns this connection any more.
    fn leave_session(&mut self) {
        self.node.hub.bind(self.caller.connection, None);
        if let Some(link) = self.link.take() {
            link.end();
        }
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        self.leave_session();
        self.node.hub.remove(self.caller.connection);
    }
}
