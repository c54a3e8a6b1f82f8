//! `handfast keys`: the keys that sign and verify tokens.

use super::{
    failure::{Failure, Outcome},
    print::{FAINT, HEADING, OK, WARNING, remedy},
};
use crate::{
    config::Config,
    data::DataFolder,
    time::{relative, utc},
};
use handfast::keys::{Algorithm, Key, KeyFile, KeyRing};
use handfast_core::time::Timestamp;
use serde::Serialize;
use std::{
    io::{self, Write},
    time::Duration,
};

/// A key as `--json` prints it; times are Unix seconds.
#[derive(Serialize)]
struct KeyJson<'a> {
    kid: &'a str,
    algorithm: &'static str,
    signs: bool,
    created_at: Option<u64>,
    sign_from: Option<u64>,
    verify_until: Option<u64>,
}

/// Lists the keys, the one that signs first.
pub(super) fn list(
    config: &Config,
    now: Timestamp,
    json: bool,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let ring = key_file(config).load()?;
    if json {
        let keys = ring.keys().iter();
        let keys: Vec<_> = keys.map(|key| for_json(&ring, key, now)).collect();
        writeln!(out, "{}", super::print::json(&keys))?;
        return Ok(Outcome::Fine);
    }
    let width = ring.keys().iter().map(|key| key.id().chars().count());
    let width = width.max().unwrap_or(0).max("KEY".len());
    writeln!(
        out,
        "{HEADING}{:width$}  {:9}  {:20}  USE{HEADING:#}",
        "KEY", "ALGORITHM", "MADE"
    )?;
    for key in ring.keys() {
        let made = key.created_at().map_or_else(|| "unknown".to_owned(), utc);
        writeln!(
            out,
            "{:width$}  {:9}  {made:20}  {}",
            key.id(),
            key.algorithm().as_str(),
            usage(&ring, key, now)
        )?;
    }
    Ok(Outcome::Fine)
}

/// Adds a key that signs once it has been there for `wait`; those before it go on verifying for as long as they must.
pub(super) fn rotate(
    config: &Config,
    now: Timestamp,
    wait: Duration,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let file = key_file(config);
    let token = &config.token;
    let rotation = file.rotate(token.algorithm, now, token.lifetime, wait)?;
    writeln!(
        out,
        "{OK}added{OK:#}    {} ({})",
        rotation.added, token.algorithm
    )?;
    if let Some(replaced) = &rotation.replaced {
        writeln!(
            out,
            "replaced {} ({}), which verifies until {} ({})",
            replaced.kid,
            replaced.algorithm,
            utc(replaced.verifies_until),
            relative(replaced.verifies_until, now)
        )?;
    }
    for kid in rotation.dropped {
        writeln!(out, "dropped  {kid}, whose last token has expired")?;
    }
    let signs_from = rotation.signs_from;
    if signs_from > now {
        writeln!(
            out,
            "signs    from {} ({})",
            utc(signs_from),
            relative(signs_from, now)
        )?;
        writeln!(
            out,
            "{FAINT}Send SIGHUP to every running handfast before that: a node that does not know the key \
             refuses its tokens.{FAINT:#}"
        )?;
    } else {
        writeln!(
            out,
            "{FAINT}A running handfast goes on with the key before it until it gets SIGHUP.{FAINT:#}"
        )?;
    }
    if let Some(replaced) = rotation.replaced {
        warn_of_other_algorithm(token.algorithm, replaced.algorithm, out)?;
    }
    Ok(Outcome::Fine)
}

/// Whoever rotates beside a server does not have its settings unless they are given.
fn warn_of_other_algorithm(
    new: Algorithm,
    before: Algorithm,
    out: &mut dyn Write,
) -> io::Result<()> {
    if new == before {
        return Ok(());
    }
    writeln!(
        out,
        "{WARNING}warning{WARNING:#}: the new key is for {new}, the one before it for {before}"
    )?;
    remedy(
        out,
        "if `token.algorithm` is another at the server, rotate again at once with the settings that it has: until that \
         key signs, this one does from its time on",
    )
}

fn key_file(config: &Config) -> KeyFile {
    KeyFile::new(DataFolder(&config.data).keys())
}

fn signs(ring: &KeyRing, key: &Key, now: Timestamp) -> bool {
    ring.signing(now).id() == key.id()
}

fn usage(ring: &KeyRing, key: &Key, now: Timestamp) -> String {
    let waits_until = key.sign_from().filter(|from| now < *from);
    match key.verify_until() {
        _ if signs(ring, key, now) => "signs and verifies".to_owned(),
        None => waits_until.map_or_else(
            || "verifies".to_owned(),
            |from| {
                format!(
                    "verifies; signs from {} ({})",
                    utc(from),
                    relative(from, now)
                )
            },
        ),
        Some(end) if end <= now => "over; the next rotation drops it".to_owned(),
        Some(end) => format!("verifies until {} ({})", utc(end), relative(end, now)),
    }
}

fn for_json<'a>(ring: &KeyRing, key: &'a Key, now: Timestamp) -> KeyJson<'a> {
    KeyJson {
        kid: key.id(),
        algorithm: key.algorithm().as_str(),
        signs: signs(ring, key, now),
        created_at: key.created_at().map(Timestamp::as_unix),
        sign_from: key.sign_from().map(Timestamp::as_unix),
        verify_until: key.verify_until().map(Timestamp::as_unix),
    }
}
