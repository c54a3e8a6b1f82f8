//! Tokens and keys whose time has come.

use super::*;

#[test]
fn a_token_expires_in_the_very_second_that_it_says() {
    let token = token();
    let end = grant().expires_at;
    let before = Timestamp::from_unix(end.as_unix() - 1);
    assert!(issuer().verify(token.expose(), before).is_ok());
    for late in [
        end,
        Timestamp::from_unix(end.as_unix() + 1),
        Timestamp::from_unix(u64::MAX),
    ] {
        assert_eq!(issuer().verify(token.expose(), late), Err(Refusal::Expired));
    }
}

#[test]
fn what_is_not_ours_is_malformed_and_not_expired() {
    let late = Timestamp::from_unix(NOW.as_unix() + 10_000);
    let (ours, no_session) = (token(), without(claims(), "sid"));
    let (message, _) = ours.expose().rsplit_once('.').unwrap();
    for text in [
        format!("{message}.{}", b64([0; 32])),
        signed(header(), with(claims(), "aud", json!("other"))),
        signed(header(), no_session),
    ] {
        assert_eq!(issuer().verify(&text, late), Err(Refusal::Malformed));
    }
}

#[test]
fn a_token_that_is_not_valid_yet_is_refused() {
    let starts = |at: Value| signed(header(), with(claims(), "nbf", at));
    accepted(&starts(json!(NOW.as_unix())));
    accepted(&starts(json!(0)));
    malformed(&starts(json!(NOW.as_unix() + 1)));
    for wrong in [json!(null), json!("0"), json!(-1), json!(0.5)] {
        malformed(&starts(wrong));
    }
}

#[test]
fn a_token_issued_by_a_node_whose_clock_is_ahead_is_accepted() {
    let ahead = Timestamp::from_unix(NOW.as_unix() - 30);
    assert!(issuer().verify(token().expose(), ahead).is_ok());
}

// Keys that change.

#[test]
fn a_token_is_accepted_as_long_as_its_key_is_in_the_ring() {
    let keys = Arc::new(LiveKeys::new(ring(&[hs256_key("main", &SECRET)])));
    let issuer = TokenIssuer::new(Arc::clone(&keys), "handfast", "handfast");
    let old = issuer.sign("anna", &grant(), &ID, NOW);

    let retired = with(
        hs256_key("main", &SECRET),
        "verify_until",
        json!(1_900_000_000),
    );
    keys.replace(ring(&[hs256_key("new", &OTHER_SECRET), retired]));
    let new = issuer.sign("anna", &grant(), &ID, NOW);
    assert!(issuer.verify(old.expose(), NOW).is_ok());
    assert!(issuer.verify(new.expose(), NOW).is_ok());

    let end = Timestamp::from_unix(1_900_000_000);
    let long = Grant {
        expires_at: end.after(std::time::Duration::from_secs(600)),
        ..grant()
    };
    keys.replace(ring(&[hs256_key("main", &SECRET)]));
    let long = issuer.sign("anna", &long, &ID, NOW);
    keys.replace(ring(&[
        hs256_key("new", &OTHER_SECRET),
        with(
            hs256_key("main", &SECRET),
            "verify_until",
            json!(1_900_000_000),
        ),
    ]));
    let before = Timestamp::from_unix(end.as_unix() - 1);
    assert!(issuer.verify(long.expose(), before).is_ok());
    assert_eq!(issuer.verify(long.expose(), end), Err(Refusal::Malformed));

    keys.replace(ring(&[hs256_key("new", &OTHER_SECRET)]));
    assert_eq!(issuer.verify(old.expose(), NOW), Err(Refusal::Malformed));
    assert!(issuer.verify(new.expose(), NOW).is_ok());
}

#[test]
fn names_that_need_escaping_survive() {
    let keys = Arc::new(LiveKeys::new(ring(&[hs256_key("k\"\\é\n", &SECRET)])));
    let issuer = TokenIssuer::new(keys, "https://a.example/\"", "b\\ü");
    let token = issuer.sign("ren\"é\\\u{1}", &grant(), &ID, NOW);
    let verified = issuer.verify(token.expose(), NOW).unwrap();
    assert_eq!(&*verified.subject, "ren\"é\\\u{1}");
}

#[test]
fn a_token_does_not_print_itself() {
    let token = token();
    assert_eq!(format!("{token:?}"), "Token(…)");
    assert!(!format!("{:?}", issuer()).contains(&b64(SECRET)));
}
