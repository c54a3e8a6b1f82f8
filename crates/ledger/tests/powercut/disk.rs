//! A disk that keeps what was flushed, and of the rest what it happens to.

use std::{collections::BTreeMap, fs, path::Path};

/// What a disk writes as a whole, in bytes.
const SECTOR: usize = 512;

/// Random numbers from a seed (SplitMix64, by Steele, Lea and Flood).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Whether the disk does what a flush asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushes {
    Kept,
    Forgotten,
}

/// Something that was done to a file.
#[derive(Debug)]
enum Deed {
    Write {
        offset: usize,
        data: Vec<u8>,
    },
    Truncate {
        length: usize,
    },
    /// It is gone at once: the ledger removes files only when it is made.
    Remove,
    Flush,
}

/// What was done to files, in its order.
#[derive(Debug)]
pub(crate) struct Journal(Vec<(String, Deed)>);

/// Files, as they are.
#[derive(Debug, Default)]
pub(crate) struct Disk(BTreeMap<String, Vec<u8>>);

impl Journal {
    /// Reads what `journal.c` wrote.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let mut rest = &bytes[..];
        let mut take = |count: usize| {
            let (taken, left) = rest.split_at(count);
            rest = left;
            taken
        };
        let mut deeds = Vec::new();
        let mut left = bytes.len();
        while left > 0 {
            let (what, name_length) = (take(1)[0], usize::from(take(1)[0]));
            let offset = u64::from_ne_bytes(take(8).try_into().unwrap());
            let length = u32::from_ne_bytes(take(4).try_into().unwrap());
            let (offset, length) = (
                usize::try_from(offset).unwrap(),
                usize::try_from(length).unwrap(),
            );
            let name = String::from_utf8(take(name_length).to_vec()).unwrap();
            let data = take(length).to_vec();
            left -= 14 + name_length + length;
            let deed = match what {
                b'W' => Deed::Write { offset, data },
                b'T' => Deed::Truncate { length: offset },
                b'U' => Deed::Remove,
                b'F' => Deed::Flush,
                other => panic!("{other} is no deed"),
            };
            // What nodes of one machine share in memory does not outlive it.
            if !name.ends_with("-shm") {
                deeds.push((name, deed));
            }
        }
        Self(deeds)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// When something was first told: the ledger was open by then.
    pub(crate) fn first_told(&self, told: &str) -> usize {
        let is_told =
            |(name, deed): &(String, Deed)| name == told && matches!(deed, Deed::Write { .. });
        self.0.iter().position(is_told).unwrap()
    }

    /// The disk when the power fails after so many deeds. The file `told` is no disk's: it is there whole.
    pub(crate) fn replay(
        &self,
        moment: usize,
        flushes: Flushes,
        told: &str,
        dice: &mut Dice,
    ) -> Disk {
        let done = &self.0[..moment];
        let is_flush = |(_, deed): &(String, Deed)| matches!(deed, Deed::Flush);
        let flushed_until = |name: &str| {
            let last = done
                .iter()
                .rposition(|deed| deed.0 == name && is_flush(deed));
            match flushes {
                Flushes::Kept => last.unwrap_or(0),
                Flushes::Forgotten => 0,
            }
        };
        // A disk that keeps all, none, or any of what was not flushed.
        let kept_in_four = [4, 0, 2, 1, 3][dice.below(5)];
        let mut disk = Disk::default();
        for (at, (name, deed)) in done.iter().enumerate() {
            let is_certain = name == told || at < flushed_until(name);
            if matches!(deed, Deed::Remove) {
                disk.0.remove(name);
                continue;
            }
            let file = disk.0.entry(name.clone()).or_default();
            match deed {
                Deed::Write { offset, data } => {
                    for (number, sector) in data.chunks(SECTOR).enumerate() {
                        if is_certain || dice.below(4) < kept_in_four {
                            put(file, offset + number * SECTOR, sector);
                        }
                    }
                }
                Deed::Truncate { length } if is_certain || dice.below(4) < kept_in_four => {
                    file.resize(*length, 0);
                }
                Deed::Truncate { .. } | Deed::Remove | Deed::Flush => {}
            }
        }
        disk
    }
}

fn put(file: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[offset..end].copy_from_slice(data);
}

impl Disk {
    pub(crate) fn file(&self, name: &str) -> Vec<u8> {
        self.0.get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn write_to(&self, folder: &Path) {
        for (name, bytes) in &self.0 {
            fs::write(folder.join(name), bytes).unwrap();
        }
    }
}
