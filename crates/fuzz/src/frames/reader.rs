//! RFC 6455 section 5, read as plainly as it is written.

const PROTOCOL_ERROR: &[u16] = &[1002];
const NOT_UTF8: &[u16] = &[1007];
const TOO_BIG: &[u16] = &[1009];
/// One that breaks a rule by itself may be refused for it before it is counted.
const TOO_MANY: &[u16] = &[4400, 1002, 1009];
const WRONG_OR_TOO_BIG: &[u16] = &[1002, 1009];
/// A close frame whose code or reason is none may be answered with either.
const BAD_CLOSE: &[u16] = &[1002, 1007];

/// What a client sent.
pub(crate) enum Came {
    Text(String),
    Binary,
    Ping(Vec<u8>),
    Pong,
    Close,
    /// Something that closes the connection, with one of these codes.
    Mistake(&'static [u16]),
    /// No more whole frame. What has come of the last one may be enough to refuse it.
    Nothing {
        may_close: bool,
    },
}

/// What the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Text(String),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// Reads a client's frames.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    message_bytes: usize,
    fragments_max: u32,
    /// The message that has begun: whether it is a text, and what it has.
    message: Option<(bool, Vec<u8>)>,
    fragments: u32,
}

/// A frame's header (section 5.2).
struct Header {
    is_final: bool,
    reserved: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    length: u64,
    bytes: usize,
}

const fn is_unknown(opcode: u8) -> bool {
    matches!(opcode, 3..=7 | 11..=15)
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        let (length, mut at) = match second & 0x7F {
            126 => (
                u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
                4,
            ),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let mask = if second & 0x80 == 0 {
            None
        } else {
            let mask = *bytes.get(at..)?.first_chunk()?;
            at += 4;
            Some(mask)
        };
        Some(Self {
            is_final: first & 0x80 != 0,
            reserved: first & 0x70,
            opcode: first & 0x0F,
            mask,
            length,
            bytes: at,
        })
    }

    /// Section 5.3.
    fn unmasked(&self, payload: &[u8]) -> Vec<u8> {
        let mask = self.mask.unwrap_or_default();
        let masked = payload.iter().zip(mask.iter().cycle());
        masked.map(|(byte, mask)| byte ^ mask).collect()
    }

    const fn is_control(&self) -> bool {
        self.opcode >= 8
    }

    /// Whether it breaks a rule by itself.
    fn is_wrong(&self) -> bool {
        let odd_control = self.is_control() && (!self.is_final || self.length > 125);
        self.reserved != 0 || is_unknown(self.opcode) || self.mask.is_none() || odd_control
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], message_bytes: usize, fragments_max: u32) -> Self {
        Self {
            bytes,
            message_bytes,
            fragments_max,
            message: None,
            fragments: 0,
        }
    }

    pub(crate) fn next(&mut self) -> Came {
        loop {
            let Some(header) = Header::parse(self.bytes) else {
                let first = self.bytes.first();
                let may_close = first.is_some_and(|it| it & 0x70 != 0 || is_unknown(it & 0x0F));
                return Came::Nothing { may_close };
            };
            let is_piece = !header.is_control() && !header.is_final;
            if is_piece && self.fragments == self.fragments_max {
                return Came::Mistake(TOO_MANY);
            }
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            let end = length.checked_add(header.bytes);
            let Some(end) = end.filter(|end| *end <= self.bytes.len()) else {
                return self.half(&header, length);
            };
            let payload = header.unmasked(&self.bytes[header.bytes..end]);
            self.bytes = &self.bytes[end..];
            if header.is_wrong() || length > self.message_bytes {
                return Came::Mistake(WRONG_OR_TOO_BIG);
            }
            if let Some(came) = self.take(&header, payload) {
                return came;
            }
        }
    }

    /// What half a frame is: its header may be enough to refuse it, and is where it is too long. So is what has come of
    /// its text, where nothing else is wrong.
    fn half(&self, header: &Header, length: usize) -> Came {
        if header.is_wrong() {
            return Came::Nothing { may_close: true };
        }
        if length > self.message_bytes {
            return Came::Mistake(TOO_BIG);
        }
        let (is_text, mut held) = match (header.opcode, self.message.clone()) {
            (0, Some(message)) => message,
            (1, None) => (true, Vec::new()),
            _ => (false, Vec::new()),
        };
        if held.len() + length > self.message_bytes {
            return Came::Nothing { may_close: true };
        }
        held.extend(header.unmasked(&self.bytes[header.bytes..]));
        let is_hopeless =
            std::str::from_utf8(&held).is_err_and(|error| error.error_len().is_some());
        if is_text && is_hopeless {
            return Came::Mistake(NOT_UTF8);
        }
        Came::Nothing { may_close: false }
    }

    /// What a whole frame completes, if it does.
    fn take(&mut self, header: &Header, payload: Vec<u8>) -> Option<Came> {
        match header.opcode {
            8 => return Some(close(&payload)),
            9 => return Some(Came::Ping(payload)),
            10 => return Some(Came::Pong),
            _ => {}
        }
        let (is_text, mut held) = match (header.opcode, self.message.take()) {
            (0, Some(message)) => message,
            (1 | 2, None) => (header.opcode == 1, Vec::new()),
            _ => return Some(Came::Mistake(PROTOCOL_ERROR)),
        };
        held.extend(payload);
        if held.len() > self.message_bytes {
            return Some(Came::Mistake(TOO_BIG));
        }
        let valid = std::str::from_utf8(&held);
        let is_hopeless = valid
            .as_ref()
            .is_err_and(|error| header.is_final || error.error_len().is_some());
        if is_text && is_hopeless {
            return Some(Came::Mistake(NOT_UTF8));
        }
        if !header.is_final {
            self.fragments += 1;
            self.message = Some((is_text, held));
            return None;
        }
        self.fragments = 0;
        Some(if is_text {
            Came::Text(String::from_utf8(held).expect("it was looked at"))
        } else {
            Came::Binary
        })
    }
}

/// Section 5.5.1.
fn close(payload: &[u8]) -> Came {
    match payload {
        [] => Came::Close,
        [_] => Came::Mistake(BAD_CLOSE),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            let is_code = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if is_code && std::str::from_utf8(reason).is_ok() {
                Came::Close
            } else {
                Came::Mistake(BAD_CLOSE)
            }
        }
    }
}

/// Reads the server's frames. They are whole, not masked, and of a kind that a server sends.
pub(crate) fn sent(mut bytes: &[u8]) -> Vec<Sent> {
    let mut sent = Vec::new();
    while !bytes.is_empty() {
        let header = Header::parse(bytes).expect("a whole header");
        let end = header.bytes + usize::try_from(header.length).expect("a small frame");
        let payload = bytes[header.bytes..end].to_vec();
        bytes = &bytes[end..];
        assert!(header.is_final && header.mask.is_none() && header.reserved == 0);
        sent.push(match header.opcode {
            1 => Sent::Text(String::from_utf8(payload).expect("a text")),
            8 => Sent::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
            10 => Sent::Pong(payload),
            other => panic!("the server sent a frame of kind {other}"),
        });
    }
    sent
}
