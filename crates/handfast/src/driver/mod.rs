//! The driver of one connection: it joins the machine of `handfast-core` to a socket.
//!
//! While nothing happens, a connection is its stream and its state, with neither timer nor buffer: bytes are read into one
//! that all connections of a thread share, a codec exists only while a message is in progress, and what is sent is
//! freed when it has left.

mod answer;
mod boundary;
mod codec;
mod cookie;
mod login;
mod mistake;
mod password;
mod present;
mod receive;
mod session;
mod text;
mod transmit;
mod whole;

pub(crate) use cookie::Arrival;
pub(crate) use present::PRESENTATION_DEADLINE;

use crate::{
    address::Place,
    hub::Seat,
    node::Node,
    random,
    session::Link,
    token::{BrowserHash, Ticket},
    trace::Agent,
};
use answer::{Answering, Caller, unavailable};
use codec::Codec;
use handfast_core::{
    close::{CloseCode, Closing},
    connection::{Connection, Input, Output},
    framing::Framing,
    message::{Answer, Carried, Envelope, Grant, RequestId},
    time::{Moment, Now, Timestamp},
};
use mistake::Mistake;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// What the upgrade found out about a connection.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) framing: Framing,
    /// The host that the request named, as it named it.
    pub(crate) host: Box<str>,
    pub(crate) place: Place,
    pub(crate) agent: Agent,
    pub(crate) seat: Seat,
    /// What it begins with in cookie delivery, and only there.
    pub(crate) arrival: Option<Arrival>,
}

/// A connection and everything that it holds while it is idle.
#[derive(Debug)]
pub(crate) struct Driver<S> {
    node: Arc<Node>,
    stream: S,
    machine: Connection,
    framing: Framing,
    caller: Caller,
    place: Place,
    phase: Phase,
    /// When it is to be woken.
    armed: Option<Moment>,
    codec: Option<Box<Codec>>,
    outgoing: Vec<u8>,
    answering: Option<Box<Answering>>,
    link: Option<Arc<Link>>,
    /// Whether it is among the authenticated connections that are counted.
    is_counted: bool,
    /// In cookie delivery, whose tickets it gives out.
    browser: Option<Box<BrowserHash>>,
}

/// What tokio adds to a future makes at most 512 bytes of this, which is a size that allocators have; 128 more are the
/// next one.
const _: () = assert!(size_of::<Driver<TcpStream>>() <= 416);

/// How far a connection's WebSocket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    /// The client broke RFC 6455. The close frame follows when the program has answered what came right before, at the
    /// given moment at last; what still comes is thrown away.
    Failing(Mistake, Moment),
    /// A close frame is sent; the peer's is awaited, until the given moment.
    Closing(Moment),
    /// What is left to send is sent, what still comes is thrown away until the peer hangs up or the moment has come.
    Lingering(Moment),
    /// Nothing is left to do.
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    pub(crate) fn new(node: Arc<Node>, stream: S, accepted: Accepted) -> Self {
        let Accepted {
            framing,
            host,
            place,
            agent,
            seat,
            arrival,
        } = accepted;
        let (connection, slot) = seat.take();
        let nonce = match framing {
            Framing::Plain => String::new(),
            Framing::V1 => node.nonces.of(connection.number, &host),
        };
        let limits = node.settings.current().connection_limits();
        let now = node.clock.now();
        let machine = Connection::new(
            limits,
            framing,
            node.application.takes_frames(),
            &nonce,
            now,
        );
        let mut driver = Self {
            caller: Caller {
                connection,
                slot,
                address: place.address(),
                agent,
            },
            node,
            stream,
            machine,
            framing,
            place,
            phase: Phase::Open,
            armed: None,
            codec: None,
            outgoing: Vec::new(),
            answering: None,
            link: None,
            is_counted: false,
            browser: None,
        };
        driver.perform(now);
        if let Some(arrival) = arrival {
            driver.arrive(arrival, now);
        }
        driver
    }

    /// Closes the connection as its first act.
    pub(crate) fn refuse(&mut self, closing: Closing) {
        let now = self.node.clock.now();
        self.close(closing, now);
    }

    /// Takes what the client sent right behind its upgrade request.
    pub(crate) fn receive_early(&mut self, early: &mut [u8]) {
        if !early.is_empty() {
            self.receive(early, self.node.clock.now());
        }
    }

    /// Gives the machine what happened, and does what it says. Behind a close frame nothing happens that the client could
    /// be told of (RFC 6455 section 5.5.1); who closed need not have been the machine.
    fn handle(&mut self, input: Input<'_>, now: Now) {
        match self.phase {
            Phase::Open | Phase::Failing(..) | Phase::Done => {
                self.machine.handle(now, input);
                self.perform(now);
            }
            Phase::Closing(_) | Phase::Lingering(_) => {}
        }
    }

    fn perform(&mut self, now: Now) {
        while let Some(output) = self.machine.poll() {
            match output {
                Output::Answer(Envelope { id, body }) => {
                    self.part_with_application(&body);
                    self.send(id.as_ref(), &body);
                }
                Output::Success(Envelope { id, body: grant }) => {
                    let carried = self.carried(&grant, now.unix);
                    self.send(id.as_ref(), &Answer::Success { grant, carried });
                }
                Output::Registered(Envelope { id, body: grant }) => {
                    let carried = self.carried(&grant, now.unix);
                    self.send(id.as_ref(), &Answer::Registered { grant, carried });
                }
                Output::Resumed(grant) => {
                    let carried = Carried::Nothing;
                    self.send(None, &Answer::Success { grant, carried });
                }
                Output::Ping => codec::write_ping(&mut self.outgoing),
                Output::Application(frame) => {
                    // It may have come right behind the login that has just been answered.
                    self.follow_session();
                    self.deliver(frame);
                }
                Output::Ask(question) => {
                    let subject = self.machine.bound().map(|(_, subject)| subject);
                    self.answering = Some(Box::new(Answering::begin(
                        &self.node,
                        &self.caller,
                        subject,
                        question,
                        now,
                    )));
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

    /// The token of a grant, or in cookie delivery a new ticket for it.
    fn carried(&self, grant: &Grant, now: Timestamp) -> Carried {
        let subject = self.machine.bound().map_or("", |(_, subject)| subject);
        let (tokens, id) = (&self.node.tokens, random::token_id());
        match self.browser.as_deref() {
            None => Carried::Token(tokens.sign(subject, grant, &id, now).into_exposed()),
            Some(browser) => {
                let ticket = Ticket {
                    id,
                    subject: subject.into(),
                    grant: *grant,
                    browser: *browser,
                };
                Carried::Ticket(tokens.sign_ticket(&ticket, now))
            }
        }
    }

    fn send(&mut self, id: Option<&RequestId>, answer: &Answer) {
        let text = self.framing.write_message(answer.to_json(id));
        codec::write_text(&text, &mut self.outgoing);
    }

    /// Hears what there is to hear. That another connection took the session over is heard only after this one's own
    /// presentation is decided, which may take it back; the hub then recalls it. One that the ledger has not been asked
    /// about puts off nothing: whoever presents again and again would stay.
    fn poll_signal(&mut self, now: Now) {
        let is_deciding = self.answering.as_deref().is_some_and(Answering::is_asked);
        if let Some(signal) = self.caller.slot.hear(is_deciding) {
            self.handle(Input::Signalled(signal), now);
        }
    }

    /// Takes the answer to the machine's question, if it is there.
    fn poll_answer(&mut self, context: &mut Context<'_>, now: Now) -> bool {
        let Some(answering) = &mut self.answering else {
            return false;
        };
        let Poll::Ready(reply) = Pin::new(&mut **answering).poll(context, &self.node) else {
            return false;
        };
        let answered = self.answering.take();
        self.handle(Input::Replied(reply), now);
        // Only now: what the answer still took, a signature most of all, is a part of the request. Who is next may have
        // been asked already, and is none.
        if let Some(answered) = answered {
            answered.followed.touch();
        }
        self.follow_session();
        true
    }

    /// The ledger took too long. What it has not decided yet is withdrawn; what it may have decided just now, the
    /// client's next try finds.
    fn give_up_answering(&mut self, now: Now) {
        let late = unavailable();
        if let Some(mut answering) = self.answering.take() {
            answering.followed.answered(&late);
        }
        self.handle(Input::Replied(late), now);
        self.follow_session();
    }

    /// Does what is due, or sees to it that it is woken for what is due next: then it is `false`. It is said whether the
    /// client was left unread since the program had no room.
    fn expire_due(&mut self, now: Now, is_unread: bool) -> bool {
        let Some(deadline) = self.deadline() else {
            return false;
        };
        if now.moment >= deadline {
            self.expire(now, is_unread);
            return true;
        }
        // What comes too early is set again then; most deadlines move on before they come.
        let armed = self.armed.filter(|armed| *armed > now.moment);
        if armed.is_some_and(|armed| armed <= deadline) {
            return false;
        }
        let wake = self.node.wake_moment(deadline);
        if armed.is_none_or(|armed| wake < armed) {
            let (number, slot) = (self.caller.connection.number, &self.caller.slot);
            self.node.alarms.set(number, slot, wake, self.armed);
            self.armed = Some(wake);
        }
        false
    }

    fn message_due(&self) -> Option<Moment> {
        self.codec.as_ref()?.due
    }

    fn deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Open => {
                let answer_due = self.answering.as_deref().and_then(Answering::due);
                [self.machine.deadline(), self.message_due(), answer_due]
                    .into_iter()
                    .flatten()
                    .min()
            }
            Phase::Failing(_, due) | Phase::Closing(due) | Phase::Lingering(due) => Some(due),
            Phase::Done => None,
        }
    }

    fn expire(&mut self, now: Now, is_unread: bool) {
        let answering = self.answering.as_deref();
        let is_late = answering
            .and_then(Answering::due)
            .is_some_and(|due| now.moment >= due);
        match self.phase {
            Phase::Open if is_late => self.give_up_answering(now),
            Phase::Open if self.message_due().is_some_and(|due| now.moment >= due) => {
                self.close(Closing::new(CloseCode::Misuse, "slow_message"), now);
                self.linger(now);
            }
            Phase::Open => {
                if let Some(due) = self.machine.deadline() {
                    let late = now.moment.since(due).as_millis();
                    self.node
                        .tally
                        .beat(u64::try_from(late).unwrap_or(u64::MAX));
                }
                // A client that is not read is not silent: its pongs wait unseen. Whether there is room by now says nothing.
                if is_unread {
                    self.handle(Input::Heard, now);
                }
                self.handle(Input::Tick, now);
            }
            Phase::Failing(mistake, _) => self.close(mistake.closing(), now),
            Phase::Closing(_) | Phase::Lingering(_) => self.phase = Phase::Done,
            Phase::Done => {}
        }
    }
}

/// A connection lives until it is closed. The future is the driver itself: an `async` block around it would hold it
/// twice.
impl<S: AsyncRead + AsyncWrite + Unpin> Future for Driver<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let driver = self.get_mut();
        let now = driver.node.clock.now();
        driver.caller.slot.register(context.waker());
        // Each of these may give another something to do, and leaves a waker behind only when it has nothing left.
        loop {
            driver.poll_signal(now);
            let mut is_unread = driver.poll_read(context, now);
            while driver.poll_answer(context, now) {
                driver.poll_signal(now);
                is_unread = driver.poll_read(context, now);
            }
            driver.pump_application(now);
            driver.poll_write(context);
            if driver.phase == Phase::Done {
                return Poll::Ready(());
            }
            if !driver.expire_due(now, is_unread) {
                return Poll::Pending;
            }
        }
    }
}

impl<S> Driver<S> {
    /// Takes its wake-up back.
    fn disarm(&mut self) {
        if let Some(armed) = self.armed.take() {
            let (number, slot) = (self.caller.connection.number, &self.caller.slot);
            self.node.alarms.cancel(number, slot, armed);
        }
    }
}

impl<S> Drop for Driver<S> {
    fn drop(&mut self) {
        self.leave_session();
        self.disarm();
        self.node.hub.remove(self.caller.connection);
    }
}
