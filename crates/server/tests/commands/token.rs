//! `handfast token inspect`.

use crate::{keys::with_key, program::Program};
use handfast::{
    clock::SystemClock,
    keys::{KeyFile, LiveKeys},
    token::TokenIssuer,
};
use handfast_core::{
    message::Grant,
    session::{Generation, SessionId},
    time::{Clock as _, Timestamp},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

const MADE: u64 = 1_767_225_600;

fn token(program: &Program, expires_at: Timestamp) -> String {
    let file = KeyFile::new(program.path("handfast-data/keys.jwks"));
    let keys = Arc::new(LiveKeys::new(file.load().expect("the key can be used")));
    let grant = Grant {
        session: SessionId::from_bytes([7; 16]),
        generation: Generation::new(4).expect("4 is a generation"),
        issued_at: Timestamp::from_unix(MADE),
        expires_at,
        refresh_at: expires_at,
    };
    let issuer = TokenIssuer::new(keys, "handfast", "handfast");
    let made = Timestamp::from_unix(MADE);
    let token = issuer.sign("alice", &grant, &[9; 16], made);
    token.expose().to_owned()
}

fn tomorrow() -> Timestamp {
    SystemClock::start()
        .now()
        .unix
        .after(Duration::from_secs(86_400))
}

fn inspected(program: &Program, token: &str) -> (i32, Value) {
    let printed = program.run_with(token, "token inspect --json");
    (
        printed.code,
        serde_json::from_str(&printed.out).expect("it is JSON"),
    )
}

#[test]
fn a_token_of_ours_is_valid_and_says_whose_it_is() {
    let program = with_key(MADE);
    let token = token(&program, tomorrow());
    let (code, inspected) = inspected(&program, &token);
    assert_eq!((code, &inspected["verdict"]), (0, &"valid".into()));
    assert_eq!(inspected["claims"]["sub"], "alice");
    assert_eq!(inspected["claims"]["gen"], 4);
}

#[test]
fn a_token_comes_by_stdin_by_a_dash_or_as_an_argument() {
    let program = with_key(MADE);
    let token = token(&program, tomorrow());
    for printed in [
        program.run_with(&format!("{token}\n"), "token inspect"),
        program.run_with(&token, "token inspect -"),
        program.run(&format!("token inspect {token}")),
    ] {
        assert_eq!(printed.code, 0, "{printed:?}");
        assert!(printed.out.starts_with("valid: "), "{printed:?}");
        assert!(printed.out.contains("2026-01-01 00:00:00Z"), "{printed:?}");
        assert!(!printed.out.contains(&token), "a token is a secret");
    }
}

#[test]
fn an_expired_token_is_told_from_a_forged_one() {
    let program = with_key(MADE);
    let expired = token(&program, Timestamp::from_unix(MADE + 60));
    let (code, inspection) = inspected(&program, &expired);
    assert_eq!((code, &inspection["verdict"]), (1, &"expired".into()));

    let forged = token(&with_key(MADE), tomorrow());
    let (code, inspection) = inspected(&program, &forged);
    assert_eq!((code, &inspection["verdict"]), (1, &"refused".into()));
    assert_eq!(
        inspection["reasons"][0],
        "no key of ours has the name in its `kid`"
    );
}

#[test]
fn a_refused_token_is_told_what_differs() {
    let program = with_key(MADE);
    let token = token(&program, tomorrow());
    let elsewhere = program.variable("HANDFAST_TOKEN__AUDIENCE", "elsewhere");
    let (_, inspection) = inspected(&elsewhere, &token);
    assert_eq!(inspection["reasons"][0], "its `aud` is not \"elsewhere\"");
    let (_, inspection) = inspected(&elsewhere, "not a token");
    assert_eq!(inspection["verdict"], "refused");
}

#[test]
fn without_keys_nothing_is_called_valid() {
    let token = token(&with_key(MADE), tomorrow());
    let printed = Program::new().run_with(&token, "token inspect");
    assert_eq!(printed.code, 1);
    assert!(printed.out.starts_with("not verified: "), "{printed:?}");
    assert!(printed.out.contains("alice"));
}

#[test]
fn nothing_at_all_is_a_wrong_command_line() {
    let printed = Program::new().run("token inspect");
    assert_eq!(printed.code, 2);
    assert!(printed.err.contains("no token was given"));
}

#[test]
fn a_terminal_obeys_nothing_that_a_token_says() {
    // {"alg":"none","x":"ESC[31m"} and a claim with a C1 control character.
    let header = "eyJhbGciOiJub25lIiwieCI6Ilx1MDAxYlszMW0ifQ";
    let claims = "eyJzdWIiOiLCmzMxbSJ9";
    let printed = Program::new().run_with(&format!("{header}.{claims}."), "token inspect");
    assert!(printed.out.contains("none"), "{printed:?}");
    assert!(!printed.out.contains(['\u{1b}', '\u{9b}']), "{printed:?}");
}
