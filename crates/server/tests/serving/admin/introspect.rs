//! `POST /admin/v1/introspect`.

use super::{Ledger, logged_in, on_both_ledgers};
use crate::{
    client::present,
    http::{Answer, Request},
    server::Server,
};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";

fn introspect(server: &Server, form: impl Into<String>) -> Answer {
    server.operate(Request::new("POST", "/admin/v1/introspect").body(FORM, form))
}

fn of_token(server: &Server, token: &Value) -> Value {
    introspect(server, format!("token={}", token.as_str().unwrap())).json()
}

on_both_ledgers!(
    the_token_of_a_live_session_is_active_and_says_whose_it_is,
    of_any_other_token_nothing_is_said_but_that_it_is_not_active,
    a_form_that_does_not_fit_is_answered_with_the_field,
);

fn the_token_of_a_live_session_is_active_and_says_whose_it_is(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let (_client, login) = logged_in(&server, "ada");
    let found = of_token(&server, &login["token"]);
    assert_eq!(found["active"], true);
    assert_eq!(found["sub"], "ada");
    assert_eq!(found["sid"], login["session"]);
    assert_eq!(found["exp"], login["expires_at"]);
    assert_eq!(
        (&found["iss"], &found["aud"]),
        (&json!("handfast"), &json!("handfast"))
    );
    assert_eq!(found["gen"], 0);
    assert!(found["iat"].is_u64() && found.get("cnf").is_none());
}

fn of_any_other_token_nothing_is_said_but_that_it_is_not_active(ledger: Ledger) {
    let server = ledger.serve(&[]);
    let (mut client, first) = logged_in(&server, "ada");
    let second = client
        .ask(&present(&first["token"], "an attempt key of ada's"))
        .unwrap();
    let inactive = json!({"active": false});
    assert_eq!(of_token(&server, &first["token"]), inactive, "exchanged");
    assert_eq!(of_token(&server, &second["token"])["gen"], 1);
    client.ask(&json!({"type": "Logout"})).unwrap();
    assert_eq!(of_token(&server, &second["token"]), inactive, "revoked");
    assert_eq!(of_token(&server, &json!("nonsense")), inactive);
    assert_eq!(introspect(&server, "token=").json(), inactive);
}

fn a_form_that_does_not_fit_is_answered_with_the_field(ledger: Ledger) {
    let server = ledger.serve(&[]);
    for form in ["", "tokn=x", "token=x&token=y"] {
        let expected = (422, "field_invalid".to_owned(), Some("token".to_owned()));
        assert_eq!(introspect(&server, form).problem(), expected, "{form}");
    }
    let json = Request::new("POST", "/admin/v1/introspect").json(&json!({"token": "x"}));
    assert_eq!(server.operate(json).problem().0, 415);
    let long = introspect(&server, format!("token={}", "x".repeat(20_000)));
    assert_eq!(long.problem().0, 413);
}
