//! The client's side of the wire, written for a generator that must cost little beside the server it measures.
//!
//! It speaks the plain framing only, makes frames and reads answers by hand, and trusts the server with nothing but
//! what it looks at. Its tests hold it against the core's own messages.

pub(crate) mod answer;
pub(crate) mod frame;
pub(crate) mod request;
pub(crate) mod upgrade;

/// What a server sent that no server of this protocol sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// The upgrade was answered, but not with 101.
    #[error("the upgrade was refused: {status}{}", where_else(status))]
    UpgradeRefused {
        /// The first line of the answer.
        status: String,
    },
    /// The answer to the upgrade has no end.
    #[error(
        "the answer to the upgrade is longer than {} bytes",
        upgrade::HEAD_BYTES
    )]
    EndlessHead,
    /// The answer to the upgrade is not that of a WebSocket server (RFC 6455 section 4.1).
    #[error("the answer to the upgrade has not the right Sec-WebSocket-Accept")]
    NotAccepted,
    /// A frame that is masked, fragmented, binary, or of no known opcode.
    #[error("a frame began with {0:#04x} {1:#04x}, which this generator does not take")]
    UnexpectedFrame(u8, u8),
    /// A frame is longer than any answer.
    #[error("a frame of {0} bytes")]
    FrameTooLong(u64),
    /// A text frame is not UTF-8.
    #[error("a text frame is not UTF-8")]
    NotUtf8,
}

fn where_else(status: &str) -> &'static str {
    // A page, or none: something serves HTTP there.
    if status.contains(" 200") || status.contains(" 404") {
        " (handfast's own path is /ws/)"
    } else {
        ""
    }
}
