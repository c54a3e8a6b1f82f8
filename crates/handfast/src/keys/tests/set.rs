//! What may stand in the file.

use super::*;

#[test]
fn what_is_no_jwk_set_is_refused_by_place_and_never_quoted() {
    for text in [
        "",
        "keys",
        "{\"keys\": [",
        r#"{"keys": "hunter2"}"#,
        r#"{"keys": ["hunter2"]}"#,
        r#"{"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": 42}]}"#,
        r#"{"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": "hunter2", "k": "hunter2"}]}"#,
        r#"{"keys": [{"kty": "oct", "alg": "HS256", "k": "hunter2"}]}"#,
        r#"{"keys": [{"kty": "oct", "kid": "a", "k": "hunter2"}]}"#,
        r#"{"keys": [{"kty": "oct", "kid": "a", "alg": "HS256", "k": "hunter2", "verify_until": -1}]}"#,
        r#"{"keys": []} hunter2"#,
    ] {
        let error = Folder::with(text).file.load().unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            matches!(error.fault, KeyFileFault::NotAJwkSet { .. }),
            "{text}: {told}"
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn combinations_of_type_curve_and_algorithm_that_are_not_ours_are_refused() {
    for (member, value) in [
        ("alg", json!("none")),
        ("alg", json!("HS512")),
        ("alg", json!("RS256")),
        ("alg", json!("EdDSA")),
        ("alg", json!("hs256")),
        ("kty", json!("RSA")),
        ("kty", json!("EC")),
        ("kty", json!("")),
        ("crv", json!("P-256")),
    ] {
        key_fault(with(secret("a"), member, value), KeyFault::Unsupported);
    }
    for (algorithm, crv) in [
        (Algorithm::EdDsa, "Ed448"),
        (Algorithm::EdDsa, "X25519"),
        (Algorithm::Es256, "P-384"),
        (Algorithm::Es256, "secp256k1"),
        (Algorithm::Es256, "Ed25519"),
    ] {
        key_fault(
            with(made(algorithm), "crv", json!(crv)),
            KeyFault::Unsupported,
        );
    }
}

#[test]
fn a_key_for_something_else_than_signatures_is_refused() {
    key_fault(with(secret("a"), "use", json!("enc")), KeyFault::Use);
    let folder = Folder::with_keys(&[with(secret("a"), "use", Value::Null)]);
    assert!(folder.file.load().is_ok(), "a `use` need not be there");
}

#[test]
fn a_secret_that_is_too_short_is_refused() {
    for length in [0, 1, 16, 31] {
        let short = URL_SAFE_NO_PAD.encode(vec![7; length]);
        key_fault(with(secret("a"), "k", json!(short)), KeyFault::ShortSecret);
    }
    for length in [32, 64, 200] {
        let long = URL_SAFE_NO_PAD.encode(vec![7; length]);
        let folder = Folder::with_keys(&[with(secret("a"), "k", json!(long))]);
        assert!(folder.file.load().is_ok(), "{length}");
    }
}

#[test]
fn a_key_that_lacks_a_part_or_has_one_that_is_not_base64url_is_refused() {
    key_fault(with(secret("a"), "k", Value::Null), KeyFault::Missing("k"));
    key_fault(
        with(secret("a"), "k", json!(format!("{SECRET}="))),
        KeyFault::Encoding("k"),
    );
    key_fault(
        with(made(Algorithm::EdDsa), "x", Value::Null),
        KeyFault::Missing("x"),
    );
    key_fault(
        with(made(Algorithm::EdDsa), "d", json!("AAAA")),
        KeyFault::Encoding("d"),
    );
    key_fault(
        with(made(Algorithm::Es256), "y", Value::Null),
        KeyFault::Missing("y"),
    );
    key_fault(
        with(made(Algorithm::Es256), "x", json!(" ")),
        KeyFault::Encoding("x"),
    );
}

#[test]
fn halves_that_do_not_belong_together_are_refused() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let other = made(algorithm);
        key_fault(
            with(made(algorithm), "d", other["d"].clone()),
            KeyFault::Mismatched,
        );
    }
    let not_on_the_curve = with(made(Algorithm::Es256), "y", json!(SECRET));
    key_fault(not_on_the_curve, KeyFault::Mismatched);
}

#[test]
fn a_kid_that_is_empty_too_long_or_used_twice_is_refused() {
    key_fault(secret(""), KeyFault::Kid);
    key_fault(secret(&"a".repeat(129)), KeyFault::Kid);
    let folder = Folder::with_keys(&[secret("a"), secret("b"), secret("a")]);
    match folder.fault() {
        KeyFileFault::DuplicateKid { kid } => assert_eq!(kid, "a"),
        fault => panic!("{fault:?}"),
    }
}

#[test]
fn a_set_without_a_key_that_can_sign_is_refused() {
    let retired = with(secret("a"), "verify_until", json!(1_900_000_000));
    let public = with(made(Algorithm::EdDsa), "d", Value::Null);
    for keys in [
        vec![],
        vec![retired.clone()],
        vec![public.clone()],
        vec![retired, public],
    ] {
        let folder = Folder::with_keys(&keys);
        assert!(matches!(folder.fault(), KeyFileFault::NoSigningKey));
        assert!(
            folder
                .file
                .rotate(Algorithm::Hs256, NOW, WEEK, Duration::ZERO)
                .is_ok()
        );
        assert!(folder.file.load().is_ok(), "the remedy heals it");
    }
}

#[test]
fn the_first_key_that_can_sign_signs_and_a_public_one_only_verifies() {
    let full = made(Algorithm::Es256);
    let public = with(full.clone(), "d", Value::Null);
    let folder = Folder::with_keys(&[public, secret("second"), secret("third")]);
    let ring = folder.file.load().unwrap();
    assert_eq!(ring.signing(NOW).id(), "second");
    assert!(ring.keys()[0].sign(b"message").is_none());
    let signer = Folder::with_keys(&[full]).file.load().unwrap();
    let signature = signer.signing(NOW).sign(b"message").unwrap();
    assert!(ring.keys()[0].verifies(b"message", signature.as_bytes()));
    assert!(!ring.keys()[0].verifies(b"massage", signature.as_bytes()));
}
