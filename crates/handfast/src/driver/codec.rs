//! The WebSocket codec, which exists only while a message is in progress.

use super::{
    boundary::{Boundary, HEADER_BYTES},
    mistake::Mistake,
};
use handfast_core::{close::Closing, time::Moment};
use std::io::{self, Read, Write};
use tungstenite::{
    Bytes, Message, Utf8Bytes,
    error::{CapacityError, Error},
    protocol::{
        CloseFrame, Role, WebSocketConfig, WebSocketContext,
        frame::{
            Frame, FrameHeader,
            coding::{Control, Data, OpCode},
        },
    },
};

/// The smallest buffer worth asking for.
const BUFFER_BYTES_MIN: usize = 128;
/// The largest buffer that is made before a message says how long it is.
const BUFFER_BYTES_MAX: usize = 4096;

/// What a client sent.
#[derive(Debug)]
pub(super) enum Received {
    Text(Utf8Bytes),
    Binary(Bytes),
    Ping,
    Pong,
    /// The close frame of the peer. The answer to it is written.
    Close,
}

/// A codec, and what has been read but not decoded.
#[derive(Debug)]
pub(super) struct Codec {
    context: WebSocketContext,
    boundary: Boundary,
    /// What came while the connection took no more frames.
    unread: Vec<u8>,
    /// Whether everything that was fed has come out again, but for what has begun.
    drained: bool,
    /// When the message in progress must be complete.
    pub(super) due: Option<Moment>,
}

impl Codec {
    /// A codec for a stream at a boundary, of which `expected` bytes come next.
    pub(super) fn new(expected: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(expected.clamp(BUFFER_BYTES_MIN, BUFFER_BYTES_MAX))
            .write_buffer_size(0);
        Self {
            context: WebSocketContext::new(Role::Server, Some(config)),
            boundary: Boundary::default(),
            unread: Vec::new(),
            drained: true,
            due: None,
        }
    }

    /// Refuses messages longer than `bytes` from now on.
    pub(super) fn limit(&mut self, bytes: usize) {
        if self.context.get_config().max_message_size != Some(bytes) {
            self.context.set_config(|config| {
                config.max_message_size = Some(bytes);
                config.max_frame_size = Some(bytes);
            });
        }
    }

    /// Notes that `bytes` came next in the stream. Gives those to be decoded: all, but for what follows once a message
    /// has more than `fragments_max` fragments.
    pub(super) fn follow<'a>(&mut self, bytes: &'a [u8], fragments_max: u32) -> &'a [u8] {
        self.boundary.advance(bytes, fragments_max)
    }

    /// Decodes one message from `bytes`, of which it takes what it needs. What the protocol itself answers goes to
    /// `outgoing`.
    ///
    /// # Errors
    /// What the client did wrong.
    pub(super) fn decode(
        &mut self,
        bytes: &mut &[u8],
        outgoing: &mut Vec<u8>,
    ) -> Result<Option<Received>, Mistake> {
        let mut pipe = Pipe {
            input: bytes,
            output: outgoing,
        };
        let received = match self.context.read(&mut pipe) {
            Ok(Message::Text(text)) => Some(Received::Text(text)),
            Ok(Message::Binary(bytes)) => Some(Received::Binary(bytes)),
            Ok(Message::Ping(_)) => {
                self.context
                    .flush(&mut pipe)
                    .map_err(|error| mistake(&error))?;
                Some(Received::Ping)
            }
            Ok(Message::Pong(_)) => Some(Received::Pong),
            Ok(Message::Close(_)) => {
                // The answer to a close frame is all that is left to write; then the context says that it is closed.
                drop(self.context.flush(&mut pipe));
                Some(Received::Close)
            }
            Ok(Message::Frame(_)) => None,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => return Err(mistake(&error)),
        };
        self.drained = received.is_none();
        Ok(received)
    }

    /// Keeps `bytes` until the connection takes frames again.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        debug_assert!(self.unread.is_empty(), "what is kept goes first");
        self.unread = bytes.to_vec();
        self.drained = false;
    }

    /// What was [kept](Self::keep).
    pub(super) fn take_unread(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unread)
    }

    /// Whether a message has more frames than [followed](Self::follow) it may have.
    pub(super) fn has_excess(&self) -> bool {
        self.boundary.has_excess()
    }

    /// Whether the unfinished message is a text of at most `bytes_max`, and cannot become one any more.
    pub(super) fn is_broken(&self, bytes_max: usize) -> bool {
        self.boundary.is_broken(bytes_max)
    }

    /// Whether the codec holds nothing, so that a new one would do as well.
    pub(super) fn is_at_rest(&self) -> bool {
        self.drained && self.unread.is_empty() && self.boundary.is_at_rest()
    }

    /// Whether everything that was fed has come out, but for a message that has begun.
    pub(super) fn is_drained(&self) -> bool {
        self.drained
    }
}

/// What a stream did wrong that the codec refused.
fn mistake(error: &Error) -> Mistake {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. } | CapacityError::TooManyHeaders) => {
            Mistake::TooBig
        }
        Error::Utf8(_) => Mistake::NotUtf8,
        _ => Mistake::Protocol,
    }
}

/// The codec's stream: bytes that were read, and bytes to be written.
struct Pipe<'a, 'b> {
    input: &'a mut &'b [u8],
    output: &'a mut Vec<u8>,
}

impl Read for Pipe<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() {
            Err(io::ErrorKind::WouldBlock.into())
        } else {
            self.input.read(buffer)
        }
    }
}

impl Write for Pipe<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Appends an unmasked text frame.
pub(super) fn write_text(text: &str, outgoing: &mut Vec<u8>) {
    write_frame(OpCode::Data(Data::Text), text.as_bytes(), outgoing);
}

/// Appends an unmasked binary frame.
pub(super) fn write_binary(bytes: &[u8], outgoing: &mut Vec<u8>) {
    write_frame(OpCode::Data(Data::Binary), bytes, outgoing);
}

/// Appends an empty ping.
pub(super) fn write_ping(outgoing: &mut Vec<u8>) {
    write_frame(OpCode::Control(Control::Ping), &[], outgoing);
}

/// Appends a close frame.
pub(super) fn write_close(closing: Closing, outgoing: &mut Vec<u8>) {
    let frame = CloseFrame {
        code: closing.code.number().into(),
        reason: Utf8Bytes::from_static(closing.reason),
    };
    let payload = Frame::close(Some(frame)).into_payload();
    write_frame(OpCode::Control(Control::Close), &payload, outgoing);
}

fn write_frame(opcode: OpCode, payload: &[u8], outgoing: &mut Vec<u8>) {
    let header = FrameHeader {
        opcode,
        is_final: true,
        ..FrameHeader::default()
    };
    outgoing.reserve(HEADER_BYTES + payload.len());
    let written = header.format(payload.len() as u64, outgoing);
    debug_assert!(written.is_ok(), "a vector takes every header");
    outgoing.extend_from_slice(payload);
}
