//! What we sign, and who else can read and write it.

use super::*;
use crate::token::NAME_BYTES_MAX;

#[test]
fn a_token_says_what_was_granted_whichever_algorithm_signed_it() {
    for algorithm in Algorithm::ALL {
        let key = all_keys()
            .into_iter()
            .find(|key| key["alg"] == algorithm.as_str())
            .unwrap();
        // The ring of all keys verifies what any one of them signed.
        accepted(
            issuer_with(&[key])
                .sign("anna", &grant(), &ID, NOW)
                .expose(),
        );
    }
}

#[test]
fn a_token_has_exactly_the_header_and_the_claims_of_the_protocol() {
    let token = token();
    let parts: Vec<_> = token.expose().split('.').collect();
    let json =
        |part| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap() };
    assert_eq!(parts.len(), 3);
    assert_eq!(json(parts[0]), header());
    assert_eq!(json(parts[1]), claims());
}

#[test]
fn the_longest_names_make_no_token_that_is_too_long() {
    let key = with(all_keys().pop().unwrap(), "kid", json!("\u{e9}".repeat(64)));
    let name = "\u{e9}".repeat(NAME_BYTES_MAX / 2);
    let issuer = TokenIssuer::new(Arc::new(LiveKeys::new(ring(&[key]))), &name, &name);
    let grant = Grant {
        generation: Generation::MAX,
        ..grant()
    };
    let token = issuer.sign(&"\u{10fffd}".repeat(64), &grant, &ID, NOW);
    assert!(issuer.verify(token.expose(), NOW).is_ok());
}

#[test]
fn signing_a_grant_again_gives_another_text_that_says_the_same() {
    let (one, two) = (
        issuer().sign("anna", &grant(), &[1; 16], NOW),
        issuer().sign("anna", &grant(), &[2; 16], NOW),
    );
    assert_ne!(one.expose(), two.expose());
    accepted(one.expose());
    accepted(two.expose());
}

#[test]
fn what_another_holder_of_the_key_signed_in_its_own_way_is_accepted() {
    accepted(&signed(header(), claims()));
    accepted(&signed(
        r#"{ "typ": "handfast+jwt", "kid": "main", "alg": "HS256" }"#,
        claims(),
    ));
    accepted(&signed(
        r#"{"typ":"\u0068andfast+jwt","kid":"m\u0061in","alg":"HS256","cty":"x"}"#,
        claims(),
    ));
    accepted(&signed(
        header(),
        with(claims(), "scope", json!(["a", {"b": 1}])),
    ));
}

mod an_independent_implementation {
    use super::*;
    use jsonwebtoken::{Algorithm as Alg, DecodingKey, EncodingKey, Header, Validation};

    fn validation(algorithm: Alg) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&["handfast"]);
        validation.set_audience(&["handfast"]);
        validation.validate_exp = false;
        validation
    }

    #[test]
    fn verifies_what_we_sign() {
        let keys = all_keys();
        let [x, y, _] = P256;
        for (key, algorithm, decoding) in [
            (&keys[0], Alg::HS256, DecodingKey::from_secret(&SECRET)),
            (
                &keys[2],
                Alg::EdDSA,
                DecodingKey::from_ed_components(ED25519[0]).unwrap(),
            ),
            (
                &keys[3],
                Alg::ES256,
                DecodingKey::from_ec_components(x, y).unwrap(),
            ),
        ] {
            let token = issuer_with(std::slice::from_ref(key)).sign("anna", &grant(), &ID, NOW);
            let data =
                jsonwebtoken::decode::<Value>(token.expose(), &decoding, &validation(algorithm))
                    .unwrap();
            assert_eq!(data.claims, claims());
            assert_eq!(data.header.typ.as_deref(), Some("handfast+jwt"));
        }
    }

    #[test]
    fn signs_what_we_verify() {
        let header = Header {
            typ: Some("handfast+jwt".into()),
            kid: Some("main".into()),
            ..Header::new(Alg::HS256)
        };
        let key = EncodingKey::from_secret(&SECRET);
        accepted(&jsonwebtoken::encode(&header, &claims(), &key).unwrap());
    }
}
