//! Messages that lie whole in what was read, as nearly all do: they are decoded where they lie, without a codec.
//!
//! It knows only the frames that need no thought. Whatever else there is, above all what is wrong, is left to the codec,
//! which knows how to refuse it.

/// A message in one frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole<'a> {
    Text(&'a str),
    /// A text that is none.
    NotUtf8,
    Binary(&'a [u8]),
    Pong,
}

// The first byte of a frame that is the last of its message and uses no extension (RFC 6455 section 5.2).
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const PONG: u8 = 0x8a;

/// What the second byte adds to a frame's length when the payload is masked.
const MASKED: u8 = 0x80;
/// The longest payload whose length the second byte says.
const SHORT_BYTES_MAX: usize = 125;
/// What the second byte says where two more bytes say the length.
const TWO_BYTES_FOLLOW: usize = 126;
pub(super) const MASK_BYTES: usize = 4;

/// Takes a message off the front of `bytes`, if a whole one of at most `payload_bytes_max` lies there. If not, `bytes`
/// stay as they are.
pub(super) fn take<'a>(bytes: &mut &'a mut [u8], payload_bytes_max: usize) -> Option<Whole<'a>> {
    let (begin, end) = payload(bytes)?;
    if end - begin > payload_bytes_max || end > bytes.len() {
        return None;
    }
    let (frame, rest) = std::mem::take(bytes).split_at_mut(end);
    *bytes = rest;
    let (header, payload) = frame.split_at_mut(begin);
    if header[0] == PONG {
        return Some(Whole::Pong);
    }
    if let Some(&mask) = header.last_chunk::<MASK_BYTES>() {
        unmask(payload, mask);
    }
    Some(if header[0] == BINARY {
        Whole::Binary(payload)
    } else {
        std::str::from_utf8(payload).map_or(Whole::NotUtf8, Whole::Text)
    })
}

/// Where the payload of the frame at the front of `bytes` begins and ends, if it is a frame to be decoded here.
fn payload(bytes: &[u8]) -> Option<(usize, usize)> {
    let &[opcode, length, ..] = bytes else {
        return None;
    };
    let length = usize::from(length.checked_sub(MASKED)?);
    match opcode {
        TEXT | BINARY | PONG if length <= SHORT_BYTES_MAX => {
            let begin = 2 + MASK_BYTES;
            Some((begin, begin + length))
        }
        TEXT | BINARY if length == TWO_BYTES_FOLLOW => {
            let length = u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?);
            let begin = 4 + MASK_BYTES;
            Some((begin, begin + usize::from(length)))
        }
        _ => None,
    }
}

/// RFC 6455 section 5.3.
pub(super) fn unmask(payload: &mut [u8], mask: [u8; MASK_BYTES]) {
    let (words, rest) = payload.as_chunks_mut();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{
        codec::{Codec, Received},
        mistake::Mistake,
    };

    const LIMIT: usize = 300;

    /// A frame with a mask, and its length written in as few bytes as can be.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut frame = vec![first];
        match u8::try_from(payload.len()) {
            Ok(length @ 0..=125) => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
            }
        }
        frame.extend(mask);
        frame.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
        frame
    }

    fn payloads() -> Vec<Vec<u8>> {
        [0, 1, 3, 4, 5, 124, 125, 126, 127, LIMIT]
            .map(|length| "häé€𝄞".bytes().cycle().take(length).collect::<Vec<u8>>())
            .into_iter()
            .chain([b"plain".to_vec(), b"\xff\xfe".to_vec()])
            .collect()
    }

    #[test]
    fn what_it_takes_is_what_the_codec_would_have_decoded() {
        for payload in payloads() {
            for first in [TEXT, BINARY, PONG] {
                let bytes = frame(first, &payload);
                let mut codec = Codec::new(bytes.len());
                let decoded = codec.decode(&mut &bytes[..], &mut Vec::new());
                let mut copy = bytes.clone();
                match take(&mut &mut copy[..], LIMIT) {
                    Some(Whole::Text(text)) => {
                        assert!(matches!(decoded, Ok(Some(Received::Text(it))) if *it == *text));
                    }
                    Some(Whole::Binary(payload)) => {
                        assert!(
                            matches!(decoded, Ok(Some(Received::Binary(it))) if *it == *payload)
                        );
                    }
                    Some(Whole::Pong) => assert!(matches!(decoded, Ok(Some(Received::Pong)))),
                    Some(Whole::NotUtf8) => {
                        assert!(decoded.is_err_and(|mistake| mistake == Mistake::NotUtf8));
                    }
                    // A pong this long is wrong, so it is the codec's.
                    None => assert!(decoded.is_err() && first == PONG),
                }
            }
        }
    }

    #[test]
    fn messages_are_taken_one_by_one_and_an_unfinished_one_stays() {
        let unfinished = &frame(TEXT, b"three")[..8];
        let mut bytes = [
            frame(TEXT, b"one"),
            frame(PONG, b""),
            frame(BINARY, b"two"),
            unfinished.to_vec(),
        ]
        .concat();
        let mut rest = &mut bytes[..];
        assert_eq!(take(&mut rest, LIMIT), Some(Whole::Text("one")));
        assert_eq!(take(&mut rest, LIMIT), Some(Whole::Pong));
        assert_eq!(take(&mut rest, LIMIT), Some(Whole::Binary(b"two")));
        assert_eq!(take(&mut rest, LIMIT), None);
        assert_eq!(rest, unfinished);
    }

    #[test]
    fn whatever_needs_thought_is_left_to_the_codec_as_it_came() {
        let text = frame(TEXT, b"text");
        let mut unmasked = text.clone();
        unmasked[1] ^= 0x80;
        let left = [
            ("a ping", frame(0x89, b"text")),
            ("a close frame", frame(0x88, b"")),
            ("a fragment", frame(0x01, b"text")),
            ("the end of a fragmented message", frame(0x80, b"text")),
            ("a reserved bit", frame(TEXT | 0x40, b"text")),
            ("an opcode that means nothing", frame(0x83, b"text")),
            ("no mask", unmasked),
            ("a message over the limit", frame(TEXT, &[b'a'; LIMIT + 1])),
            ("a long pong", frame(PONG, &[0; 126])),
            ("a length in eight bytes", {
                let mut long = vec![TEXT, 0xff];
                long.extend(4_u64.to_be_bytes());
                long.extend(&text[2..]);
                long
            }),
            ("a header that is cut off", text[..1].to_vec()),
            ("a length that is cut off", vec![TEXT, 0x80 | 126, 0]),
            ("nothing", Vec::new()),
        ];
        for (what, bytes) in left {
            let mut copy = bytes.clone();
            let mut rest = &mut copy[..];
            assert_eq!(take(&mut rest, LIMIT), None, "{what}");
            assert_eq!(*rest, bytes[..], "{what}");
        }
    }
}
