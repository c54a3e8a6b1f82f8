//! What resembles the compact serialisation (RFC 7515 section 7.1).

use super::*;

#[test]
fn what_is_no_three_parts_is_refused() {
    let token = token();
    let text = token.expose();
    let parts: Vec<_> = text.split('.').collect();
    for other in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        "....".into(),
        parts[0].into(),
        format!("{}.{}", parts[0], parts[2]),
        format!("{text}."),
        format!(".{text}"),
        format!("{text}.{}", parts[2]),
        format!("{}..{}", parts[0], parts[2]),
        format!(".{}.{}", parts[1], parts[2]),
        format!("{}.{}..{}", parts[0], parts[1], parts[2]),
        text.replace('.', ","),
        text.replace('.', "\u{2024}"),
        format!(
            r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#,
            parts[0], parts[1], parts[2]
        ),
    ] {
        malformed(&other);
    }
}

#[test]
fn a_token_with_anything_around_or_within_it_is_refused() {
    let token = token();
    let text = token.expose();
    let middle = text.len() / 2;
    for extra in [
        " ", "\n", "\r\n", "\t", "\0", "=", "==", "\"", "\u{feff}", "\u{200b}", "%20", "é",
    ] {
        malformed(&format!("{text}{extra}"));
        malformed(&format!("{extra}{text}"));
        malformed(&format!("{}{extra}{}", &text[..middle], &text[middle..]));
        malformed(&text.replacen('.', &format!("{extra}."), 1));
    }
    malformed(&format!("Bearer {text}"));
}

#[test]
fn base64_that_is_padded_of_the_other_alphabet_or_not_canonical_is_refused() {
    let message = format!(
        "{}.{}",
        b64(header().to_string()),
        b64(claims().to_string())
    );
    let signature = hmac(hmac::HMAC_SHA256, &SECRET, &message);
    accepted(&format!("{message}.{}", b64(&signature)));
    malformed(&format!("{message}.{}", URL_SAFE.encode(&signature)));

    // 32 bytes leave two bits over, which must be zero.
    let text = b64(&signature);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(text.chars().last().unwrap()).unwrap();
    for bits in 1..4 {
        let other = &alphabet[last + bits..=last + bits];
        malformed(&format!("{message}.{}{other}", &text[..text.len() - 1]));
    }

    // Even well-signed parts must be canonical.
    let header = header().to_string();
    for (header, claims) in [
        (
            URL_SAFE.encode(format!("{header}  ")),
            b64(claims().to_string()),
        ),
        (b64(header), URL_SAFE.encode(claims().to_string() + " ")),
    ] {
        if header.contains('=') || claims.contains('=') {
            let message = format!("{header}.{claims}");
            let signature = hmac(hmac::HMAC_SHA256, &SECRET, &message);
            malformed(&format!("{message}.{}", b64(signature)));
        }
    }
}

#[test]
fn a_token_of_more_than_4096_bytes_is_refused_however_well_it_is_signed() {
    let of_length = |length: usize| {
        (0..4)
            .map(|fill| with(header(), "cty", json!("x".repeat(fill))))
            .flat_map(|header| {
                (2700..2900).map(move |fill| {
                    signed(&header, with(claims(), "fill", json!("x".repeat(fill))))
                })
            })
            .find(|text| text.len() == length)
            .unwrap()
    };
    accepted(&of_length(4096));
    malformed(&of_length(4097));
    malformed(&"a".repeat(4097));
    malformed(&".".repeat(4096));
    malformed(&"a".repeat(10_000_000));
}

#[test]
fn a_token_of_nothing_but_dots_is_refused() {
    for dots in [3, 100, 4_096, 1_000_000] {
        malformed(&".".repeat(dots));
    }
}
