//! `handfast config`: what is in force, and whether it can work.

use super::{
    failure::{Failure, Outcome},
    print::{self, FAINT, HEADING, OK, WARNING},
};
use crate::{
    config::{Line, Loaded, Source, show_lines},
    serve::check_files,
};
use std::io::Write;

/// Prints the configuration in force as TOML, each setting with where it came from.
pub(super) fn show(loaded: &Loaded, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let lines = show_lines(&loaded.effective);
    let widths = lines.iter().map(|line| match line {
        Line::Setting(text, _) => text.chars().count(),
        Line::Blank | Line::Section(_) => 0,
    });
    // One long list must not push every comment off the screen.
    let column = widths.filter(|width| *width <= 48).max().unwrap_or(0);
    for line in lines {
        match line {
            Line::Blank => writeln!(out)?,
            Line::Section(heading) => writeln!(out, "{HEADING}{heading}{HEADING:#}")?,
            Line::Setting(text, source) => {
                writeln!(out, "{text:column$}  {FAINT}# {source}{FAINT:#}")?;
            }
        }
    }
    Ok(Outcome::Fine)
}

/// Says that the configuration can work, and what in it is doubtful. One that cannot work does
/// not get as far as this.
pub(super) fn check(loaded: &Loaded, out: &mut dyn Write) -> Result<Outcome, Failure> {
    check_files(&loaded.config)?;
    for warning in &loaded.warnings {
        print::about(out, "warning", WARNING, warning)?;
    }
    let count = |wanted: fn(&Source) -> bool| {
        let sources = loaded.effective.iter().map(|setting| &setting.source);
        sources.filter(|source| wanted(source)).count()
    };
    let from_file = count(|source| matches!(source, Source::Line(..)));
    let from_environment = count(|source| matches!(source, Source::Variable(_)));
    let from_flags = count(|source| matches!(source, Source::Flag(_)));
    let file = loaded
        .file
        .as_ref()
        .map_or_else(|| "no file".to_owned(), |file| file.display().to_string());
    writeln!(
        out,
        "{OK}ok{OK:#}: settings from {file}: {from_file}, from the environment: \
         {from_environment}, from flags: {from_flags}; the others have their defaults"
    )?;
    Ok(Outcome::Fine)
}
