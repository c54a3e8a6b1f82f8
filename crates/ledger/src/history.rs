//! A session's history as bytes, and back: the same in every storage.
//!
//! A tag for each consumption, an attempt's hash after its tag, and nothing for what ends the history in
//! [`Consumption::SomethingElse`].

use handfast_core::session::{AttemptHash, Consumption, History, REMEMBERED_GENERATIONS};

const NOTHING: u8 = 0;
const BARE: u8 = 1;
const ATTEMPT: u8 = 2;
const PROOF: u8 = 3;
const SOMETHING_ELSE: u8 = 4;

/// A history as bytes.
#[derive(Debug)]
pub(crate) struct HistoryBytes {
    bytes: [u8; REMEMBERED_GENERATIONS * 17],
    length: usize,
}

impl HistoryBytes {
    pub(crate) fn of(history: &History) -> Self {
        let mut text = Self {
            bytes: [0; REMEMBERED_GENERATIONS * 17],
            length: 0,
        };
        let mut kept = 0;
        for consumption in history.remembered() {
            match consumption {
                Consumption::Nothing => text.append(&[NOTHING]),
                Consumption::Bare => text.append(&[BARE]),
                Consumption::Attempt(hash) => {
                    text.append(&[ATTEMPT]);
                    text.append(hash.as_bytes());
                }
                Consumption::Proof => text.append(&[PROOF]),
                Consumption::SomethingElse => {
                    text.append(&[SOMETHING_ELSE]);
                    continue;
                }
            }
            kept = text.length;
        }
        text.length = kept;
        text
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn append(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

/// The history in these bytes; `None` where [`HistoryBytes`] did not write them.
pub(crate) fn decode(mut rest: &[u8]) -> Option<History> {
    let mut remembered = [Consumption::SomethingElse; REMEMBERED_GENERATIONS];
    for place in &mut remembered {
        let Some((&tag, behind)) = rest.split_first() else {
            break;
        };
        rest = behind;
        *place = match tag {
            NOTHING => Consumption::Nothing,
            BARE => Consumption::Bare,
            ATTEMPT => {
                let (hash, behind) = rest.split_first_chunk()?;
                rest = behind;
                Consumption::Attempt(AttemptHash::from_bytes(*hash))
            }
            PROOF => Consumption::Proof,
            SOMETHING_ELSE => Consumption::SomethingElse,
            _ => return None,
        };
    }
    rest.is_empty()
        .then(|| History::from_remembered(remembered))
}
