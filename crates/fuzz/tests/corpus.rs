//! The committed corpora, and mutations of them, on any compiler.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use handfast_fuzz::{TARGETS, run};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// How many mutated inputs each target gets.
const MUTATIONS: u64 = 3_000;
/// The longest mutated input, in bytes.
const BYTES_MAX: usize = 2_048;

/// The inputs of a target's corpus, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Numbers that are the same in every run (Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap()
    }
}

/// One input with bytes changed, taken out and put in, and a piece of another one.
fn mutate(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut input = corpus[dice.below(corpus.len())].clone();
    let other = &corpus[dice.below(corpus.len())];
    for _ in 0..=dice.below(6) {
        let at = dice.below(input.len() + 1);
        let byte = dice.next().to_le_bytes()[0];
        match dice.below(5) {
            0 if at < input.len() => input[at] = byte,
            1 if at < input.len() => input[at] ^= 1 << (byte & 7),
            2 if at < input.len() => drop(input.remove(at)),
            3 => {
                let begin = dice.below(other.len() + 1);
                let length = dice.below(other.len() - begin + 1);
                let piece = other[begin..begin + length].to_vec();
                drop(input.splice(at..at, piece));
            }
            _ => input.insert(at, byte),
        }
    }
    input.truncate(BYTES_MAX);
    input
}

/// Runs one target on its corpus and on mutations of it. A failure names what was fed.
fn replay(target: &str) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "{target} has no corpus");
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mutated: Vec<_> = (0..MUTATIONS).map(|_| mutate(&corpus, &mut dice)).collect();
    for input in corpus.iter().chain(&mutated) {
        let outcome = std::panic::catch_unwind(|| run(target, input));
        assert!(
            outcome.is_ok(),
            "{target} fails on {}",
            input.escape_ascii()
        );
    }
}

#[test]
fn every_corpus_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, TARGETS.map(|(name, _)| name));
}

#[test]
fn configuration_files_are_taken_or_refused_with_a_remedy() {
    replay("config");
}

#[test]
fn a_connections_machine_keeps_its_contract() {
    replay("connection");
}

#[test]
fn frames_are_answered_as_rfc_6455_has_it_however_they_are_cut() {
    replay("frames");
}

#[test]
fn messages_are_read_as_the_protocols_table_has_it() {
    replay("messages");
}

#[test]
fn the_session_rule_decides_as_its_table_does() {
    replay("rule");
}

#[test]
fn tokens_and_proofs_count_as_they_were_signed() {
    replay("token");
}

#[test]
fn only_a_proper_request_is_upgraded() {
    replay("upgrade");
}
