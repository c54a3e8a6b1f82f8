//! Whether what has come of a text can still become one.

use super::whole::{MASK_BYTES, unmask};

/// How much is unmasked at once.
const SCRATCH_BYTES: usize = 512;
/// The longest beginning of a character that is not a whole one (RFC 3629 section 3).
const BEGUN_BYTES_MAX: usize = 3;

/// A text that comes in pieces, cut anywhere.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// The character that has begun, and how much of it has come.
    character: [u8; BEGUN_BYTES_MAX],
    begun: usize,
    /// Something has come that is in no text.
    broken: bool,
}

impl Text {
    /// Takes the next bytes of the text, of which `mask` hides the first ones next. It is left as it hides what follows
    /// them (RFC 6455 section 5.3).
    pub(super) fn advance(&mut self, masked: &[u8], mask: &mut [u8; MASK_BYTES]) {
        let mut scratch = [0; BEGUN_BYTES_MAX + SCRATCH_BYTES];
        for piece in masked.chunks(SCRATCH_BYTES) {
            if self.broken {
                return;
            }
            let (begun, end) = (self.begun, self.begun + piece.len());
            scratch[..begun].copy_from_slice(&self.character[..begun]);
            scratch[begun..end].copy_from_slice(piece);
            unmask(&mut scratch[begun..end], *mask);
            mask.rotate_left(piece.len() % MASK_BYTES);
            self.judge(&scratch[..end]);
        }
    }

    /// Looks at all that is not known to be right, and keeps what may be the beginning of a character.
    fn judge(&mut self, bytes: &[u8]) {
        let Err(error) = std::str::from_utf8(bytes) else {
            self.begun = 0;
            return;
        };
        self.broken = error.error_len().is_some();
        if !self.broken {
            let begun = &bytes[error.valid_up_to()..];
            self.begun = begun.len();
            self.character[..begun.len()].copy_from_slice(begun);
        }
    }

    /// Whether no end can make a text of it any more.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASK: [u8; MASK_BYTES] = [0x12, 0x34, 0x56, 0x78];

    /// How many bytes had come when it was broken, if it was, where they come in pieces of `piece`.
    fn broken_after(bytes: &[u8], piece: usize) -> Option<usize> {
        let masked: Vec<u8> = bytes
            .iter()
            .zip(MASK.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        let (mut text, mut mask) = (Text::default(), MASK);
        let mut come = 0;
        for piece in masked.chunks(piece) {
            text.advance(piece, &mut mask);
            come += piece.len();
            if text.is_broken() {
                return Some(come);
            }
        }
        None
    }

    #[test]
    fn a_text_is_never_broken_however_it_is_cut() {
        let text =
            "a\u{7f}\u{80}é\u{7ff}\u{800}€\u{d7ff}\u{e000}\u{ffff}\u{10000}😀\u{10ffff}".repeat(40);
        for piece in [1, 2, 3, 4, 5, 7, 511, 512, 513, text.len()] {
            for end in 0..text.len() {
                let begun = &text.as_bytes()[..end];
                assert_eq!(
                    broken_after(begun, piece),
                    None,
                    "{end} in pieces of {piece}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_text_is_broken_by_the_first_byte_that_no_text_has_there() {
        let wrong: [&[u8]; 14] = [
            &[0x80],
            &[0xBF],
            &[0xC0],
            &[0xC1],
            &[0xC2, 0x41],
            &[0xE0, 0x9F],
            &[0xE1, 0x80, 0x41],
            &[0xED, 0xA0],
            &[0xF0, 0x8F],
            &[0xF1, 0x80, 0x80, 0xC0],
            &[0xF4, 0x90],
            &[0xF5],
            &[0xFE],
            &[0xFF],
        ];
        for wrong in wrong {
            for before in [0, 1, 2, 3, 510, 511, 512, 513, 1024] {
                let bytes = [&vec![b'x'; before][..], wrong, b"and so on"].concat();
                let first = before + wrong.len();
                assert_eq!(broken_after(&bytes, 1), Some(first), "{wrong:X?}");
                for piece in [2, 3, 512, bytes.len()] {
                    let come = first.next_multiple_of(piece).min(bytes.len());
                    assert_eq!(broken_after(&bytes, piece), Some(come), "{wrong:X?}");
                }
            }
        }
    }
}
