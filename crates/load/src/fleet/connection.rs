//! One connection of a fleet.

use rustix::{
    event::epoll::EventFlags,
    fd::OwnedFd,
    io::{self, Errno},
    net::{self, RecvFlags, SendFlags},
};

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// The upgrade is asked for.
    Upgrading,
    /// Frames may be sent.
    Open,
}

/// A socket, and what is not finished on it. Both buffers are empty nearly always and then hold no memory.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: OwnedFd,
    /// Tells it from the connection that the same client had before.
    pub(super) serial: u32,
    pub(super) stage: Stage,
    /// The beginning of a head or frame.
    pub(super) partial: Vec<u8>,
    unsent: Vec<u8>,
}

impl Connection {
    pub(super) fn new(socket: OwnedFd, serial: u32, unsent: Vec<u8>) -> Self {
        Self {
            socket,
            serial,
            stage: Stage::Upgrading,
            partial: Vec::new(),
            unsent,
        }
    }

    /// Sends what waited, then `bytes`; whether all went out. A broken connection counts as sent: reading tells.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        if self.unsent.is_empty() {
            let sent = send(&self.socket, bytes);
            self.unsent.extend_from_slice(&bytes[sent..]);
        } else {
            self.unsent.extend_from_slice(bytes);
            let sent = send(&self.socket, &self.unsent);
            self.unsent.drain(..sent);
        }
        self.unsent.is_empty()
    }

    /// Reads into `scratch`; 0 is the end.
    pub(super) fn receive(&self, scratch: &mut [u8]) -> io::Result<usize> {
        io::retry_on_intr(|| net::recv(&self.socket, &mut *scratch, RecvFlags::empty()))
            .map(|(count, _)| count)
    }

    /// The events to wait for. Writing is among them only while something waits to be written.
    pub(super) fn interest(&self) -> EventFlags {
        let reading = EventFlags::IN | EventFlags::RDHUP | EventFlags::ET;
        if self.unsent.is_empty() {
            reading
        } else {
            reading | EventFlags::OUT
        }
    }
}

fn send(socket: &OwnedFd, bytes: &[u8]) -> usize {
    if bytes.is_empty() {
        return 0;
    }
    match io::retry_on_intr(|| net::send(socket, bytes, SendFlags::NOSIGNAL)) {
        Ok(sent) => sent,
        Err(Errno::AGAIN) => 0,
        Err(_) => bytes.len(),
    }
}
