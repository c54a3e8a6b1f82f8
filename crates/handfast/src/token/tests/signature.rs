//! Weak signatures and signatures that are not looked at (RFC 8725 section 2.1).

use super::*;

#[test]
fn a_token_that_says_it_needs_no_signature_is_refused() {
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let header = with(header(), "alg", json!(algorithm));
        let text = signed(&header, claims());
        let (message, _) = text.rsplit_once('.').unwrap();
        malformed(&text);
        malformed(&format!("{message}."));
        malformed(message);
        let unkeyed = json!({ "alg": algorithm, "typ": "handfast+jwt" });
        malformed(&signed(unkeyed, claims()));
    }
}

#[test]
fn a_token_signed_with_a_public_key_as_its_secret_is_refused() {
    let public_jwks = ring(&all_keys()).public_jwks();
    let ed25519 = URL_SAFE_NO_PAD.decode(ED25519[0]).unwrap();
    let point = [
        &[4],
        &URL_SAFE_NO_PAD.decode(P256[0]).unwrap()[..],
        &URL_SAFE_NO_PAD.decode(P256[1]).unwrap()[..],
    ]
    .concat();
    for (kid, secret) in [
        ("ed", &ed25519[..]),
        ("ed", ED25519[0].as_bytes()),
        ("ec", &point),
        ("ec", public_jwks.as_bytes()),
        ("main", b""),
        ("main", &[0; 32]),
    ] {
        let header = with(header(), "kid", json!(kid));
        let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        let signature = hmac(hmac::HMAC_SHA256, secret, &message);
        malformed(&format!("{message}.{}", b64(signature)));
    }
}

#[test]
fn a_token_that_names_another_algorithm_than_its_key_s_is_refused() {
    for algorithm in [
        "HS384", "HS512", "hs256", "RS256", "PS256", "EdDSA", "ES256", "Ed25519", "HS256 ",
    ] {
        malformed(&signed(with(header(), "alg", json!(algorithm)), claims()));
    }
    let header = with(header(), "alg", json!("HS512"));
    let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
    let signature = hmac(hmac::HMAC_SHA512, &SECRET, &message);
    malformed(&format!("{message}.{}", b64(signature)));
}

#[test]
fn a_token_without_a_whole_signature_is_refused() {
    let token = token();
    let (message, signature) = token.expose().rsplit_once('.').unwrap();
    malformed(&format!("{message}."));
    malformed(message);
    for length in 1..signature.len() {
        malformed(&format!("{message}.{}", &signature[..length]));
    }
    malformed(&format!("{message}.{signature}{signature}"));
    malformed(&format!("{message}.{}", b64([0; 32])));
    malformed(&format!("{message}.{}", b64([0; 64])));
    malformed(&format!("{message}.{}", b64([0; 1000])));
}

#[test]
fn empty_and_zero_signatures_of_the_curves_are_refused() {
    for (kid, algorithm) in [("ed", "EdDSA"), ("ec", "ES256")] {
        let header = json!({ "alg": algorithm, "kid": kid, "typ": "handfast+jwt" });
        let message = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        for signature in [&[][..], &[0; 32], &[0; 64], &[0xff; 64], &[0; 66]] {
            malformed(&format!("{message}.{}", b64(signature)));
        }
    }
}

#[test]
fn a_token_of_which_one_bit_is_changed_is_refused() {
    for algorithm in Algorithm::ALL {
        let keys = Arc::new(LiveKeys::new(KeyRing::ephemeral(algorithm, NOW)));
        let issuer = TokenIssuer::new(keys, "handfast", "handfast");
        let token = issuer.sign("anna", &grant(), &ID, NOW);
        for index in 0..token.expose().len() {
            for bit in 0..7 {
                let mut bytes = token.expose().as_bytes().to_vec();
                bytes[index] ^= 1 << bit;
                let text = String::from_utf8(bytes).unwrap();
                assert_eq!(issuer.verify(&text, NOW), Err(Refusal::Malformed), "{text}");
            }
        }
    }
}

#[test]
fn a_token_that_is_cut_off_anywhere_is_refused() {
    let token = token();
    for length in 0..token.expose().len() {
        malformed(&token.expose()[..length]);
        malformed(&token.expose()[length + 1..]);
    }
}
