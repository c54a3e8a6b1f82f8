//! Messages, against the protocol's table of what is answered with which `InvalidRequest`.

use crate::supply::Supply;
use handfast_core::{
    framing::{Framing, TextFrame},
    limits::{PASSWORD_BYTES, REQUEST_ID_BYTES, USERNAME_CHARS},
    message::{Answer, InvalidReason, InvalidRequest, Request},
};
use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

const NAMES: [&str; 13] = [
    "type",
    "id",
    "username",
    "password",
    "key",
    "token",
    "attempt",
    "proof",
    "generation",
    "everywhere",
    "session",
    "old_password",
    "new_password",
];

/// Reads a text frame in both framings, and its message as the table has it.
pub fn target(data: &[u8]) {
    let mut supply = Supply::new(data);
    let framing = supply.pick(&[Framing::Plain, Framing::V1]);
    let Ok(text) = std::str::from_utf8(supply.rest()) else {
        return;
    };
    match framing.read(text) {
        TextFrame::Message(json) => {
            read(json);
            assert_eq!(framing.write_message(json.to_owned()), text);
        }
        TextFrame::Application(application) => {
            let written = framing.write_application(application);
            assert_eq!(
                written.as_deref(),
                Some(text),
                "it does not come back as it came"
            );
        }
    }
}

fn read(json: &str) {
    let expected = expect(json);
    match (Request::parse(json), expected) {
        (Ok(envelope), Expected::Request { id, kind }) => {
            let found = envelope.id.as_ref().map(|id| id.as_json().to_owned());
            assert_eq!(found, id, "the id");
            assert_eq!(name(&envelope.body), kind);
        }
        (Err(envelope), Expected::Invalid { id, reasons }) => {
            let found = envelope.id.as_ref().map(|id| id.as_json().to_owned());
            assert_eq!(found, id, "the id");
            assert!(
                reasons.contains(&envelope.body.reason),
                "{:?}",
                envelope.body
            );
            let is_named = envelope
                .body
                .field
                .is_none_or(|field| NAMES.contains(&field));
            assert!(is_named, "{:?}", envelope.body);
            answered(envelope.body, envelope.id.as_ref().map(|it| it.as_json()));
        }
        (Ok(envelope), Expected::Invalid { reasons, .. }) => {
            panic!(
                "{} is granted, and should be {reasons:?}",
                name(&envelope.body)
            )
        }
        (Err(envelope), Expected::Request { kind, .. }) => {
            panic!("{:?}, and it is a {kind}", envelope.body)
        }
    }
}

/// An answer is JSON whatever its id.
fn answered(invalid: InvalidRequest, id: Option<&str>) {
    let with_id = id.map_or_else(String::new, |id| format!(",\"id\":{id}"));
    let request = format!("{{\"type\":\"Ping\"{with_id}}}");
    let id = Request::parse(&request).expect("an id that was echoed").id;
    let json = Answer::InvalidRequest(invalid).to_json(id.as_ref());
    let members: Members<'_> = serde_json::from_str(&json).expect("an answer in JSON");
    assert_eq!(members.get("id").is_some(), id.is_some());
}

const fn name(request: &Request) -> &'static str {
    match request {
        Request::Login(_) => "Login",
        Request::Register(_) => "Register",
        Request::RefreshToken { .. } => "RefreshToken",
        Request::Ack { .. } => "Ack",
        Request::Ticket => "Ticket",
        Request::Logout { .. } => "Logout",
        Request::Sessions => "Sessions",
        Request::Revoke { .. } => "Revoke",
        Request::ChangePassword { .. } => "ChangePassword",
        Request::Ping => "Ping",
    }
}

/// What the table says.
enum Expected {
    Request {
        id: Option<String>,
        kind: &'static str,
    },
    Invalid {
        id: Option<String>,
        reasons: Vec<InvalidReason>,
    },
}

fn invalid(id: Option<String>, reason: InvalidReason) -> Expected {
    Expected::Invalid {
        id,
        reasons: vec![reason],
    }
}

/// The table of section 4, line by line.
fn expect(json: &str) -> Expected {
    let Ok(whole) = serde_json::from_str::<&RawValue>(json) else {
        return invalid(None, InvalidReason::NotJson);
    };
    if !whole.get().starts_with('{') {
        return invalid(None, InvalidReason::NotAnObject);
    }
    let Ok(members) = serde_json::from_str::<Members<'_>>(json) else {
        return invalid(None, InvalidReason::NotJson);
    };
    let id = members.get("id").map(str::to_owned);
    let is_scalar =
        |id: &str| id.starts_with(['"', '-']) || id.starts_with(|it: char| it.is_ascii_digit());
    if let Some(id) = &id
        && (!is_scalar(id) || id.len() > REQUEST_ID_BYTES)
    {
        return invalid(None, InvalidReason::WrongField);
    }
    if NAMES.iter().any(|name| members.count(name) > 1) {
        return invalid(id, InvalidReason::DuplicateField);
    }
    let Some(kind) = members.get("type") else {
        return invalid(id, InvalidReason::MissingType);
    };
    let Some(kind) = text(kind) else {
        return invalid(id, InvalidReason::WrongField);
    };
    of_kind(&members, id, &kind)
}

fn of_kind(members: &Members<'_>, id: Option<String>, kind: &str) -> Expected {
    let (kind, needed): (_, &[(&str, Check)]) = match kind {
        "Login" => ("Login", &CREDENTIALS),
        "Register" => ("Register", &CREDENTIALS),
        "RefreshToken" => (
            "RefreshToken",
            &[
                ("token", |it| text(it).is_some()),
                ("attempt?", |it| {
                    text(it).is_some_and(|it| (16..=128).contains(&it.len()))
                }),
                ("proof?", |it| text(it).is_some()),
            ],
        ),
        "Ack" => (
            "Ack",
            &[("generation", |it| {
                it.bytes().all(|digit| digit.is_ascii_digit())
                    && it.parse::<u64>().is_ok_and(|it| it < 1 << 53)
            })],
        ),
        "Logout" => (
            "Logout",
            &[("everywhere?", |it| it == "true" || it == "false")],
        ),
        "Revoke" => (
            "Revoke",
            &[("session", |it| text(it).is_some_and(|it| is_session(&it)))],
        ),
        "ChangePassword" => (
            "ChangePassword",
            &[("old_password", is_password), ("new_password", is_password)],
        ),
        "Ticket" => ("Ticket", &[]),
        "Sessions" => ("Sessions", &[]),
        "Ping" => ("Ping", &[]),
        _ => return invalid(id, InvalidReason::UnknownType),
    };
    let reasons: Vec<_> = needed
        .iter()
        .flat_map(|field| wrong(members, *field))
        .collect();
    if reasons.is_empty() {
        Expected::Request { id, kind }
    } else {
        Expected::Invalid { id, reasons }
    }
}

/// Whether the JSON text of a field is as it must be.
type Check = fn(&str) -> bool;

const CREDENTIALS: [(&str, Check); 3] = [
    ("username", |it| {
        text(it).is_some_and(|it| (1..=USERNAME_CHARS).contains(&it.chars().count()))
    }),
    ("password", is_password),
    ("key?", |it| it.starts_with('{') && it.len() <= 1024),
];

fn is_password(json: &str) -> bool {
    text(json).is_some_and(|it| it.len() <= PASSWORD_BYTES)
}

fn is_session(text: &str) -> bool {
    let is_base64url = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    // 22 characters hold four bits more than 16 bytes have, which must be nothing.
    text.len() == 22 && text.bytes().all(is_base64url) && text.ends_with(['A', 'Q', 'g', 'w'])
}

/// What may be said against a field; a `?` marks one that may be left out.
fn wrong(members: &Members<'_>, (name, is_right): (&str, Check)) -> Vec<InvalidReason> {
    let optional = name.strip_suffix('?');
    let name = optional.unwrap_or(name);
    match members.get(name) {
        None | Some("null") if optional.is_some() => vec![],
        None => vec![InvalidReason::MissingField],
        Some(json) if is_right(json) => vec![],
        Some(json) if text(json).is_some() && name.ends_with("password") => {
            vec![InvalidReason::PasswordTooLong]
        }
        Some(json) if text(json).is_some() && name == "username" => {
            vec![InvalidReason::UsernameInvalid]
        }
        Some(_) => vec![InvalidReason::WrongField],
    }
}

/// The text of a JSON string, if it is one and is Unicode.
fn text(json: &str) -> Option<String> {
    serde_json::from_str(json).ok()
}

/// The members of an object, in their order, as they stand there.
struct Members<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl Members<'_> {
    /// The last one of this name.
    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().rev().filter(|(known, _)| known == name);
        found.next().map(|(_, json)| *json)
    }

    fn count(&self, name: &str) -> usize {
        self.0.iter().filter(|(known, _)| known == name).count()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    members.push((Cow::Owned(name), value.get()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}
