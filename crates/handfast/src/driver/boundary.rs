//! Whether a stream of frames is between two messages.

use super::{text::Text, whole::MASK_BYTES};
use std::io::Cursor;
use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

/// The longest header: two bytes, eight of length, four of mask (RFC 6455 section 5.2).
pub(super) const HEADER_BYTES: usize = 14;

/// Follows the frames in a stream of bytes, so that a codec can be dropped exactly where it holds nothing. It looks into
/// none but those of a text that has not come whole, which the codec would only do later.
///
/// It judges nothing else: what is no frame is for the codec to refuse.
#[derive(Debug, Default)]
pub(super) struct Boundary {
    /// The header that has begun, and how much of it has come.
    header: [u8; HEADER_BYTES],
    begun: usize,
    /// How much of the frame's payload is still to come.
    payload: u64,
    /// How many frames of an unfinished message have begun.
    fragments: u32,
    /// They are too many: what came behind them was not followed.
    excess: bool,
    /// The text that the message is, if it is one, as far as it has come.
    text: Option<Text>,
    /// What hides the rest of the payload, if that belongs to the text and the frame has nothing else that is wrong.
    mask: Option<[u8; MASK_BYTES]>,
    /// How long the frames of the message say that they are.
    message: u64,
    /// The bytes make no sense; there is no boundary any more.
    lost: bool,
}

impl Boundary {
    /// Follows `bytes`, which come next in the stream, up to the header of a frame that makes more than `fragments_max`
    /// of its message. Gives those bytes.
    pub(super) fn advance<'a>(&mut self, bytes: &'a [u8], fragments_max: u32) -> &'a [u8] {
        let mut rest = bytes;
        while !rest.is_empty() && !self.lost {
            if self.excess {
                return &bytes[..bytes.len() - rest.len()];
            }
            let skipped = usize::try_from(self.payload)
                .unwrap_or(usize::MAX)
                .min(rest.len());
            self.payload -= skipped as u64;
            let (payload, behind) = rest.split_at(skipped);
            self.look_into(payload);
            rest = behind;
            if self.payload == 0 {
                rest = self.advance_header(rest);
            }
            self.excess = self.fragments > fragments_max;
        }
        bytes
    }

    /// Reads a header, or as much of it as is there, and gives what follows it.
    fn advance_header<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let begun = self.begun;
        let taken = bytes.len().min(HEADER_BYTES - begun);
        self.begun += taken;
        self.header[begun..self.begun].copy_from_slice(&bytes[..taken]);
        let mut cursor = Cursor::new(&self.header[..self.begun]);
        match FrameHeader::parse(&mut cursor) {
            Ok(Some((header, payload))) => {
                let length = usize::try_from(cursor.position()).unwrap_or(self.begun);
                self.enter(&header, payload);
                self.begun = 0;
                &bytes[length - begun..]
            }
            Ok(None) => &bytes[taken..],
            Err(_) => {
                self.lost = true;
                &[]
            }
        }
    }

    /// Looks at what has come of a payload. What makes the message whole is left to the codec, which looks at all of it.
    fn look_into(&mut self, payload: &[u8]) {
        let is_whole = self.payload == 0 && self.fragments == 0;
        if !is_whole
            && let Some(text) = &mut self.text
            && let Some(mask) = &mut self.mask
        {
            text.advance(payload, mask);
        }
    }

    fn enter(&mut self, header: &FrameHeader, payload: u64) {
        self.payload = payload;
        self.enter_text(header);
        match (header.opcode, header.is_final) {
            (OpCode::Control(_), _) => {}
            (
                OpCode::Data(Data::Text | Data::Binary | Data::Continue | Data::Reserved(_)),
                true,
            ) => self.fragments = 0,
            (
                OpCode::Data(Data::Text | Data::Binary | Data::Continue | Data::Reserved(_)),
                false,
            ) => {
                self.fragments = self.fragments.saturating_add(1);
            }
        }
    }

    /// Goes on with the text that the frame belongs to.
    fn enter_text(&mut self, header: &FrameHeader) {
        self.mask = None;
        let OpCode::Data(data) = header.opcode else {
            return;
        };
        let continues = self.fragments > 0;
        match data {
            Data::Continue if continues => {}
            Data::Text if !continues => (self.text, self.message) = (Some(Text::default()), 0),
            Data::Continue | Data::Text | Data::Binary | Data::Reserved(_) => self.text = None,
        }
        self.message = self.message.saturating_add(self.payload);
        let uses_extension = header.rsv1 || header.rsv2 || header.rsv3;
        self.mask = header.mask.filter(|_| !uses_extension);
    }

    /// Whether the unfinished message is a text of at most `bytes_max`, and cannot become one any more.
    pub(super) fn is_broken(&self, bytes_max: usize) -> bool {
        self.message <= bytes_max as u64 && self.text.as_ref().is_some_and(Text::is_broken)
    }

    /// Whether the unfinished message has too many frames.
    pub(super) fn has_excess(&self) -> bool {
        self.excess
    }

    /// Whether nothing has begun that is not finished.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.lost && self.payload == 0 && self.begun == 0 && self.fragments == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked text frame of `payload` bytes, with the length written in `extra` more bytes than needed.
    fn frame(first: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![first];
        match payload {
            0..=125 => frame.push(0x80 | u8::try_from(payload).unwrap()),
            126..=65_535 => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(payload).unwrap().to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend([1, 2, 3, 4]);
        frame.resize(frame.len() + payload, 0x55);
        frame
    }

    const FRAGMENTS_MAX: u32 = 3;
    const TEXT: u8 = 0x81;
    const TEXT_BEGINS: u8 = 0x01;
    const CONTINUES: u8 = 0x00;
    const CONTINUES_AND_ENDS: u8 = 0x80;
    const PING: u8 = 0x89;

    #[test]
    fn a_stream_is_at_rest_exactly_between_messages_however_it_is_cut() {
        let stream = [
            frame(TEXT, 0),
            frame(TEXT, 125),
            frame(TEXT_BEGINS, 300),
            frame(PING, 4),
            frame(CONTINUES, 0),
            frame(CONTINUES_AND_ENDS, 70_000),
            frame(PING, 0),
        ];
        let ends: Vec<usize> = stream
            .iter()
            .scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            })
            .collect();
        let at_rest_after = [true, true, false, false, false, true, true];
        let bytes = stream.concat();
        for chunk in [1, 2, 3, 7, 13, 14, 15, 4096, bytes.len()] {
            let mut boundary = Boundary::default();
            let mut fed = 0;
            for piece in bytes.chunks(chunk) {
                boundary.advance(piece, FRAGMENTS_MAX);
                fed += piece.len();
                let expected = ends
                    .iter()
                    .position(|end| *end == fed)
                    .is_some_and(|index| at_rest_after[index]);
                assert_eq!(
                    boundary.is_at_rest(),
                    expected,
                    "after {fed} bytes in pieces of {chunk}"
                );
            }
        }
    }

    #[test]
    fn a_length_written_longer_than_needed_is_followed_too() {
        let mut boundary = Boundary::default();
        boundary.advance(&[TEXT, 0x80 | 126, 0, 2, 1, 2, 3, 4, b'h'], FRAGMENTS_MAX);
        assert!(!boundary.is_at_rest());
        boundary.advance(b"i", FRAGMENTS_MAX);
        assert!(boundary.is_at_rest());
    }

    #[test]
    fn fragments_are_counted_until_the_message_ends() {
        let mut boundary = Boundary::default();
        boundary.advance(&frame(TEXT_BEGINS, 1), FRAGMENTS_MAX);
        boundary.advance(&frame(CONTINUES, 1), FRAGMENTS_MAX);
        assert_eq!(boundary.fragments, 2);
        boundary.advance(&frame(CONTINUES_AND_ENDS, 1), FRAGMENTS_MAX);
        assert_eq!(boundary.fragments, 0);
    }

    #[test]
    fn bytes_are_followed_up_to_the_fragment_that_is_one_too_many() {
        let fragments = [TEXT_BEGINS, CONTINUES, CONTINUES, CONTINUES].map(|it| frame(it, 2));
        let bytes = [&fragments.concat()[..], &frame(CONTINUES_AND_ENDS, 0)].concat();
        let before = fragments.concat().len() - 2;
        for chunk in [1, 5, bytes.len()] {
            let mut boundary = Boundary::default();
            let followed = bytes
                .chunks(chunk)
                .map(|piece| boundary.advance(piece, FRAGMENTS_MAX).len());
            assert_eq!(followed.sum::<usize>(), before, "in pieces of {chunk}");
            let behind = frame(CONTINUES_AND_ENDS, 1);
            let followed = boundary.advance(&behind, 2 * FRAGMENTS_MAX);
            assert!(followed.is_empty(), "though the limit is another by now");
            assert!(boundary.has_excess());
        }
    }
}
