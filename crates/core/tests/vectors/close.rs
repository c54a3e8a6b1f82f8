//! `close.json`: what a client does after a close.

use handfast_core::close::{AfterClose, CloseCode};
use serde::Deserialize;
use std::collections::BTreeSet;

pub(crate) const FILE: &str = "close.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    code: Option<u16>,
    after: String,
}

#[test]
fn a_client_does_what_the_code_says() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.cases.iter().map(|case| &*case.name));
    for case in vectors.cases {
        let after = match CloseCode::after_number(case.code) {
            AfterClose::Reconnect => "reconnect",
            AfterClose::Resume => "resume",
            AfterClose::Forget => "forget",
            AfterClose::Stay => "stay",
        };
        assert_eq!(after, case.after, "{}", case.name);
    }
}

#[test]
fn every_code_of_the_protocol_is_among_the_vectors() {
    let vectors: Vectors = crate::read(FILE);
    let codes: BTreeSet<_> = vectors.cases.iter().filter_map(|case| case.code).collect();
    for code in CloseCode::ALL {
        assert!(codes.contains(&code.number()), "{code:?}");
    }
}
