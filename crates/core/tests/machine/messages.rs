//! Reading and writing messages, whatever they hold.

use handfast_core::{
    framing::{Framing, TextFrame},
    message::{Answer, Envelope, InvalidReason, InvalidRequest, Request, RequestId},
    session::SessionId,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn id_of(json: &str) -> Option<RequestId> {
    match Request::parse(json) {
        Ok(Envelope { id, .. }) => id,
        Err(Envelope { id, .. }) => id,
    }
}

fn reason(json: &str) -> Option<InvalidReason> {
    Request::parse(json)
        .err()
        .map(|refused| refused.body.reason)
}

/// JSON of any shape, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from);
        let object = prop::collection::hash_map(any::<String>(), inner, 0..6)
            .prop_map(|fields| Value::Object(fields.into_iter().collect()));
        prop_oneof![list, object]
    })
}

const FIELDS: [&str; 13] = [
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
const TYPES: [&str; 9] = [
    "Ticket",
    "Login",
    "Register",
    "RefreshToken",
    "Ack",
    "Logout",
    "Sessions",
    "Revoke",
    "ChangePassword",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_fail(text in any::<String>()) {
        drop(Request::parse(&text));
    }

    #[test]
    fn no_value_of_a_field_makes_the_reader_fail(
        kind in prop::sample::select(TYPES.to_vec()),
        fields in prop::collection::hash_map(prop::sample::select(FIELDS.to_vec()), any_json(), 0..8),
    ) {
        let mut object: serde_json::Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        object.insert("type".into(), kind.into());
        let parsed = Request::parse(&Value::Object(object).to_string());
        if let Err(refused) = parsed {
            let why = refused.body.reason;
            prop_assert!(!matches!(why, InvalidReason::NotJson | InvalidReason::UnknownType), "{:?}", why);
        }
    }

    #[test]
    fn an_id_comes_back_as_it_was_written(
        id in prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ],
    ) {
        let written = id.to_string();
        prop_assume!(written.len() <= 128);
        let read = id_of(&format!(r#"{{"type":"Sessions","id":{written}}}"#));
        let answer = Answer::NotLoggedIn.to_json(read.as_ref());
        let answer: Value = serde_json::from_str(&answer).expect("the server writes JSON");
        prop_assert_eq!(answer, json!({"type": "NotLoggedIn", "id": id}));
    }

    #[test]
    fn an_applications_text_passes_byte_for_byte(text in "@{0,3}\\PC{0,20}") {
        let written = Framing::V1.write_application(&text).expect("there is a place for it");
        prop_assert_eq!(Framing::V1.read(&written), TextFrame::Application(&text));
    }

    #[test]
    fn a_session_is_named_by_what_is_read_back(bytes in any::<[u8; 16]>(), other in "[A-Za-z0-9_-]{0,30}") {
        let session = SessionId::from_bytes(bytes);
        prop_assert_eq!(SessionId::parse(&session.to_text()), Ok(session));
        if let Ok(read) = SessionId::parse(&other) {
            prop_assert_eq!(read.to_text(), other, "two texts for one session");
        }
    }
}

#[test]
fn deep_wide_and_odd_json_is_read_in_bounded_space() {
    let deep = "[".repeat(30_000);
    assert_eq!(reason(&deep), Some(InvalidReason::NotJson));
    for field in FIELDS {
        let closed = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let json = format!(r#"{{"{field}":{closed}}}"#);
        assert!(Request::parse(&json).is_err(), "{field}");
        assert_eq!(
            reason(&format!(r#"{{"{field}":{deep}"#)),
            Some(InvalidReason::NotJson)
        );
    }
    let unknown = format!(
        r#"{{"type":"Sessions","x":{}{}}}"#,
        "[".repeat(30_000),
        "]".repeat(30_000)
    );
    assert!(
        Request::parse(&unknown).is_ok(),
        "unknown fields are ignored"
    );
    let wide = format!(
        r#"{{"type":"Sessions",{}"x":0}}"#,
        r#""x":0,"#.repeat(10_000)
    );
    assert!(Request::parse(&wide).is_ok(), "however many");
}

#[test]
fn what_stands_twice_is_refused_even_where_it_is_not_needed() {
    for field in FIELDS {
        for (first, second) in [("null", "\"a\""), ("\"a\"", "\"a\""), ("0", "null")] {
            let json = format!(r#"{{"type":"Sessions","{field}":{first},"{field}":{second}}}"#);
            let refused = Request::parse(&json).expect_err("a duplicate").body;
            let expected = [InvalidReason::DuplicateField, InvalidReason::WrongField];
            assert!(expected.contains(&refused.reason), "{json}: {refused:?}");
        }
    }
    let escaped = r#"{"type":"Sessions","\u0074ype":"Logout"}"#;
    assert_eq!(reason(escaped), Some(InvalidReason::DuplicateField));
}

#[test]
fn an_id_that_cannot_be_echoed_is_refused_without_one() {
    let long = "x".repeat(127);
    for id in [r#"{"a":1}"#, "[1]", "true", &format!("\"{long}\"")] {
        let refused = Request::parse(&format!(r#"{{"type":"Sessions","id":{id}}}"#));
        let refused = refused.expect_err("no scalar, or too long");
        assert_eq!(refused.id, None);
        let expected = InvalidRequest {
            reason: InvalidReason::WrongField,
            field: Some("id"),
        };
        assert_eq!(refused.body, expected);
    }
}

#[test]
fn no_secret_is_printed() {
    let requests = [
        r#"{"type":"Login","username":"ann","password":"hunter2"}"#,
        r#"{"type":"RefreshToken","token":"hunter2","attempt":"hunter2hunter2hunter2","proof":"hunter2"}"#,
        r#"{"type":"ChangePassword","old_password":"hunter2","new_password":"hunter2"}"#,
    ];
    for json in requests {
        let request = Request::parse(json).expect("a request");
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
