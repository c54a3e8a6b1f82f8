//! The vectors of Project Wycheproof: signatures that are right in an odd way, and wrong in a likely one. Keys of the
//! file verify tokens, those of sessions verify proofs; both are asked.

use super::*;
use crate::proof::PublicKey;
use ::wycheproof::{TestResult, ecdsa, eddsa, mac};

/// The key that signs in a set, which would be refused without one.
fn signing() -> Value {
    secret("signing")
}

/// Whether a key of the file and the same key of a session take this signature; they never differ.
#[track_caller]
fn verify(public: &Value, message: &[u8], signature: &[u8]) -> bool {
    let of_session = PublicKey::parse(&public.to_string()).unwrap();
    let ring = Folder::with_keys(&[signing(), public.clone()]).file.load();
    let ring = ring.unwrap();
    let of_file = ring.find("vector").unwrap();
    let verifies = of_file.verifies(message, signature);
    assert_eq!(of_session.verifies(message, signature), verifies);
    verifies
}

fn p256(point: &[u8]) -> Value {
    let [x, y] = [&point[1..33], &point[33..]].map(|it| URL_SAFE_NO_PAD.encode(it));
    json!({ "kty": "EC", "kid": "vector", "alg": "ES256", "crv": "P-256", "x": x, "y": y })
}

#[test]
fn a_tag_is_taken_whole_and_of_a_secret_that_is_long_enough() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let (mut taken, mut refused, mut short) = (0, 0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            let k = URL_SAFE_NO_PAD.encode(&test.key[..]);
            let key = json!({ "kty": "oct", "kid": "vector", "alg": "HS256", "k": k });
            let Ok(ring) = Folder::with_keys(&[key]).file.load() else {
                assert!(test.key.len() < 32, "{test:?}");
                short += 1;
                continue;
            };
            let is_right = test.result == TestResult::Valid && group.tag_size == 256;
            let verifies = ring.signing(NOW).verifies(&test.msg, &test.tag);
            assert_eq!(verifies, is_right, "{test:?}");
            *(if is_right { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert_eq!(taken + refused + short, set.number_of_tests);
    assert!(taken > 0 && refused > 0 && short > 0);
}

#[test]
fn a_signature_of_p_256_is_taken_or_refused_as_wycheproof_says() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for group in &set.test_groups {
        let key = p256(&group.key.key);
        for test in &group.tests {
            let verifies = verify(&key, &test.msg, &test.sig);
            assert_eq!(verifies, test.result == TestResult::Valid, "{test:?}");
            *(if verifies { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert_eq!(taken + refused, set.number_of_tests);
    assert!(taken > 0 && refused > 0);
}

/// RFC 7518 section 3.4 wants the two numbers side by side.
#[test]
fn a_signature_of_p_256_in_der_is_refused_right_or_wrong() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    assert!(set.number_of_tests > 0);
    for group in &set.test_groups {
        let key = p256(&group.key.key);
        for test in &group.tests {
            assert!(!verify(&key, &test.msg, &test.sig), "{test:?}");
        }
    }
}

#[test]
fn a_signature_of_ed25519_is_taken_or_refused_as_wycheproof_says() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut taken, mut refused) = (0, 0);
    for group in &set.test_groups {
        let x = URL_SAFE_NO_PAD.encode(&group.key.pk[..]);
        let key =
            json!({ "kty": "OKP", "kid": "vector", "alg": "EdDSA", "crv": "Ed25519", "x": x });
        for test in &group.tests {
            let verifies = verify(&key, &test.msg, &test.sig);
            assert_eq!(verifies, test.result == TestResult::Valid, "{test:?}");
            *(if verifies { &mut taken } else { &mut refused }) += 1;
        }
    }
    assert_eq!(taken + refused, set.number_of_tests);
    assert!(taken > 0 && refused > 0);
}

/// Keys of other algorithms, of which Wycheproof has vectors too, are none of ours.
#[test]
fn a_key_of_any_other_algorithm_of_wycheproof_is_refused() {
    for (kty, crv, algorithm) in [
        ("RSA", None, "RS256"),
        ("RSA", None, "PS256"),
        ("oct", None, "HS384"),
        ("oct", None, "HS512"),
        ("EC", Some("P-384"), "ES384"),
        ("EC", Some("P-521"), "ES512"),
        ("EC", Some("secp256k1"), "ES256K"),
        ("OKP", Some("Ed448"), "EdDSA"),
    ] {
        let key = json!({
            "kty": kty, "kid": "vector", "alg": algorithm, "crv": crv,
            "k": SECRET, "n": SECRET, "e": "AQAB", "x": SECRET, "y": SECRET,
        });
        key_fault(key, KeyFault::Unsupported);
    }
}
