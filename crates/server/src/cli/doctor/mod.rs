//! `handfast doctor`: looks for what is wrong on this machine and changes nothing.

mod audit;
mod data;
mod exposure;
mod fanout;
mod finding;
mod listen;
mod machine;
mod traces;

use super::{
    failure::{Failure, Outcome},
    print::{self, ERROR, HEADING, OK, WARNING},
};
use crate::{
    config::{LedgerUrl, Loaded, Remedy as _},
    data::DataFolder,
};
use finding::{Check, Finding, Verdict};
use handfast_core::time::Timestamp;
use std::io::{self, Write};

/// Prints what was found; fails if anything does not work.
pub(super) fn run(
    loaded: &Loaded,
    now: Timestamp,
    json: bool,
    out: &mut dyn Write,
) -> Result<Outcome, Failure> {
    let findings = examine(loaded, now);
    if json {
        writeln!(out, "{}", print::json(&findings))?;
    } else {
        write(&findings, out)?;
    }
    let fails = findings.iter().any(|it| it.verdict == Verdict::Fail);
    Ok(if fails {
        Outcome::CheckFailed
    } else {
        Outcome::Fine
    })
}

fn examine(loaded: &Loaded, now: Timestamp) -> Vec<Finding> {
    let config = &loaded.config;
    let folder = DataFolder(&config.data);
    let mut findings = configuration(loaded);
    findings.extend(loaded.file.as_deref().and_then(exposure::file));
    findings.extend(data::folder(folder));
    findings.extend(data::keys(folder, now));
    findings.push(data::admin_token(config));
    findings.extend(match &config.ledger.url {
        LedgerUrl::Sqlite => data::databases(folder),
        LedgerUrl::Postgres(url) => vec![data::server(url)],
    });
    if let LedgerUrl::Postgres(url) = &config.ledger.url {
        findings.extend(data::server_clock(url));
    }
    findings.extend(fanout::reach(config));
    findings.push(listen::address(config));
    findings.extend(exposure::of(config, now));
    findings.push(audit::of(config));
    findings.extend(traces::reach(config));
    findings.push(machine::descriptors(config));
    findings.push(machine::clock(now));
    findings
}

fn configuration(loaded: &Loaded) -> Vec<Finding> {
    let check = Check("configuration");
    if loaded.warnings.is_empty() {
        return vec![check.ok("can work, and nothing in it is doubtful")];
    }
    let warnings = loaded.warnings.iter();
    warnings
        .map(|warning| check.warn(warning.to_string(), warning.what.remedy()))
        .collect()
}

fn write(findings: &[Finding], out: &mut dyn Write) -> io::Result<()> {
    for finding in findings {
        let (style, word) = match finding.verdict {
            Verdict::Ok => (OK, "ok"),
            Verdict::Warn => (WARNING, "warn"),
            Verdict::Fail => (ERROR, "fail"),
        };
        writeln!(
            out,
            "{style}{word:4}{style:#}  {HEADING}{:13}{HEADING:#}  {}",
            finding.check, finding.found
        )?;
        if let Some(remedy) = &finding.remedy {
            print::remedy(out, remedy)?;
        }
    }
    let count = |verdict| findings.iter().filter(|it| it.verdict == verdict).count();
    let (failures, warnings) = (count(Verdict::Fail), count(Verdict::Warn));
    writeln!(
        out,
        "{failures} failed, {warnings} to look at, {} ok",
        count(Verdict::Ok)
    )
}
