//! A plain client that asks one thing at a time, and knows nothing of the server's code.

use super::{Connection, Heard, Node, PATIENCE};
use serde_json::{Value, json};
use std::time::Duration;

/// One connection in the plain framing.
#[derive(Debug)]
pub(crate) struct Asker(pub(crate) Connection);

impl Asker {
    pub(crate) fn on(node: &Node) -> Self {
        Self::try_on(node).unwrap_or_else(|| panic!("no connection:\n{}", node.log()))
    }

    /// `None` where nobody answers.
    pub(crate) fn try_on(node: &Node) -> Option<Self> {
        Self::try_within(node, PATIENCE)
    }

    /// A client that does not wait for longer than that; `None` where nobody answers.
    pub(crate) fn try_within(node: &Node, patience: Duration) -> Option<Self> {
        let connection = Connection::open(node.address(), true, patience);
        connection.ok().map(Self)
    }

    /// A connection that is logged in, and the answer.
    pub(crate) fn logged_in(node: &Node, username: &str) -> (Self, Value) {
        let mut client = Self::on(node);
        let answer = client.ask(&login(username));
        assert!(
            answer["type"] == "Success" || answer["type"] == "Registered",
            "{answer}"
        );
        (client, answer)
    }

    /// Sends a message and gives the next one.
    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.send(message);
        self.receive()
    }

    pub(crate) fn send(&mut self, message: &Value) {
        self.0.send(&message.to_string());
    }

    /// The next message.
    pub(crate) fn receive(&mut self) -> Value {
        match self.0.hear() {
            Heard::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Sends a message and gives the next one, if one comes.
    pub(crate) fn try_ask(&mut self, message: &Value) -> Option<Value> {
        self.send(message);
        self.receive_or_end().ok()
    }

    /// The next message, or the code that the connection is closed with, if there is one.
    pub(crate) fn receive_or_end(&mut self) -> Result<Value, Option<u16>> {
        match self.0.hear() {
            Heard::Text(text) => Ok(serde_json::from_str(&text).unwrap()),
            Heard::Closed(code) => Err(code),
            Heard::Silence => Err(None),
        }
    }

    /// The code that the connection is closed with, past messages.
    pub(crate) fn closed(&mut self) -> u16 {
        loop {
            match self.0.hear() {
                Heard::Text(_) => {}
                Heard::Closed(code) => return code.expect("a close frame"),
                Heard::Silence => panic!("still open"),
            }
        }
    }

    /// Whether the connection still has its session.
    pub(crate) fn is_logged_in(&mut self) -> bool {
        self.ask(&json!({"type": "Sessions"}))["type"] == "Sessions"
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

/// The message that presents `token` bare.
pub(crate) fn bare(token: &Value) -> Value {
    json!({"type": "RefreshToken", "token": token})
}
