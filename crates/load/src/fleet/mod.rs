//! Many clients on one thread.
//!
//! A fleet holds the connections of all clients of a run behind one epoll instance and does for them what is the same
//! in every scenario: it connects, upgrades, splits what arrives into frames and answers pings. What a client does
//! when its connection is open or an answer has come is the scenario's, as a [`Behaviour`].
//!
//! It is lean on purpose, because on a small machine what the generator uses is lacking to the server: one thread, no
//! buffer but a shared one unless a frame came in pieces, edge-triggered events, and on loopback three waits at most
//! between connecting and an answer.

mod connection;
mod door;

pub(crate) use door::{Door, Ending, Landing, allow_connections};

use crate::{
    clock,
    error::{Doing, Error},
    watch::Watch,
    wire::{
        answer::{self, Answer},
        frame::{self, Frame},
        upgrade,
    },
};
use connection::{Connection, Stage};
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, Event, EventData, EventFlags},
    fd::OwnedFd,
    io::Errno,
    time::Timespec,
};
use std::{
    mem,
    time::{Duration, Instant},
};

/// How many events are taken at a time.
const EVENTS: usize = 256;
/// How much is read at a time, in bytes. Most reads bring one answer.
const SCRATCH_BYTES: usize = 16 * 1024;

/// What the clients of a fleet do. A client is called by its number.
pub(crate) trait Behaviour {
    /// The client's connection is upgraded.
    fn opened(&mut self, fleet: &mut Fleet, client: usize) -> Result<(), Error>;

    /// An answer has come.
    fn answered(
        &mut self,
        fleet: &mut Fleet,
        client: usize,
        answer: Answer<'_>,
    ) -> Result<(), Error>;

    /// The server closed the client's connection. Most scenarios end by that.
    ///
    /// # Errors
    /// [`Error::Closed`].
    fn closed(
        &mut self,
        _fleet: &mut Fleet,
        _client: usize,
        code: Option<u16>,
        reason: &[u8],
    ) -> Result<(), Error> {
        Err(Error::closed(code, reason))
    }

    /// The client's connection broke, or ended without a close frame. Most scenarios end by that.
    ///
    /// # Errors
    /// `error`.
    fn lost(&mut self, _fleet: &mut Fleet, _client: usize, error: Error) -> Result<(), Error> {
        Err(error)
    }

    /// Nothing more has happened for now.
    fn turn(&mut self, _fleet: &mut Fleet, _now: Instant) -> Result<Turn, Error> {
        Ok(Turn::Wait)
    }
}

/// What to do when everything that has happened is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Wait until something happens.
    Wait,
    /// Wait until something happens, but not longer than until this instant.
    WaitUntil(Instant),
    /// The aim is reached.
    Done,
}

/// How a run of a fleet ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The behaviour said that it is done.
    Done,
    /// The time was over.
    TimeOver,
}

/// Many clients, each with a connection or none.
#[derive(Debug)]
pub(crate) struct Fleet {
    epoll: OwnedFd,
    door: Door,
    connections: Vec<Option<Connection>>,
    /// The number of the connection that was opened last.
    last_serial: u32,
    pong: Vec<u8>,
    pings: u64,
    watch: Watch,
}

impl Fleet {
    /// A fleet of `clients` that have no connection yet.
    ///
    /// # Errors
    /// [`Error::Descriptors`] where this process may not open that many connections.
    pub(crate) fn new(door: Door, clients: usize, watch: &Watch) -> Result<Self, Error> {
        allow_connections(clients)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)
            .doing(|| "creating an epoll instance".to_owned())?;
        Ok(Self {
            epoll,
            door,
            connections: std::iter::repeat_with(|| None).take(clients).collect(),
            last_serial: 0,
            pong: Vec::new(),
            pings: 0,
            watch: watch.clone(),
        })
    }

    /// How many clients there are.
    pub(crate) fn clients(&self) -> usize {
        self.connections.len()
    }

    /// How many pings were answered.
    pub(crate) fn pings(&self) -> u64 {
        self.pings
    }

    /// Lets connections that are opened from now on go another way.
    pub(crate) fn redirect(&mut self, door: Door) {
        self.door = door;
    }

    /// Opens a connection for a client that has none. The behaviour hears of it when it is upgraded.
    ///
    /// # Errors
    /// [`Error::Connect`].
    pub(crate) fn open(&mut self, client: usize) -> Result<(), Error> {
        self.last_serial = self.last_serial.wrapping_add(1);
        let (socket, unsent) = self.door.open(client)?;
        let connection = Connection::new(socket, self.last_serial, unsent);
        epoll::add(
            &self.epoll,
            &connection.socket,
            data(client),
            connection.interest(),
        )
        .doing(|| "watching a connection".to_owned())?;
        self.connections[client] = Some(connection);
        Ok(())
    }

    /// Closes a client's connection, in the way that the door was given.
    pub(crate) fn close(&mut self, client: usize) {
        self.connections[client] = None;
    }

    /// Sends a finished frame. Where the connection is gone, reading from it will tell.
    ///
    /// # Errors
    /// [`Error::System`].
    pub(crate) fn send(&mut self, client: usize, frame: &[u8]) -> Result<(), Error> {
        let Some(connection) = &mut self.connections[client] else {
            return Ok(());
        };
        if connection.send(frame) {
            return Ok(());
        }
        epoll::modify(
            &self.epoll,
            &connection.socket,
            data(client),
            connection.interest(),
        )
        .doing(|| "watching a connection".to_owned())
    }

    /// Lets the clients behave until the behaviour is done or `end` has come.
    ///
    /// # Errors
    /// The first that any client meets; [`Error::Interrupted`].
    pub(crate) fn run(
        &mut self,
        behaviour: &mut impl Behaviour,
        end: Instant,
    ) -> Result<Outcome, Error> {
        let mut scratch = vec![0; SCRATCH_BYTES];
        let mut events: Vec<Event> = Vec::with_capacity(EVENTS);
        let mut next_beat = clock::now();
        loop {
            let now = clock::now();
            if now >= next_beat {
                self.watch.beat()?;
                next_beat = now + Watch::BEAT;
            }
            let until = match behaviour.turn(self, now)? {
                Turn::Done => return Ok(Outcome::Done),
                Turn::Wait => end,
                Turn::WaitUntil(instant) => instant.min(end),
            };
            if now >= end {
                return Ok(Outcome::TimeOver);
            }
            self.wait(
                &mut events,
                until.min(next_beat).saturating_duration_since(now),
            )?;
            for event in events.drain(..) {
                self.react(event, &mut scratch, behaviour)?;
            }
        }
    }

    fn wait(&self, events: &mut Vec<Event>, timeout: Duration) -> Result<(), Error> {
        let timeout = Timespec::try_from(timeout).unwrap_or_default();
        match epoll::wait(&self.epoll, spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error).doing(|| "waiting for connections".to_owned()),
        }
    }

    fn react(
        &mut self,
        event: Event,
        scratch: &mut [u8],
        behaviour: &mut impl Behaviour,
    ) -> Result<(), Error> {
        let Ok(client) = usize::try_from(event.data.u64()) else {
            return Ok(());
        };
        let flags = event.flags;
        if flags.contains(EventFlags::OUT)
            && let Some(connection) = &mut self.connections[client]
        {
            connection.send(&[]);
        }
        let ended = flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
        if !ended && !flags.contains(EventFlags::IN) {
            return Ok(());
        }
        loop {
            let Some(connection) = &self.connections[client] else {
                return Ok(());
            };
            let count = match connection.receive(scratch) {
                Ok(count) => count,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return behaviour.lost(self, client, Error::Lost(error.into())),
            };
            if count == 0 {
                return behaviour.lost(self, client, Error::closed(None, &[]));
            }
            self.take_in(client, &scratch[..count], behaviour)?;
            // A read that did not fill its buffer took all there was; what comes later is another event.
            if !ended && count < scratch.len() {
                return Ok(());
            }
        }
    }

    /// Takes in what arrived, together with what had arrived of a frame before. What is left of a frame is kept.
    fn take_in(
        &mut self,
        client: usize,
        bytes: &[u8],
        behaviour: &mut impl Behaviour,
    ) -> Result<(), Error> {
        let Some(connection) = &mut self.connections[client] else {
            return Ok(());
        };
        let serial = connection.serial;
        let mut partial = mem::take(&mut connection.partial);
        let bytes = if partial.is_empty() {
            bytes
        } else {
            partial.extend_from_slice(bytes);
            &partial
        };
        let mut used = 0;
        while let Some(length) = self.step(client, &bytes[used..], behaviour)? {
            used += length;
            if !self.is_same(client, serial) {
                return Ok(());
            }
        }
        if used < bytes.len()
            && let Some(connection) = &mut self.connections[client]
        {
            connection.partial = bytes[used..].to_vec();
        }
        Ok(())
    }

    /// Whether the client still has the connection with this number.
    fn is_same(&self, client: usize, serial: u32) -> bool {
        let connection = self.connections[client].as_ref();
        connection.is_some_and(|connection| connection.serial == serial)
    }

    /// Takes in the first head or frame; gives its length, or `None` while it is not all there.
    fn step(
        &mut self,
        client: usize,
        bytes: &[u8],
        behaviour: &mut impl Behaviour,
    ) -> Result<Option<usize>, Error> {
        let Some(connection) = &mut self.connections[client] else {
            return Ok(None);
        };
        if connection.stage == Stage::Upgrading {
            let head = upgrade::read(bytes)?;
            if head.is_some() {
                connection.stage = Stage::Open;
                behaviour.opened(self, client)?;
            }
            return Ok(head);
        }
        let Some((frame, length)) = frame::read(bytes)? else {
            return Ok(None);
        };
        match frame {
            Frame::Text(message) => behaviour.answered(self, client, answer::read(message))?,
            Frame::Ping(payload) => self.answer_ping(client, payload)?,
            Frame::Pong => {}
            Frame::Close(code, reason) => behaviour.closed(self, client, code, reason)?,
        }
        Ok(Some(length))
    }

    fn answer_ping(&mut self, client: usize, payload: &[u8]) -> Result<(), Error> {
        let mut pong = mem::take(&mut self.pong);
        frame::write_pong(&mut pong, payload);
        let sent = self.send(client, &pong);
        self.pong = pong;
        self.pings += 1;
        sent
    }
}

fn data(client: usize) -> EventData {
    EventData::new_u64(client as u64)
}
