//! Claims that are not ours (RFC 8725 sections 3.8 and 3.9).

use super::*;

#[test]
fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    for claim in ["iss", "aud"] {
        for value in [
            json!("Handfast"),
            json!("handfast "),
            json!("handfast/"),
            json!(""),
            json!(null),
            json!(["handfast"]),
            json!(["handfast", "other"]),
            json!({ "handfast": true }),
        ] {
            malformed(&signed(header(), with(claims(), claim, value)));
        }
    }
    let theirs = TokenIssuer::new(
        Arc::new(LiveKeys::new(ring(&all_keys()))),
        "handfast",
        "elsewhere",
    );
    malformed(theirs.sign("anna", &grant(), &ID, NOW).expose());
}

#[test]
fn a_token_that_lacks_a_claim_is_refused() {
    for claim in ["iss", "aud", "sub", "sid", "gen", "iat", "exp", "jti"] {
        malformed(&signed(header(), without(claims(), claim)));
        malformed(&signed(header(), with(claims(), claim, json!(null))));
    }
}

#[test]
fn a_token_that_says_something_twice_is_refused() {
    for (claim, value) in claims().as_object().unwrap() {
        let twice = format!(r#"{{"{claim}":{value},{}"#, &claims().to_string()[1..]);
        malformed(&signed(header(), twice));
    }
}

#[test]
fn a_token_with_a_number_that_is_not_whole_and_exact_is_refused() {
    for claim in ["gen", "iat", "exp"] {
        for number in [
            "-1",
            "-0.5",
            "3.0",
            "1e3",
            "1E400",
            "\"3\"",
            "true",
            "[3]",
            "{}",
            "9007199254740992",
            "18446744073709551615",
            "18446744073709551616",
            "03",
            "+3",
            "0x3",
            "NaN",
        ] {
            let rest = without(claims(), claim).to_string();
            let text = format!(r#"{{"{claim}":{number},{}"#, &rest[1..]);
            malformed(&signed(header(), text));
        }
    }
    let largest = with(claims(), "gen", json!(9_007_199_254_740_991_u64));
    let verified = issuer().verify(&signed(header(), largest), NOW).unwrap();
    assert_eq!(verified.generation, Generation::MAX);
}

#[test]
fn a_token_whose_session_has_no_name_is_refused() {
    for session in [
        json!(""),
        json!("AAAA"),
        json!(b64([5; 15])),
        json!(b64([5; 17])),
        json!(URL_SAFE.encode(SESSION)),
        json!(STANDARD.encode([0xff; 16])),
        // The last character has bits that stand for nothing.
        json!("BQUFBQUFBQUFBQUFBQUFBR"),
        json!(5),
    ] {
        malformed(&signed(header(), with(claims(), "sid", session)));
    }
}

#[test]
fn a_token_without_a_subject_or_a_name_of_its_own_is_refused() {
    malformed(&signed(header(), with(claims(), "sub", json!(""))));
    malformed(&signed(header(), with(claims(), "jti", json!(""))));
}

#[test]
fn claims_that_are_no_object_are_refused() {
    // In the order in which they are read, so that only the brackets are wrong.
    let claims_with_nbf = with(claims(), "nbf", json!(0));
    let values = [
        "iss", "aud", "sub", "sid", "gen", "iat", "exp", "nbf", "jti",
    ]
    .map(|claim| claims_with_nbf[claim].clone());
    malformed(&signed(header(), json!(values)));
    for text in ["", "{}", "[]", "null", "0", "\"\"", "{", "}{"] {
        malformed(&signed(header(), text));
    }
    let claims = claims();
    malformed(&signed(header(), format!("\u{feff}{claims}")));
    malformed(&signed(header(), format!(" {claims}")));
    malformed(&signed(header(), format!("{claims}{claims}")));
    malformed(&signed(header(), format!("{claims}\0")));
}

#[test]
fn claims_that_are_not_utf_8_are_refused() {
    let claims = format!(r#"{{"x":"nobody asked",{}"#, &claims().to_string()[1..]);
    for text in ["anna", "asked"] {
        let at = claims.find(text).unwrap();
        let mut bytes = claims.clone().into_bytes();
        bytes[at] = 0xff;
        let message = format!("{}.{}", b64(header().to_string()), b64(bytes));
        let signature = hmac(hmac::HMAC_SHA256, &SECRET, &message);
        malformed(&format!("{message}.{}", b64(signature)));
    }
}

#[test]
fn a_claim_that_nobody_asked_for_does_no_harm_however_deep_it_is() {
    let deep = format!("{}{}", "[".repeat(1200), "]".repeat(1200));
    let rest = &claims().to_string()[1..];
    accepted(&signed(header(), format!(r#"{{"x":{deep},{rest}"#)));
    malformed(&signed(header(), format!(r#"{{"sub":{deep},{rest}"#)));
    malformed(&signed(format!(r#"{{"alg":{}"#, "[".repeat(700)), claims()));
}
