//! The clock, the network and what is under way.

use crate::{
    checks::message_of,
    host::Host,
    ledger::{Asking, Ledger, Signals},
    server::{Act, Served, connection_id},
};
use handfast_core::{
    client::Storage,
    connection::{Input, Question, Reply, Signal},
    framing::Framing,
    limits::ConnectionLimits,
    session::{ConnectionId, Generation, SessionId, SessionRecord},
    time::{Moment, Now, Timestamp},
};
use serde_json::Value;
use std::{collections::BTreeMap, mem, sync::Arc};

const START: u64 = 1_800_000_000;
/// How many events one run may have.
const EVENTS_MAX: usize = 200_000;
/// How long a message travels, and how long the ledger thinks, in milliseconds.
const LATENCY_MS: u64 = 20;
const LEDGER_MS: u64 = 5;

/// A frame on a WebSocket, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Text(String),
    Binary(Vec<u8>),
    Ping,
    Pong,
    Close(u16, String),
}

/// What is under way.
#[derive(Debug)]
enum Event {
    /// A connection reaches the server.
    Accept(u64),
    /// The client hears that it is connected.
    Opened(u64),
    ToServer(u64, Frame),
    ToClient(u64, Frame),
    /// The server notices that the connection broke.
    Dropped(u64),
    /// The ledger looks at a question.
    Decide(u64, Question),
    Acknowledge(u64, SessionId, Generation),
    Reply(u64, Reply),
    Signal(ConnectionId, Signal),
}

/// A connection as the network sees it.
#[derive(Debug)]
struct Line {
    host: usize,
    framing: Framing,
    /// Whether the client's end is there.
    up: bool,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now_ms: u64,
    pub(crate) limits: Arc<ConnectionLimits>,
    pub(crate) ledger: Ledger,
    /// Whether somebody takes application frames.
    pub(crate) application: bool,
    /// Whether the server refuses connections.
    pub(crate) refuses: bool,
    /// Whether a presentation is decided although its connection broke meanwhile.
    pub(crate) decides_late: bool,
    /// The type of the next message to a client at which its connection breaks instead.
    pub(crate) breaks_at: Option<&'static str>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) storages: Vec<Storage>,
    pub(crate) served: BTreeMap<u64, Served>,
    /// Everything that reached a client, with its host.
    pub(crate) heard: Vec<(usize, Frame)>,
    /// What the application got, with the connection.
    pub(crate) delivered: Vec<(u64, handfast_core::framing::Frame)>,
    lines: Vec<Line>,
    events: BTreeMap<(u64, u64), Event>,
    order: u64,
    dice: u64,
}

impl World {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self {
            now_ms: 0,
            ledger: Ledger::new(limits.refresh_after),
            limits: Arc::new(limits),
            application: true,
            refuses: false,
            decides_late: false,
            breaks_at: None,
            hosts: Vec::new(),
            storages: vec![Storage::default()],
            served: BTreeMap::new(),
            heard: Vec::new(),
            delivered: Vec::new(),
            lines: Vec::new(),
            events: BTreeMap::new(),
            order: 0,
            dice: 0x9E37_79B9_7F4A_7C15,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            moment: Moment::from_millis(self.now_ms),
            unix: Timestamp::from_unix(START + self.now_ms / 1000),
        }
    }

    /// 16 bytes that look random (xorshift64).
    pub(crate) fn entropy(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        for half in bytes.chunks_mut(8) {
            self.dice ^= self.dice << 13;
            self.dice ^= self.dice >> 7;
            self.dice ^= self.dice << 17;
            half.copy_from_slice(&self.dice.to_be_bytes());
        }
        bytes
    }

    fn schedule(&mut self, after_ms: u64, event: Event) {
        self.order += 1;
        self.events
            .insert((self.now_ms + after_ms, self.order), event);
    }

    /// Lets `ms` milliseconds pass.
    pub(crate) fn run_for(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        for _ in 0..EVENTS_MAX {
            match self.next_at() {
                Some(at) if at <= until => {
                    self.now_ms = self.now_ms.max(at);
                    self.step();
                }
                Some(_) | None => {
                    self.now_ms = until;
                    return;
                }
            }
        }
        panic!("more than {EVENTS_MAX} events in {ms} ms");
    }

    /// Lets messages that are under way arrive.
    pub(crate) fn settle(&mut self) {
        self.run_for(1000);
    }

    fn next_at(&self) -> Option<u64> {
        let event = self.events.keys().next().map(|(at, _)| *at);
        let served = self.served.values().filter_map(|it| it.machine.deadline());
        let hosts = self.hosts.iter().filter_map(Host::deadline);
        let moments = served.chain(hosts).map(Moment::as_millis);
        event.into_iter().chain(moments).min()
    }

    fn step(&mut self) {
        if let Some(entry) = self.events.first_entry()
            && entry.key().0 <= self.now_ms
        {
            let event = entry.remove();
            self.happen(event);
            return self.check_owners();
        }
        let now = self.now();
        let is_due = |deadline: Option<Moment>| deadline.is_some_and(|due| due <= now.moment);
        let mut served = self.served.iter();
        if let Some((&number, _)) = served.find(|(_, it)| is_due(it.machine.deadline())) {
            self.with_served(number, |served, now| served.tick(now));
        } else if let Some(host) = self.hosts.iter().position(|it| is_due(it.deadline())) {
            self.host_ticks(host);
        }
    }

    fn happen(&mut self, event: Event) {
        let now = self.now();
        match event {
            Event::Accept(number) => self.accept(number),
            Event::Opened(number) => {
                if self.is_up(number) {
                    self.host_opened(self.lines[index(number)].host);
                }
            }
            Event::ToServer(number, frame) => {
                self.with_served(number, |served, now| served.receive(now, frame));
            }
            Event::ToClient(number, frame) => self.arrive(number, frame),
            Event::Dropped(number) => drop(self.served.remove(&number)),
            Event::Decide(number, question) => self.decide(number, question),
            Event::Acknowledge(number, session, generation) => {
                let by = connection_id(number);
                self.ledger.acknowledge(by, session, generation, now.unix);
            }
            Event::Reply(number, reply) => {
                self.with_served(number, |served, now| served.reply(now, reply));
            }
            Event::Signal(connection, signal) => {
                self.with_served(connection.number, |served, now| {
                    served.feed(now, Input::Signalled(signal))
                });
            }
        }
    }

    /// Two open connections never own one session, but while a signal is under way to the former owner.
    fn check_owners(&self) {
        let signalled = |event: &Event| matches!(event, Event::Signal(..) | Event::Reply(..));
        if self.events.values().any(signalled) {
            return;
        }
        let mut owners = BTreeMap::new();
        for (number, served) in &self.served {
            if let Some(session) = served.session() {
                let other = owners.insert(session, number);
                assert_eq!(other, None, "{number} owns {session} as well");
            }
        }
    }

    /// Opens a line for a host, if the server takes it.
    pub(crate) fn connect(&mut self, host: usize, framing: Framing) -> u64 {
        let number = u64::try_from(self.lines.len()).expect("few lines");
        self.lines.push(Line {
            host,
            framing,
            up: true,
        });
        self.schedule(LATENCY_MS, Event::Accept(number));
        number
    }

    fn accept(&mut self, number: u64) {
        if !self.is_up(number) {
            return;
        }
        if self.refuses {
            return self.hang_up(number, None);
        }
        let (limits, now) = (Arc::clone(&self.limits), self.now());
        let framing = self.lines[index(number)].framing;
        let served = Served::new(&limits, framing, self.application, now);
        self.served.insert(number, served);
        self.schedule(LATENCY_MS, Event::Opened(number));
        // What the machine says first comes without an input.
        self.with_served(number, |served, now| served.feed(now, Input::Heard));
    }

    /// Lets a machine do something, and does what comes of it.
    fn with_served(&mut self, number: u64, act: impl FnOnce(&mut Served, Now) -> Vec<Act>) {
        let now = self.now();
        let Some(served) = self.served.get_mut(&number) else {
            return;
        };
        for act in act(served, now) {
            match act {
                Act::Send(frame) => self.schedule(LATENCY_MS, Event::ToClient(number, frame)),
                Act::Decide(question) => self.schedule(LEDGER_MS, Event::Decide(number, question)),
                Act::Acknowledge(session, generation) => {
                    self.schedule(LEDGER_MS, Event::Acknowledge(number, session, generation));
                }
                Act::Deliver(frame) => self.delivered.push((number, frame)),
            }
        }
    }

    fn decide(&mut self, number: u64, question: Question) {
        let served = self.served.get(&number);
        let is_open = served.is_some_and(|served| !served.machine.is_closed());
        // A driver withdraws what a connection that is gone had asked for, unless it is too late for that.
        if !is_open && !self.decides_late {
            return;
        }
        let bound = served.and_then(|served| served.machine.bound());
        let subject = bound.map(|(_, subject)| subject.to_owned());
        let asking = Asking {
            by: connection_id(number),
            subject: subject.as_deref(),
            now: self.now().unix,
        };
        let (reply, signals) = self.ledger.answer(asking, question);
        self.signal(signals);
        self.schedule(LEDGER_MS, Event::Reply(number, reply));
    }

    pub(crate) fn signal(&mut self, signals: Signals) {
        for (connection, signal) in signals {
            self.schedule(0, Event::Signal(connection, signal));
        }
    }

    /// The server goes away and says so to everybody.
    pub(crate) fn drain(&mut self, reconnect_after: u64) {
        let numbers: Vec<u64> = self.served.keys().copied().collect();
        let signal = Signal::GoingAway { reconnect_after };
        self.signal(
            numbers
                .into_iter()
                .map(|it| (connection_id(it), signal))
                .collect(),
        );
    }

    pub(crate) fn send_to_server(&mut self, number: u64, frame: Frame) {
        assert!(
            self.is_up(number),
            "a host sends only on an open connection"
        );
        self.schedule(LATENCY_MS, Event::ToServer(number, frame));
    }

    fn arrive(&mut self, number: u64, frame: Frame) {
        if !self.is_up(number) {
            return;
        }
        let Line { host, framing, .. } = self.lines[index(number)];
        if let Frame::Text(text) = &frame
            && let Some(message) = message_of(framing, text)
            && self.breaks_at.is_some_and(|kind| message["type"] == kind)
        {
            self.breaks_at = None;
            return self.cut(host);
        }
        self.heard.push((host, frame.clone()));
        match frame {
            Frame::Close(code, _) => self.hang_up(number, Some(code)),
            Frame::Text(_) | Frame::Binary(_) | Frame::Ping | Frame::Pong => {
                self.host_hears(host, frame);
            }
        }
    }

    pub(crate) fn is_up(&self, number: u64) -> bool {
        self.lines.get(index(number)).is_some_and(|line| line.up)
    }

    /// The client's end is closed, and the server notices.
    fn hang_up(&mut self, number: u64, code: Option<u16>) {
        self.schedule(LATENCY_MS, Event::Dropped(number));
        self.vanish_line(number, code);
    }

    fn vanish_line(&mut self, number: u64, code: Option<u16>) {
        if mem::take(&mut self.lines[index(number)].up) {
            self.host_closed(self.lines[index(number)].host, code);
        }
    }

    /// Breaks a host's connection. What is under way on it is lost.
    pub(crate) fn cut(&mut self, host: usize) {
        if let Some(number) = self.hosts[host].connection() {
            self.lose(number);
            self.hang_up(number, None);
        }
    }

    /// Breaks a host's connection so that the server does not notice.
    pub(crate) fn vanish(&mut self, host: usize) {
        if let Some(number) = self.hosts[host].connection() {
            self.lose(number);
            self.vanish_line(number, None);
        }
    }

    fn lose(&mut self, number: u64) {
        self.events.retain(|_, event| match event {
            Event::ToServer(of, _) | Event::ToClient(of, _) => *of != number,
            Event::Accept(_)
            | Event::Opened(_)
            | Event::Dropped(_)
            | Event::Decide(..)
            | Event::Acknowledge(..)
            | Event::Reply(..)
            | Event::Signal(..) => true,
        });
    }

    /// The messages that reached a host since the last time that somebody asked.
    pub(crate) fn messages_to(&mut self, host: usize) -> Vec<Value> {
        let mut messages = Vec::new();
        let framing = self.hosts[host].framing();
        self.heard.retain(|(to, frame)| match frame {
            Frame::Text(text) if *to == host => {
                messages.extend(message_of(framing, text));
                false
            }
            Frame::Text(_) | Frame::Binary(_) | Frame::Ping | Frame::Pong | Frame::Close(..) => {
                true
            }
        });
        messages
    }

    /// The types of the messages that reached a host since the last time that somebody asked.
    pub(crate) fn kinds_to(&mut self, host: usize) -> Vec<String> {
        let messages = self.messages_to(host);
        let kind = |message: &Value| message["type"].as_str().map(str::to_owned);
        messages.iter().filter_map(kind).collect()
    }

    /// The last close frame that reached a host.
    pub(crate) fn close_of(&self, host: usize) -> Option<(u16, &str)> {
        let of_host = self.heard.iter().filter(|(to, _)| *to == host);
        of_host.rev().find_map(|(_, frame)| match frame {
            Frame::Close(code, reason) => Some((*code, reason.as_str())),
            Frame::Text(_) | Frame::Binary(_) | Frame::Ping | Frame::Pong => None,
        })
    }

    /// The record of the one session that there is.
    pub(crate) fn record(&self) -> SessionRecord {
        let mut sessions = self.ledger.sessions.values();
        let record = sessions.next().expect("a session").record;
        assert!(sessions.next().is_none(), "one session only");
        record
    }

    pub(crate) fn session(&self) -> SessionId {
        *self.ledger.sessions.keys().next().expect("a session")
    }

    /// The session's confirmed and issued generation.
    pub(crate) fn generations(&self) -> (u64, u64) {
        let record = self.record();
        (record.confirmed.number(), record.issued.number())
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("few lines")
}
