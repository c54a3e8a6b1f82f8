//! How messages look. Colours are stripped where they are not wanted (`NO_COLOR`, no terminal).

use super::failure::Failure;
use crate::config::{About, Remedy};
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::{
    error::Error,
    fmt::Display,
    io::{self, Write},
};

/// All is well.
pub(super) const OK: Style = AnsiColor::Green.on_default().bold();
/// It works, but somebody should look.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// It does not work.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// Names and headings.
pub(super) const HEADING: Style = Style::new().bold();
/// What is there for those who look for it.
pub(super) const FAINT: Style = Style::new().dimmed();

/// Says one thing about the configuration: what, where, and what to do.
pub(super) fn about<T>(
    out: &mut dyn Write,
    label: &str,
    style: Style,
    about: &About<T>,
) -> io::Result<()>
where
    T: Display + Remedy,
{
    writeln!(out, "{style}{label}{style:#}: {about}")?;
    writeln!(out, "  {FAINT}-->{FAINT:#} {}", about.source)?;
    remedy(out, &about.what.remedy())
}

/// Says what to do.
pub(super) fn remedy(out: &mut dyn Write, remedy: &str) -> io::Result<()> {
    writeln!(out, "  {FAINT}={FAINT:#} {remedy}")
}

/// Says why a command failed.
pub(super) fn failure(out: &mut dyn Write, failure: &Failure) -> io::Result<()> {
    match failure {
        Failure::Config(problems) => {
            for problem in &problems.0 {
                about(out, "error", ERROR, problem)?;
            }
            let count = problems.0.len();
            let plural = if count == 1 { "" } else { "s" };
            writeln!(out, "{count} problem{plural} in the configuration")
        }
        // `handfast config show | head` has what it wants.
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Failure::Serve(_)
        | Failure::File(_)
        | Failure::Keys(_)
        | Failure::Ledger(_)
        | Failure::Desk(_)
        | Failure::Prompt(_)
        | Failure::NoToken
        | Failure::Input(_)
        | Failure::Output(_) => {
            error(out, failure)?;
            failure.remedy().map_or(Ok(()), |text| remedy(out, text))
        }
    }
}

/// Says what failed, and beneath it what caused that.
fn error(out: &mut dyn Write, error: &dyn Error) -> io::Result<()> {
    writeln!(out, "{ERROR}error{ERROR:#}: {error}")?;
    let mut cause = error.source();
    while let Some(it) = cause {
        writeln!(out, "  {FAINT}because{FAINT:#} {it}")?;
        cause = it.source();
    }
    Ok(())
}

/// A value as JSON for people to read and programs to parse.
pub(super) fn json(value: &impl Serialize) -> String {
    // What is printed holds no maps with keys that are not strings, which alone can fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}
