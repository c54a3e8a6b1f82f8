//! How messages and application frames share one WebSocket.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

/// The subprotocol's name in `Sec-WebSocket-Protocol`.
pub const V1: &str = "handfast.v1";

/// What marks a message in the `handfast.v1` framing.
const MARK: char = '@';

/// One of the two framings; the vocabulary is the same in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Every text frame is a message. Clients that know only `Login`, `RefreshToken` and `Logout` speak it.
    Plain,
    /// Text frames that begin with `@` are messages; all others belong to the application.
    V1,
}

/// What a text frame is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextFrame<'a> {
    /// A message: the JSON text of it.
    Message(&'a str),
    /// The application's, as it sent it.
    Application(&'a str),
}

/// A frame of the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text frame.
    Text(String),
    /// A binary frame.
    Binary(Vec<u8>),
}

impl Framing {
    /// The framing for the subprotocols that a client offers, in its order of preference (RFC 6455 section 4.2.2).
    pub fn negotiate<'a>(offered: impl IntoIterator<Item = &'a str>) -> Self {
        if offered.into_iter().any(|name| name == V1) {
            Self::V1
        } else {
            Self::Plain
        }
    }

    /// What the text frame `text` is.
    #[must_use]
    pub fn read(self, text: &str) -> TextFrame<'_> {
        match (self, text.strip_prefix(MARK)) {
            (Self::Plain, _) => TextFrame::Message(text),
            (Self::V1, None) => TextFrame::Application(text),
            (Self::V1, Some(escaped)) if escaped.starts_with(MARK) => {
                TextFrame::Application(escaped)
            }
            (Self::V1, Some(message)) => TextFrame::Message(message),
        }
    }

    /// The text frame for the message `json`.
    #[must_use]
    pub fn write_message(self, mut json: String) -> String {
        match self {
            Self::Plain => {}
            Self::V1 => json.insert(0, MARK),
        }
        json
    }

    /// The text frame for the application's `text`; `None` in the plain framing, which has no place for it.
    #[must_use]
    pub fn write_application(self, text: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Plain => None,
            Self::V1 if text.starts_with(MARK) => Some(Cow::Owned(format!("{MARK}{text}"))),
            Self::V1 => Some(Cow::Borrowed(text)),
        }
    }
}
