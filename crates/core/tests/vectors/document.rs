//! `protocol.md` itself: its examples are messages of this protocol, and its tables leave nothing out.

use handfast_core::{
    close::CloseCode,
    message::Request,
    session::{Refusal, RevocationReason},
};
use serde_json::Value;
use std::{collections::BTreeSet, fs};

fn document() -> String {
    fs::read_to_string(crate::spec().join("protocol.md")).unwrap()
}

/// The lines of the fenced blocks that are marked with `mark`.
fn examples<'a>(document: &'a str, mark: &str) -> Vec<&'a str> {
    let fence = format!("```json {mark}");
    let mut lines = document.lines();
    let mut examples = Vec::new();
    while lines.any(|line| line == fence) {
        examples.extend(lines.by_ref().take_while(|&line| line != "```"));
    }
    examples
}

#[test]
fn every_request_has_an_example_that_is_one() {
    let document = document();
    let mut types = BTreeSet::new();
    for example in examples(&document, "request") {
        let request = Request::parse(example);
        assert!(request.is_ok(), "{example}: {request:?}");
        let value: Value = serde_json::from_str(example).unwrap();
        types.insert(value["type"].as_str().unwrap().to_owned());
    }
    let all = [
        "Ack",
        "ChangePassword",
        "Login",
        "Logout",
        "Ping",
        "RefreshToken",
        "Register",
        "Revoke",
        "Sessions",
        "Ticket",
    ];
    assert_eq!(types, all.map(String::from).into());
}

#[test]
fn every_answer_has_an_example() {
    let document = document();
    let types: BTreeSet<String> = examples(&document, "answer")
        .into_iter()
        .map(|example| serde_json::from_str::<Value>(example).unwrap())
        .map(|answer| answer["type"].as_str().unwrap().to_owned())
        .collect();
    let all = [
        "AlreadyAuthorized",
        "Closing",
        "Ended",
        "Hello",
        "InvalidPassword",
        "InvalidRequest",
        "InvalidToken",
        "LoggedOut",
        "NotLoggedIn",
        "PasswordChanged",
        "Pong",
        "Registered",
        "Revoked",
        "Sessions",
        "Success",
        "TooManyRequests",
        "Unavailable",
    ];
    assert_eq!(types, all.map(String::from).into());
}

#[test]
fn every_refusal_and_close_code_has_its_line() {
    let document = document();
    for refusal in Refusal::ALL {
        assert!(
            document.contains(&format!("\n| `{refusal}` | ")),
            "{refusal}"
        );
    }
    for code in CloseCode::ALL {
        let line = format!("\n| {} | ", code.number());
        assert!(document.contains(&line), "{code:?}");
    }
    for reason in RevocationReason::ALL {
        assert!(document.contains(&format!("`{reason}`")), "{reason}");
    }
}
