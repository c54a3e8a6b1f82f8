//! The states that were visited, eight bytes each.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    num::NonZeroU64,
};

/// What stands for a state. Two states that share one are taken for the same.
pub(super) type Fingerprint = NonZeroU64;

/// The fingerprint of `value`: SipHash of what it hashes, written down as briefly as can be.
pub(super) fn fingerprint<T: Hash>(value: &T) -> Fingerprint {
    let mut brief = Brief {
        word: NO_BITS,
        words: DefaultHasher::new(),
    };
    value.hash(&mut brief);
    NonZeroU64::new(brief.finish()).unwrap_or(NonZeroU64::MIN)
}

/// Gathers small numbers to words, since a hasher takes as long for a byte as for a word.
struct Brief {
    /// The first bit that is set says where it begins, so that no two texts come to the same words.
    word: u64,
    words: DefaultHasher,
}

const NO_BITS: u64 = 1;

impl Brief {
    #[inline]
    fn add(&mut self, number: u64, bits: u32) {
        if self.word.leading_zeros() < bits {
            self.words.write_u64(self.word);
            self.word = NO_BITS;
        }
        self.word = self.word << bits | number;
    }

    /// Which variant, or how many: seldom more than a byte.
    #[inline]
    fn number(&mut self, number: u64) {
        /// What goes before a number that is written in full.
        const IN_FULL: u64 = 255;
        if number < IN_FULL {
            self.add(number, 8);
        } else {
            self.add(IN_FULL, 8);
            self.write(&number.to_le_bytes());
        }
    }
}

impl Hasher for Brief {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u8(*byte));
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.add(u64::from(number), 8);
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.add(u64::from(number), 32);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.number(number as u64);
    }

    #[inline]
    fn write_isize(&mut self, number: isize) {
        self.number(number as u64);
    }

    fn finish(&self) -> u64 {
        let mut words = self.words.clone();
        words.write_u64(self.word);
        words.finish()
    }
}

/// A set of fingerprints: they lie in the order of their size, each at the first free place from where it belongs.
pub(super) struct Fingerprints {
    places: Vec<Option<Fingerprint>>,
    taken: usize,
}

impl Fingerprints {
    /// The set without any.
    pub(super) fn new() -> Self {
        /// Enough for the smallest models.
        const FIRST: usize = 1 << 12;
        Self {
            places: vec![None; FIRST],
            taken: 0,
        }
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.taken
    }

    /// Whether `fingerprint` is one of them.
    pub(super) fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.places[self.place(fingerprint)].is_some()
    }

    /// Adds one. Says whether it is new.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint) -> bool {
        let place = self.place(fingerprint);
        if self.places[place].is_some() {
            return false;
        }
        self.places[place] = Some(fingerprint);
        self.taken += 1;
        // Fuller than two thirds, the way to a free place grows long.
        if self.taken > self.places.len() / 3 * 2 {
            self.grow();
        }
        true
    }

    /// The place of `fingerprint`, or where it is to be put.
    fn place(&self, fingerprint: Fingerprint) -> usize {
        let last = self.places.len() - 1;
        let bits = self.places.len().trailing_zeros();
        let mut place = (fingerprint.get() >> (u64::BITS - bits)) as usize;
        while self.places[place].is_some_and(|other| other != fingerprint) {
            place = (place + 1) & last;
        }
        place
    }

    fn grow(&mut self) {
        let larger = vec![None; self.places.len() * 2];
        let before = std::mem::replace(&mut self.places, larger);
        for fingerprint in before.into_iter().flatten() {
            let place = self.place(fingerprint);
            self.places[place] = Some(fingerprint);
        }
    }
}
