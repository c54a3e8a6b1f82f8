//! The keys in use.

use super::*;

#[test]
fn the_public_set_has_no_secrets_and_is_empty_for_hs256() {
    let ring = KeyRing::ephemeral(Algorithm::Hs256, NOW);
    assert_eq!(ring.public_jwks(), r#"{"keys":[]}"#);

    let keys = [secret("a"), made(Algorithm::EdDsa), made(Algorithm::Es256)];
    let ring = Folder::with_keys(&keys).file.load().unwrap();
    let public: Value = serde_json::from_str(&ring.public_jwks()).unwrap();
    let public = public["keys"].as_array().unwrap();
    assert_eq!(public.len(), 2);
    for (public, private) in public.iter().zip(&keys[1..]) {
        for member in ["kty", "kid", "alg", "use", "crv", "x", "y"] {
            assert_eq!(public.get(member), private.get(member), "{member}");
        }
        assert!(public.get("d").is_none() && public.get("k").is_none());
    }
}

#[test]
fn nothing_prints_a_secret() {
    let key = made(Algorithm::EdDsa);
    let folder = Folder::with_keys(&[secret("a"), key.clone()]);
    let live = LiveKeys::new(folder.file.load().unwrap());
    let set: crate::keys::jwk::PrivateJwkSet = serde_json::from_str(&folder.text()).unwrap();
    let printed = format!("{live:?} {set:?}");
    assert!(!printed.contains(SECRET) && !printed.contains(key["d"].as_str().unwrap()));
}

#[test]
fn keys_are_exchanged_while_others_use_them() {
    let live = LiveKeys::new(KeyRing::ephemeral(Algorithm::Hs256, NOW));
    let held = live.current();
    let next = KeyRing::ephemeral(Algorithm::Hs256, NOW);
    let kid = next.signing(NOW).id().to_owned();
    live.replace(next);
    assert_eq!(live.current().signing(NOW).id(), kid);
    assert_ne!(held.signing(NOW).id(), kid);
}
