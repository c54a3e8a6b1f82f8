//! `framing.json`: which framing a client gets, and how its frames are read and written.

use handfast_core::framing::{Framing, TextFrame};
use serde::Deserialize;

pub(crate) const FILE: &str = "framing.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    negotiate: Vec<Negotiation>,
    read: Vec<Reading>,
    write: Vec<Writing>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Negotiation {
    name: String,
    offered: Vec<String>,
    framing: Name,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    name: String,
    framing: Name,
    frame: String,
    message: Option<String>,
    application: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Writing {
    name: String,
    framing: Name,
    frame: Option<String>,
    message: Option<String>,
    application: Option<String>,
}

/// A framing's name in the vectors.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Name {
    Plain,
    V1,
}

impl From<Name> for Framing {
    fn from(name: Name) -> Self {
        match name {
            Name::Plain => Self::Plain,
            Name::V1 => Self::V1,
        }
    }
}

#[test]
fn a_client_gets_the_framing_that_it_offers() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.negotiate.iter().map(|case| &*case.name));
    for case in vectors.negotiate {
        let framing = Framing::negotiate(case.offered.iter().map(|name| &**name));
        assert_eq!(framing, case.framing.into(), "{}", case.name);
    }
}

#[test]
fn frames_are_read_as_what_they_are() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.read.iter().map(|case| &*case.name));
    for case in vectors.read {
        let read = match Framing::from(case.framing).read(&case.frame) {
            TextFrame::Message(text) => (Some(text), None),
            TextFrame::Application(text) => (None, Some(text)),
        };
        let expected = (case.message.as_deref(), case.application.as_deref());
        assert_eq!(read, expected, "{}", case.name);
    }
}

#[test]
fn messages_and_application_texts_are_written_as_frames() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.write.iter().map(|case| &*case.name));
    for case in vectors.write {
        let framing = Framing::from(case.framing);
        let written = match (case.message, &case.application) {
            (Some(message), None) => Some(framing.write_message(message)),
            (None, Some(text)) => framing.write_application(text).map(String::from),
            (None, None) | (Some(_), Some(_)) => panic!("{}: one text, please", case.name),
        };
        assert_eq!(written, case.frame, "{}", case.name);
    }
}
