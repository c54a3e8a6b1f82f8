//! A WebSocket that may break after any byte.

use handfast_core::framing::V1;
use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};
use tungstenite::{
    Error, HandshakeError, Message, WebSocket,
    client::IntoClientRequest as _,
    http::{HeaderMap, Request, header::SEC_WEBSOCKET_PROTOCOL},
};

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection(WebSocket<Fragile>);

/// What comes from the other side.
#[derive(Debug)]
pub(crate) enum Heard {
    /// A text frame.
    Text(String),
    /// The end: with a code if the server said one.
    Closed(Option<u16>),
    /// Nothing, for as long as one waits.
    Silence,
}

impl Connection {
    /// Connects, in `handfast.v1` or plainly. What takes longer than `patience` is given up.
    pub(crate) fn open(
        address: SocketAddr,
        is_plain: bool,
        patience: Duration,
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}/ws/").into_client_request()?;
        if !is_plain {
            let headers = request.headers_mut();
            headers.insert(SEC_WEBSOCKET_PROTOCOL, V1.parse().unwrap());
        }
        let (connection, _) = Self::requesting(address, request, patience)?;
        Ok(connection)
    }

    /// Connects with this request, and gives the answer's headers too.
    pub(crate) fn requesting(
        address: SocketAddr,
        request: Request<()>,
        patience: Duration,
    ) -> Result<(Self, HeaderMap), Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let stream = Fragile { stream, left: None };
        let (socket, response) =
            tungstenite::client(request, stream).map_err(|error| match error {
                HandshakeError::Failure(error) => error,
                HandshakeError::Interrupted(_) => Error::Io(ErrorKind::TimedOut.into()),
            })?;
        Ok((Self(socket), response.into_parts().0.headers))
    }

    /// Lets it break after so many bytes more, in both directions together.
    pub(crate) fn break_after(&mut self, bytes: usize) {
        self.0.get_mut().left = Some(bytes);
    }

    /// Sends a text frame. A connection that is gone tells so when it is listened to.
    pub(crate) fn send(&mut self, text: &str) {
        drop(self.0.send(Message::text(text)));
    }

    /// What comes next, past pings and pongs.
    pub(crate) fn hear(&mut self) -> Heard {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => return Heard::Text(text.to_string()),
                Ok(Message::Close(frame)) => {
                    return Heard::Closed(frame.map(|frame| frame.code.into()));
                }
                Ok(
                    Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_),
                ) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Heard::Silence;
                }
                Err(_) => return Heard::Closed(None),
            }
        }
    }

    /// What has come already.
    pub(crate) fn overhear(&mut self) -> Heard {
        if self.0.get_ref().stream.set_nonblocking(true).is_err() {
            return Heard::Closed(None);
        }
        let heard = self.hear();
        match self.0.get_ref().stream.set_nonblocking(false) {
            Ok(()) => heard,
            Err(_) => Heard::Closed(None),
        }
    }
}

/// A stream that breaks when so many bytes have passed.
#[derive(Debug)]
struct Fragile {
    stream: TcpStream,
    left: Option<usize>,
}

impl Fragile {
    /// How many of `wanted` bytes may pass.
    fn allowance(&self, wanted: usize) -> io::Result<usize> {
        match self.left {
            Some(0) => {
                // It may be gone already.
                drop(self.stream.shutdown(Shutdown::Both));
                Err(ErrorKind::ConnectionReset.into())
            }
            Some(left) => Ok(left.min(wanted)),
            None => Ok(wanted),
        }
    }

    fn spend(&mut self, bytes: usize) {
        if let Some(left) = &mut self.left {
            *left -= bytes;
        }
    }
}

impl Read for Fragile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let allowance = self.allowance(buffer.len())?;
        let length = self.stream.read(&mut buffer[..allowance])?;
        self.spend(length);
        Ok(length)
    }
}

impl Write for Fragile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let allowance = self.allowance(bytes.len())?;
        let length = self.stream.write(&bytes[..allowance])?;
        self.spend(length);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
