//! Headers that name another key, kind or meaning (RFC 8725 sections 2.8 and 3.10 to 3.12).

use super::*;

// RFC 8725 sections 2.8 and 3.10: claims about keys that come with the token.

#[test]
fn a_token_whose_kid_names_no_key_is_refused() {
    for kid in [
        json!(""),
        json!("Main"),
        json!("main "),
        json!("main\u{0}"),
        json!("../../../../dev/null"),
        json!("x' UNION SELECT 'key'--"),
        json!("$(id)"),
        json!(null),
        json!(0),
        json!(["main"]),
        json!({ "kid": "main" }),
        json!("a".repeat(2000)),
    ] {
        malformed(&signed(with(header(), "kid", kid), claims()));
    }
    malformed(&signed(without(header(), "kid"), claims()));
}

#[test]
fn a_token_signed_by_another_key_than_it_names_is_refused() {
    malformed(&signed(with(header(), "kid", json!("other")), claims()));
    let ours = token();
    let (message, _) = ours.expose().rsplit_once('.').unwrap();
    let signature = hmac(hmac::HMAC_SHA256, &OTHER_SECRET, message);
    malformed(&format!("{message}.{}", b64(signature)));
}

#[test]
fn a_key_that_comes_with_the_token_is_not_used() {
    let own = [9; 32];
    let jwk = json!({ "kty": "oct", "kid": "own", "alg": "HS256", "k": b64(own) });
    for (kid, member, value) in [
        ("own", "jwk", jwk.clone()),
        ("main", "jwk", jwk),
        ("own", "jku", json!("https://example.org/keys.jwks")),
        ("own", "x5u", json!("https://example.org/cert.pem")),
        ("own", "x5c", json!(["MIIB"])),
    ] {
        let header = with(with(header(), "kid", json!(kid)), member, value);
        let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        let signature = hmac(hmac::HMAC_SHA256, &own, &message);
        malformed(&format!("{message}.{}", b64(signature)));
    }
}

// RFC 8725 sections 2.8, 3.11 and 3.12: tokens of another kind.

#[test]
fn a_token_of_another_type_is_refused() {
    for kind in [
        "JWT",
        "jwt",
        "at+jwt",
        "handfast-proof+jwt",
        "HANDFAST+JWT",
        "application/handfast+jwt",
        "",
    ] {
        malformed(&signed(with(header(), "typ", json!(kind)), claims()));
    }
    malformed(&signed(without(header(), "typ"), claims()));
    malformed(&signed(with(header(), "typ", json!(null)), claims()));
}

#[test]
fn a_token_that_must_be_understood_in_a_way_that_we_do_not_is_refused() {
    for critical in [
        json!(["exp"]),
        json!(["b64"]),
        json!([]),
        json!(null),
        json!(true),
    ] {
        malformed(&signed(with(header(), "crit", critical), claims()));
    }
}

#[test]
fn a_header_that_says_something_twice_is_refused() {
    for header in [
        r#"{"alg":"none","alg":"HS256","kid":"main","typ":"handfast+jwt"}"#,
        r#"{"alg":"HS256","kid":"other","kid":"main","typ":"handfast+jwt"}"#,
        r#"{"alg":"HS256","kid":"main","typ":"JWT","typ":"handfast+jwt"}"#,
    ] {
        malformed(&signed(header, claims()));
    }
}

#[test]
fn a_header_that_is_no_object_is_refused() {
    for header in [
        r#"["HS256","main","handfast+jwt"]"#,
        r#"["HS256","main","handfast+jwt",false]"#,
        r#""HS256""#,
        "null",
        "",
        "{",
        "\u{feff}{}",
        " {}",
    ] {
        malformed(&signed(header, claims()));
    }
}

#[test]
fn a_token_within_a_token_is_refused() {
    let inner = token();
    malformed(&signed(with(header(), "cty", json!("JWT")), inner.expose()));
    malformed(&signed(header(), json!(inner.expose())));
}

// RFC 8725 sections 2.4 and 3.2: what is encrypted, compressed or derived from a password is nothing that we read.

#[test]
fn an_encrypted_token_is_refused_before_anything_is_derived_for_it() {
    let ours = token();
    for algorithm in [
        "PBES2-HS256+A128KW",
        "dir",
        "RSA-OAEP",
        "ECDH-ES",
        "A256GCMKW",
    ] {
        let header = json!({
            "alg": algorithm, "enc": "A256GCM", "zip": "DEF", "kid": "main", "typ": "handfast+jwt",
            "p2c": 2_147_483_647, "p2s": b64([1; 16]), "cty": "JWT",
        });
        let header = b64(header.to_string());
        malformed(&format!("{header}.{0}.{0}.{0}.{0}", b64([7; 16])));
        malformed(&format!(
            "{header}..{0}.{1}.{0}",
            b64([7; 16]),
            b64(ours.expose())
        ));
        let message = format!("{header}.{}", b64(claims().to_string()));
        let signature = hmac(hmac::HMAC_SHA256, &SECRET, &message);
        malformed(&format!("{message}.{}", b64(signature)));
    }
}

#[test]
fn a_token_that_is_compressed_or_not_encoded_is_refused() {
    for (member, value) in [("zip", json!("DEF")), ("b64", json!(false))] {
        let critical = with(header(), "crit", json!([member]));
        malformed(&signed(with(critical, member, value), claims()));
    }
}
