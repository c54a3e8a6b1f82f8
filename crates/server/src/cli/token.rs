//! `handfast token inspect`: what a token says, and whether it is one of ours.

use super::{
    failure::{Failure, Outcome},
    print::{self, ERROR, FAINT, HEADING, OK, WARNING},
};
use crate::{
    config::Config,
    data::DataFolder,
    time::{relative, utc},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast::{
    keys::{KeyFile, KeyRing, LiveKeys},
    token::TokenIssuer,
};
use handfast_core::{limits::TOKEN_BYTES, session::Refusal, time::Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    io::{self, IsTerminal as _, Read as _, Write},
    sync::Arc,
};

/// The `typ` of every token of ours.
const TYPE: &str = "handfast+jwt";

/// What is known of a token.
#[derive(Debug, Serialize)]
struct Inspection {
    verdict: Verdict,
    /// Why it is refused, or not verified.
    reasons: Vec<String>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Expired,
    Refused,
    Unverified,
}

/// Prints what a token says; the token is an argument or, better, comes on stdin.
pub(super) fn inspect(
    config: &Config,
    argument: Option<String>,
    now: Timestamp,
    json: bool,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let text = match argument {
        Some(text) if text != "-" => text,
        Some(_) | None => from_stdin()?,
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::NoToken);
    }
    let inspection = judge(config, text, now);
    if json {
        writeln!(out, "{}", print::json(&inspection))?;
    } else {
        inspection.write(now, out)?;
    }
    Ok(match inspection.verdict {
        Verdict::Valid => Outcome::Fine,
        Verdict::Expired | Verdict::Refused | Verdict::Unverified => Outcome::CheckFailed,
    })
}

fn from_stdin() -> Result<String, Failure> {
    let stdin = io::stdin().lock();
    if stdin.is_terminal() {
        let mut hint = anstream::stderr().lock();
        writeln!(hint, "{FAINT}Paste the token, then press Ctrl-D.{FAINT:#}")?;
    }
    // Room for the line's end, and one byte more, so that a token too long stays too long.
    let room = u64::try_from(TOKEN_BYTES).unwrap_or(u64::MAX) + 16;
    let mut text = String::new();
    stdin
        .take(room)
        .read_to_string(&mut text)
        .map_err(Failure::Input)?;
    Ok(text)
}

fn judge(config: &Config, text: &str, now: Timestamp) -> Inspection {
    let mut parts = text.split('.');
    let header = parts.next().and_then(object).unwrap_or_default();
    let claims = parts.next().and_then(object).unwrap_or_default();
    let file = KeyFile::new(DataFolder(&config.data).keys());
    let ring = match file.load() {
        Ok(ring) => ring,
        Err(error) => {
            return Inspection {
                verdict: Verdict::Unverified,
                reasons: vec![format!("there are no keys to verify it with: {error}")],
                header,
                claims,
            };
        }
    };
    let mut reasons = Vec::new();
    if text.len() > TOKEN_BYTES {
        reasons.push(format!("it is longer than {TOKEN_BYTES} bytes"));
    } else if text.split('.').count() != 3 || header.is_empty() || claims.is_empty() {
        reasons.push("it is no signed JSON Web Token in compact form".to_owned());
    } else {
        differences(config, &ring, &header, &claims, &mut reasons);
    }
    let token = &config.token;
    let keys = Arc::new(LiveKeys::new(ring));
    let issuer = TokenIssuer::new(keys, &token.issuer, &token.audience);
    let verdict = match issuer.verify(text, now) {
        Ok(_) => Verdict::Valid,
        Err(Refusal::Expired) => Verdict::Expired,
        Err(
            Refusal::Malformed
            | Refusal::Stale
            | Refusal::Reused
            | Refusal::Revoked
            | Refusal::Unknown
            | Refusal::ProofRequired,
        ) => Verdict::Refused,
    };
    if verdict == Verdict::Refused && reasons.is_empty() {
        reasons.push("its signature is not that of the key it names, or a claim is wrong".into());
    }
    Inspection {
        verdict,
        reasons,
        header,
        claims,
    }
}

/// In what a token differs from those that this configuration issues. That explains a refusal and
/// never decides one.
fn differences(
    config: &Config,
    ring: &KeyRing,
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    reasons: &mut Vec<String>,
) {
    let kid = header.get("kid").and_then(Value::as_str);
    let key = kid.and_then(|kid| ring.find(kid));
    let alg = key.map_or("", |key| key.algorithm().as_str());
    if key.is_none() {
        reasons.push("no key of ours has the name in its `kid`".to_owned());
    }
    for (name, found, expected) in [
        ("alg", header.get("alg"), alg),
        ("typ", header.get("typ"), TYPE),
        ("iss", claims.get("iss"), config.token.issuer.as_str()),
        ("aud", claims.get("aud"), config.token.audience.as_str()),
    ] {
        if !expected.is_empty() && found.and_then(Value::as_str) != Some(expected) {
            reasons.push(format!("its `{name}` is not {expected:?}"));
        }
    }
    for name in ["sub", "sid", "gen", "iat", "exp", "jti"] {
        if !claims.contains_key(name) {
            reasons.push(format!("it has no `{name}`"));
        }
    }
}

fn object(encoded: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    match serde_json::from_slice(&json).ok()? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

impl Inspection {
    fn write(&self, now: Timestamp, out: &mut dyn Write) -> io::Result<()> {
        let (style, verdict) = match self.verdict {
            Verdict::Valid => (
                OK,
                "valid: one of our keys signed it, and it has not expired",
            ),
            Verdict::Expired => (
                ERROR,
                "expired: one of our keys signed it, but its time is over",
            ),
            Verdict::Refused => (ERROR, "refused"),
            Verdict::Unverified => (WARNING, "not verified: do not trust what it says"),
        };
        writeln!(out, "{style}{verdict}{style:#}")?;
        for reason in &self.reasons {
            writeln!(out, "  {FAINT}-{FAINT:#} {reason}")?;
        }
        let members = [("header", &self.header), ("claims", &self.claims)];
        for (title, members) in members {
            if members.is_empty() {
                continue;
            }
            writeln!(out, "{HEADING}{title}{HEADING:#}")?;
            for (name, value) in members {
                let (shown, note) = (harmless(&value.to_string()), time_note(name, value, now));
                writeln!(out, "  {:4} {shown}{note}", harmless(name))?;
            }
        }
        if self.verdict == Verdict::Valid {
            writeln!(
                out,
                "{FAINT}Whether its session goes on, and with which generation, is in the \
                 ledger.{FAINT:#}"
            )?;
        }
        Ok(())
    }
}

/// Text of whoever made the token, without what a terminal would obey.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

/// The date behind a claim that is a time.
fn time_note(name: &str, value: &Value, now: Timestamp) -> String {
    match (name, value.as_u64()) {
        ("iat" | "exp" | "nbf", Some(seconds)) => {
            let time = Timestamp::from_unix(seconds);
            format!("  {FAINT}{} ({}){FAINT:#}", utc(time), relative(time, now))
        }
        _ => String::new(),
    }
}
