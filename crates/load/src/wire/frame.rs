//! WebSocket frames (RFC 6455 section 5): masked ones are written, unmasked ones are read.

use super::Broken;

/// The longest frame that is read. No answer to this generator's requests comes near it.
const FRAME_BYTES: u64 = 64 * 1024;

/// The mask of every frame. It protects nothing here, so that it need not be drawn; but it is not zero, so that a
/// server that forgets to unmask is noticed.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const MASK_TWICE_TWICE: [u8; 16] = {
    let mut repeated = [0; 16];
    let mut at = 0;
    while at < repeated.len() {
        repeated[at] = MASK[at % MASK.len()];
        at += 1;
    }
    repeated
};

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// A frame from the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A message.
    Text(&'a str),
    /// To be answered with the same payload.
    Ping(&'a [u8]),
    /// Of no interest.
    Pong,
    /// The code, where there is one, and the reason text.
    Close(Option<u16>, &'a [u8]),
}

/// Replaces what is in `out` by a masked text frame with the concatenation of `parts` for a payload.
pub(crate) fn write_text(out: &mut Vec<u8>, parts: &[&str]) {
    out.clear();
    let length = parts.iter().map(|part| part.len()).sum();
    write_head(out, TEXT, length);
    let payload = out.len();
    for part in parts {
        out.extend_from_slice(part.as_bytes());
    }
    mask(&mut out[payload..]);
}

/// Replaces what is in `out` by a masked pong.
pub(crate) fn write_pong(out: &mut Vec<u8>, ping: &[u8]) {
    out.clear();
    write_head(out, PONG, ping.len());
    let payload = out.len();
    out.extend_from_slice(ping);
    mask(&mut out[payload..]);
}

/// Replaces what is in `out` by a masked ping.
pub(crate) fn write_ping(out: &mut Vec<u8>, payload: &[u8]) {
    out.clear();
    write_head(out, PING, payload.len());
    let begin = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[begin..]);
}

fn write_head(out: &mut Vec<u8>, opcode: u8, length: usize) {
    out.push(FINAL | opcode);
    match length {
        0..=125 => out.push(MASKED | length as u8),
        126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
}

fn mask(payload: &mut [u8]) {
    let (blocks, rest) = payload.as_chunks_mut::<16>();
    for block in blocks {
        for (byte, key) in block.iter_mut().zip(MASK_TWICE_TWICE) {
            *byte ^= key;
        }
    }
    for (byte, key) in rest.iter_mut().zip(MASK_TWICE_TWICE) {
        *byte ^= key;
    }
}

/// The first frame in `bytes`, with its length; `None` while it is not all there.
///
/// # Errors
/// [`Broken`], for what a server of this protocol does not send.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Broken> {
    let &[first, second, ..] = bytes else {
        return Ok(None);
    };
    let Some((length, head)) = length(second, bytes) else {
        return Ok(None);
    };
    if length > FRAME_BYTES {
        return Err(Broken::FrameTooLong(length));
    }
    let Ok(length) = usize::try_from(length) else {
        return Err(Broken::FrameTooLong(length));
    };
    let end = head + length;
    let Some(payload) = bytes.get(head..end) else {
        return Ok(None);
    };
    if first & FINAL == 0 || second & MASKED != 0 {
        return Err(Broken::UnexpectedFrame(first, second));
    }
    let frame = match first & !FINAL {
        TEXT => Frame::Text(std::str::from_utf8(payload).map_err(|_| Broken::NotUtf8)?),
        PING => Frame::Ping(payload),
        PONG => Frame::Pong,
        CLOSE => match *payload {
            [high, low, ref reason @ ..] => {
                Frame::Close(Some(u16::from_be_bytes([high, low])), reason)
            }
            _ => Frame::Close(None, &[]),
        },
        _ => return Err(Broken::UnexpectedFrame(first, second)),
    };
    Ok(Some((frame, end)))
}

/// The payload's length, and where it begins.
fn length(second: u8, bytes: &[u8]) -> Option<(u64, usize)> {
    match second & !MASKED {
        126 => {
            let field = bytes.get(2..4)?.try_into().ok()?;
            Some((u64::from(u16::from_be_bytes(field)), 4))
        }
        127 => {
            let field = bytes.get(2..10)?.try_into().ok()?;
            Some((u64::from_be_bytes(field), 10))
        }
        short => Some((u64::from(short), 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::protocol::{Role, WebSocketContext};

    /// What a real WebSocket implementation makes of a frame of ours.
    fn as_read_by_tungstenite(frame: &[u8]) -> tungstenite::Message {
        let mut server = WebSocketContext::new(Role::Server, None);
        let mut stream = std::io::Cursor::new(frame.to_vec());
        server.read(&mut stream).unwrap()
    }

    #[test]
    fn a_text_of_any_length_arrives_as_it_was() {
        for length in [0, 1, 15, 16, 17, 125, 126, 127, 600, 0xffff, 0x1_0000] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            let mut frame = Vec::new();
            write_text(&mut frame, &[&text[..0], &text]);
            let message = as_read_by_tungstenite(&frame);
            assert_eq!(
                message.into_text().unwrap().as_str(),
                text,
                "{length} bytes"
            );
        }
    }

    #[test]
    fn a_pong_carries_what_the_ping_did() {
        let mut frame = vec![1, 2, 3];
        write_pong(&mut frame, b"are you there");
        assert_eq!(
            as_read_by_tungstenite(&frame),
            tungstenite::Message::Pong("are you there".into())
        );
    }

    #[test]
    fn a_frame_is_read_once_its_last_byte_is_there() {
        for length in [0, 5, 125, 126, 500, 0xffff] {
            let text = "x".repeat(length);
            let mut bytes = vec![FINAL | TEXT];
            match length {
                0..=125 => bytes.push(u8::try_from(length).unwrap()),
                _ => {
                    bytes.push(126);
                    bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
                }
            }
            bytes.extend(text.as_bytes());
            let end = bytes.len();
            assert_eq!(read(&bytes[..end - 1]), Ok(None), "{length} bytes");
            bytes.extend([0x89, 0]);
            assert_eq!(read(&bytes), Ok(Some((Frame::Text(&text), end))));
            assert_eq!(read(&bytes[end..]), Ok(Some((Frame::Ping(&[]), 2))));
        }
    }

    #[test]
    fn a_close_says_its_code_and_reason() {
        let bytes = [0x88, 8, 0x11, 0x33, b'l', b'o', b'g', b'o', b'u', b't'];
        assert_eq!(
            read(&bytes),
            Ok(Some((Frame::Close(Some(4403), b"logout"), 10)))
        );
        assert_eq!(read(&[0x88, 0]), Ok(Some((Frame::Close(None, &[]), 2))));
    }

    #[test]
    fn what_no_server_of_this_protocol_sends_is_an_error() {
        let masked = [0x81, 0x80, 0, 0, 0, 0];
        assert_eq!(read(&masked), Err(Broken::UnexpectedFrame(0x81, 0x80)));
        let fragment = [0x01, 0];
        assert_eq!(read(&fragment), Err(Broken::UnexpectedFrame(0x01, 0)));
        let binary = [0x82, 0];
        assert_eq!(read(&binary), Err(Broken::UnexpectedFrame(0x82, 0)));
        let endless = [0x81, 127, 0, 0, 0, 0, 0xff, 0, 0, 0];
        assert_eq!(read(&endless), Err(Broken::FrameTooLong(0xff00_0000)));
        assert_eq!(read(&[0x81, 1, 0xff]), Err(Broken::NotUtf8));
    }
}
