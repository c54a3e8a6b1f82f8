//! `messages.json`: what a client's text is understood as.

use crate::Text;
use handfast_core::{
    message::{Credentials, Envelope, InvalidRequest, Request},
    session::AttemptHash,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const FILE: &str = "messages.json";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vectors {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    json: Text,
    id: Option<Text>,
    request: Option<Value>,
    invalid: Option<Value>,
}

#[test]
fn a_text_is_understood_or_refused_for_its_reason() {
    let vectors: Vectors = crate::read(FILE);
    crate::assert_distinct(vectors.cases.iter().map(|case| &*case.name));
    for case in vectors.cases {
        let (id, understood) = match Request::parse(&case.json.expand()) {
            Ok(Envelope { id, body }) => (id, json!({"request": request(&body)})),
            Err(Envelope { id, body }) => (id, json!({"invalid": invalid(body)})),
        };
        let expected = match (case.request, case.invalid) {
            (Some(request), None) => json!({"request": with_hash(expand(request))}),
            (None, Some(invalid)) => json!({"invalid": invalid}),
            (None, None) | (Some(_), Some(_)) => panic!("{}: one outcome, please", case.name),
        };
        assert_eq!(understood, expected, "{}", case.name);
        assert_eq!(
            id.as_ref().map(|id| id.as_json()),
            case.id.map(|id| id.expand()).as_deref(),
            "{}: the id",
            case.name
        );
    }
}

fn invalid(invalid: InvalidRequest) -> Value {
    let mut value = json!({"reason": invalid.reason.as_str()});
    if let Some(field) = invalid.field {
        value["field"] = field.into();
    }
    value
}

fn login(kind: &str, credentials: &Credentials) -> Value {
    let Credentials {
        username,
        password,
        key,
    } = credentials;
    let mut value = json!({"type": kind, "username": username, "password": password.expose()});
    if let Some(key) = key {
        value["key"] = serde_json::from_str(key).unwrap();
    }
    value
}

fn request(request: &Request) -> Value {
    match request {
        Request::Login(credentials) => login("Login", credentials),
        Request::Register(credentials) => login("Register", credentials),
        Request::Ping => json!({"type": "Ping"}),
        Request::RefreshToken {
            token,
            attempt,
            proof,
        } => {
            let mut value = json!({"type": "RefreshToken", "token": token.expose()});
            if let Some(attempt) = attempt {
                value["attempt"] = crate::to_hex(attempt.as_bytes()).into();
            }
            if let Some(proof) = proof {
                value["proof"] = proof.expose().into();
            }
            value
        }
        Request::Ack { generation } => json!({"type": "Ack", "generation": generation.number()}),
        Request::Ticket => json!({"type": "Ticket"}),
        Request::Logout { everywhere } => json!({"type": "Logout", "everywhere": everywhere}),
        Request::Sessions => json!({"type": "Sessions"}),
        Request::Revoke { session } => json!({"type": "Revoke", "session": session.to_text()}),
        Request::ChangePassword {
            old_password,
            new_password,
        } => json!({
            "type": "ChangePassword",
            "old_password": old_password.expose(),
            "new_password": new_password.expose(),
        }),
    }
}

/// Puts the texts of an expected request together.
fn expand(mut request: Value) -> Value {
    for field in request.as_object_mut().unwrap().values_mut() {
        if field.is_array() {
            let text: Text = serde_json::from_value(field.take()).unwrap();
            *field = text.expand().into();
        }
    }
    request
}

/// The core keeps of an attempt key nothing but its hash.
pub(crate) fn with_hash(mut request: Value) -> Value {
    if let Some(attempt) = request.get_mut("attempt") {
        let hash = AttemptHash::of(attempt.as_str().unwrap());
        *attempt = crate::to_hex(hash.as_bytes()).into();
    }
    request
}
