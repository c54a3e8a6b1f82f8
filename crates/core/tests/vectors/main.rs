//! Replays `spec/vectors`: the protocol document as examples. Their format is in `spec/vectors/README.md`.
#![cfg(test)]

mod answers;
mod client;
mod close;
mod connection;
mod document;
mod framing;
mod messages;
mod rule;

use serde::{Deserialize, de::DeserializeOwned};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Every file that one of the modules here replays.
const REPLAYED: [&str; 7] = [
    answers::FILE,
    client::FILE,
    close::FILE,
    connection::FILE,
    framing::FILE,
    messages::FILE,
    rule::FILE,
];

fn spec() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec")
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    let text = fs::read_to_string(spec().join("vectors").join(file)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Fails where two cases of a file could not be told apart.
fn assert_distinct<'a>(names: impl IntoIterator<Item = &'a str>) {
    let mut seen = BTreeSet::new();
    for name in names {
        assert!(seen.insert(name), "two cases are named {name:?}");
    }
}

/// A text, or what it is put together from.
#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Whole(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Part {
    Once(String),
    Many { repeat: String, times: usize },
}

impl Text {
    fn expand(&self) -> String {
        match self {
            Self::Whole(text) => text.clone(),
            Self::Parts(parts) => parts.iter().map(Part::expand).collect(),
        }
    }
}

impl Part {
    fn expand(&self) -> String {
        match self {
            Self::Once(text) => text.clone(),
            Self::Many { repeat, times } => repeat.repeat(*times),
        }
    }
}

/// What stands behind a name that says it all.
#[derive(Deserialize)]
#[serde(try_from = "bool")]
struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;

    fn try_from(said: bool) -> Result<Self, Self::Error> {
        said.then_some(Self).ok_or("this is true or not there")
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_file_of_vectors_is_replayed() {
    let files: BTreeSet<String> = fs::read_dir(spec().join("vectors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    let replayed = REPLAYED.into_iter().map(String::from).collect();
    assert_eq!(files, replayed);
}
