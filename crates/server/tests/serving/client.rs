//! A client that knows the protocol and nothing of the server's code.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use tungstenite::{
    Error, Message, WebSocket,
    client::IntoClientRequest as _,
    http::{HeaderMap, Request},
};

/// How long a test waits for what must come before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// One connection in the plain framing.
pub(crate) struct Client<S = TcpStream>(WebSocket<S>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self, Error> {
        let request = format!("ws://{address}/ws/").into_client_request()?;
        Ok(Self::requesting(address, request)?.0)
    }

    /// Connects with this request, and gives the answer's headers too.
    pub(crate) fn requesting(
        address: SocketAddr,
        request: Request<()>,
    ) -> Result<(Self, HeaderMap), Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Self::on(stream, request)
    }
}

impl<S: Read + Write> Client<S> {
    /// Upgrades a stream with this request, and gives the answer's headers too.
    pub(crate) fn on(stream: S, request: Request<()>) -> Result<(Self, HeaderMap), Error> {
        let handshake = tungstenite::client(request, stream);
        let (socket, response) = handshake.map_err(|error| match error {
            tungstenite::HandshakeError::Failure(error) => error,
            tungstenite::HandshakeError::Interrupted(_) => Error::ConnectionClosed,
        })?;
        Ok((Self(socket), response.into_parts().0.headers))
    }

    /// Sends a text frame.
    pub(crate) fn send(&mut self, text: String) -> Result<(), Error> {
        self.0.send(Message::text(text))
    }

    /// What comes next, pings among it.
    pub(crate) fn hear(&mut self) -> Result<Message, Error> {
        self.0.read()
    }

    /// Sends a message and gives the next one.
    pub(crate) fn ask(&mut self, message: &Value) -> Result<Value, Error> {
        self.send(message.to_string())?;
        self.receive()
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Result<Value, Error> {
        loop {
            match self.hear()? {
                Message::Text(text) => return Ok(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return Err(Error::ConnectionClosed),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
    }

    /// The code that the connection is closed with.
    pub(crate) fn closed(&mut self) -> u16 {
        loop {
            match self.hear().unwrap() {
                Message::Close(frame) => return frame.unwrap().code.into(),
                Message::Text(_)
                | Message::Ping(_)
                | Message::Pong(_)
                | Message::Binary(_)
                | Message::Frame(_) => {}
            }
        }
    }
}

/// The message that logs `username` in, or registers it.
pub(crate) fn login(username: &str) -> Value {
    json!({"type": "Login", "username": username, "password": "correct horse"})
}

/// The message that presents `token` under `attempt`.
pub(crate) fn present(token: &Value, attempt: &str) -> Value {
    json!({"type": "RefreshToken", "token": token, "attempt": attempt})
}

/// What of an answer's token must be secret. What comes before it anybody may write.
pub(crate) fn signature(answer: &Value) -> &str {
    answer["token"]
        .as_str()
        .unwrap()
        .rsplit('.')
        .next()
        .unwrap()
}
