//! A client that knows the protocol and nothing of the server's code.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use tungstenite::{
    Message, WebSocket,
    client::IntoClientRequest as _,
    error::Error,
    http::{Request, Response, header::SEC_WEBSOCKET_PROTOCOL},
};

/// How long a test waits for what must come before it fails. No test asserts how long anything took.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One connection, on a socket or whatever else carries bytes.
pub(crate) struct Client<S = TcpStream> {
    pub(crate) socket: WebSocket<S>,
    v1: bool,
}

/// How a connection was closed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Closed {
    pub(crate) code: u16,
    pub(crate) reason: String,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr, subprotocol: Option<&str>) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self::on(stream, address, subprotocol)
    }
}

impl<S: Read + Write + 'static> Client<S> {
    /// Upgrades a stream.
    pub(crate) fn on(stream: S, address: SocketAddr, subprotocol: Option<&str>) -> Self {
        let mut request = format!("ws://{address}/ws/").into_client_request().unwrap();
        if let Some(subprotocol) = subprotocol {
            request
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, subprotocol.parse().unwrap());
        }
        Self::requesting(stream, request, subprotocol).0
    }

    /// Upgrades a stream with this request, and gives the answer's head too.
    pub(crate) fn requesting(
        stream: S,
        request: Request<()>,
        subprotocol: Option<&str>,
    ) -> (Self, Response<Option<Vec<u8>>>) {
        let (socket, response) =
            tungstenite::client(request, stream).unwrap_or_else(|error| panic!("{error}"));
        let accepted = response
            .headers()
            .get(SEC_WEBSOCKET_PROTOCOL)
            .map(|it| it.to_str().unwrap().to_owned());
        assert_eq!(accepted.as_deref(), subprotocol);
        let v1 = subprotocol.is_some();
        (Self { socket, v1 }, response)
    }

    /// Sends a message.
    pub(crate) fn send(&mut self, message: &Value) {
        let mark = if self.v1 { "@" } else { "" };
        self.send_frame(&format!("{mark}{message}"));
    }

    /// Sends messages that arrive together.
    pub(crate) fn send_at_once(&mut self, messages: &[Value]) {
        let mark = if self.v1 { "@" } else { "" };
        for message in messages {
            let text = Message::text(format!("{mark}{message}"));
            self.socket.write(text).unwrap();
        }
        self.socket.flush().unwrap();
    }

    /// Sends a text frame as it is.
    pub(crate) fn send_frame(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    /// The next message, past pings.
    pub(crate) fn receive(&mut self) -> Value {
        let frame = self.receive_frame();
        let json = if self.v1 {
            frame.strip_prefix('@').expect("a message")
        } else {
            &frame
        };
        serde_json::from_str(json).unwrap()
    }

    /// The next text frame, past pings.
    pub(crate) fn receive_frame(&mut self) -> String {
        loop {
            match self.socket.read().unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) => self.socket.flush().unwrap(),
                other => panic!("expected a text frame, got {other:?}"),
            }
        }
    }

    /// Sends a message and takes the next one for its answer.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.receive()
    }

    /// Logs in, or registers where registration is open.
    pub(crate) fn login(&mut self, username: &str) -> Value {
        let answer =
            self.ask(&json!({"type": "Login", "username": username, "password": "correct horse"}));
        assert!(
            answer["type"] == "Success" || answer["type"] == "Registered",
            "{answer}"
        );
        answer
    }

    /// Presents a token without an attempt key.
    pub(crate) fn present(&mut self, token: &Value) -> Value {
        self.ask(&json!({"type": "RefreshToken", "token": token}))
    }

    /// Presents a token with an attempt key.
    pub(crate) fn attempt(&mut self, token: &Value, attempt: &str) -> Value {
        self.ask(&json!({"type": "RefreshToken", "token": token, "attempt": attempt}))
    }

    /// Waits for the close frame, past pings. Anything else fails the test.
    pub(crate) fn closed(&mut self) -> Closed {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(frame))) => {
                    return Closed {
                        code: frame.code.into(),
                        reason: frame.reason.to_string(),
                    };
                }
                Ok(Message::Ping(_)) => {}
                other => panic!("expected a close, got {other:?}"),
            }
        }
    }

    /// Waits for the close frame, past everything.
    pub(crate) fn closed_at_last(&mut self) -> Closed {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(frame))) => {
                    return Closed {
                        code: frame.code.into(),
                        reason: frame.reason.to_string(),
                    };
                }
                Ok(_) | Err(Error::Utf8(_)) => {}
                Err(error) => panic!("expected a close, got {error}"),
            }
        }
    }
}

/// The wish for another password than the one that [`Client::login`] knows.
pub(crate) fn password_change() -> Value {
    json!({"type": "ChangePassword", "old_password": "correct horse", "new_password": "battery staple"})
}

/// A close with this code and reason.
pub(crate) fn closed(code: u16, reason: &str) -> Closed {
    Closed {
        code,
        reason: reason.to_owned(),
    }
}
