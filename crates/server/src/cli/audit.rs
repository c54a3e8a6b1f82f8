//! `handfast audit`: what happened.

use super::{
    args::AuditArgs,
    desk::{Desk, Missing, Request},
    failure::{Failure, Outcome},
    print::{self, FAINT},
    table::Table,
    user::encoded,
};
use crate::{
    config::{Config, parse_duration},
    time::parse,
};
use axum::http::Method;
use handfast::Timestamp;
use serde_json::Value;
use std::io::Write;

/// Prints the newest records that fit, the newest last.
pub(super) fn run(
    config: &Config,
    args: &AuditArgs,
    now: Timestamp,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let desk = Desk::open(config, Missing::Refuse)?;
    let answer = desk.ask(Request::new(Method::GET, path(args, now)))?;
    if args.json {
        writeln!(out, "{}", print::json(&answer["records"]))?;
    } else {
        list(&answer, out)?;
    }
    Ok(Outcome::Fine)
}

fn path(args: &AuditArgs, now: Timestamp) -> String {
    let mut path = format!("/admin/v1/audit?limit={}", args.limit);
    let texts = [("subject", &args.user), ("session", &args.session)];
    for (name, text) in texts {
        if let Some(text) = text {
            path.push_str(&format!("&{name}={}", encoded(text)));
        }
    }
    for (name, when) in [("since", args.since), ("until", args.until)] {
        if let Some(when) = when {
            path.push_str(&format!("&{name}={}", when.at(now).as_unix()));
        }
    }
    path
}

/// A time as it is typed: `2h` ago, `2026-02-03`, or `2026-02-03T04:05:06Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// So many seconds ago.
    Ago(u64),
    /// Then.
    At(Timestamp),
}

impl When {
    /// Reads what was typed.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if let Some(at) = parse(text) {
            return Ok(Self::At(at));
        }
        let ago = parse_duration(text).map_err(|_| {
            "write how long ago, for example \"2h\" or \"7d\", or a time in UTC, for example \
             \"2026-02-03\" or \"2026-02-03T04:05:06Z\""
        })?;
        Ok(Self::Ago(ago.as_secs()))
    }

    fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(seconds) => Timestamp::from_unix(now.as_unix().saturating_sub(seconds)),
            Self::At(at) => at,
        }
    }
}

fn list(answer: &Value, out: &mut dyn Write) -> Result<(), Failure> {
    let records = answer["records"].as_array().map_or(&[][..], Vec::as_slice);
    if records.is_empty() {
        writeln!(out, "{FAINT}nothing is recorded of that{FAINT:#}")?;
        return Ok(());
    }
    if answer["complete"] == false {
        writeln!(out, "{FAINT}there is more from before{FAINT:#}")?;
    }
    let mut table = Table::new(["TIME", "EVENT", "USER", "SESSION", "ADDRESS", "DETAIL"]);
    for record in records {
        let text = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
        table.add([
            text("time"),
            text("event"),
            text("subject"),
            text("session"),
            text("address"),
            detail(record),
        ]);
    }
    table.write(out)?;
    Ok(())
}

/// What is particular to the event.
fn detail(record: &Value) -> String {
    let text = |name: &str| record[name].as_str().map(str::to_owned);
    let number = |name: &str, what: &str| Some(format!("{what}{}", record[name].as_u64()?));
    let by = text("by").map(|by| format!("by {by}"));
    let parts = [
        text("request"),
        number("status", ""),
        text("outcome"),
        text("reason"),
        by,
        number("generation", "generation "),
        number("records", ""),
        text("agent"),
        text("version"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_typed_as_how_long_ago_or_as_it_is() {
        let now = Timestamp::from_unix(1_767_225_600);
        let at = |text: &str| When::read(text).map(|when| when.at(now).as_unix());
        assert_eq!(at("2h"), Ok(1_767_225_600 - 7_200));
        assert_eq!(at("2025-12-31"), Ok(1_767_225_600 - 86_400));
        assert_eq!(at("2025-12-31T23:59:59Z"), Ok(1_767_225_599));
        for text in ["", "yesterday", "2", "2025-12-31 23:59:59"] {
            assert!(at(text).is_err(), "{text}");
        }
    }
}
