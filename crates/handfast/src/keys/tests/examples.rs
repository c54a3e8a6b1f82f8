//! The examples of the RFCs.

use super::*;

/// RFC 7515 appendix A.1.
#[test]
fn the_example_of_rfc_7515_verifies() {
    let key = with(
        secret("example"),
        "k",
        json!(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
        ),
    );
    let ring = Folder::with_keys(&[key]).file.load().unwrap();
    verifies(
        &ring,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly\
         9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
}

/// RFC 7515 appendix A.3.
#[test]
fn the_ecdsa_example_of_rfc_7515_verifies() {
    let key = json!({
        "kty": "EC", "kid": "example", "alg": "ES256", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
    });
    let ring = Folder::with_keys(&[key]).file.load().unwrap();
    verifies(
        &ring,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19\
         yb290Ijp0cnVlfQ",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}

/// RFC 8037 appendix A.4.
#[test]
fn the_example_of_rfc_8037_is_signed_and_verified() {
    let key = json!({
        "kty": "OKP", "kid": "example", "alg": "EdDSA", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    });
    let ring = Folder::with_keys(&[key]).file.load().unwrap();
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature =
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    verifies(&ring, message, signature);
    let ours = ring.signing(NOW).sign(message.as_bytes()).unwrap();
    assert_eq!(URL_SAFE_NO_PAD.encode(ours.as_bytes()), signature);
}

#[track_caller]
fn verifies(ring: &KeyRing, message: &str, signature: &str) {
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(ring.signing(NOW).verifies(message.as_bytes(), &signature));
}
