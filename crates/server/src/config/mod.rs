//! The configuration: what a file, the environment and flags say, as types.
//!
//! A setting is a flag's value, else the environment's, else the file's, else the default. Every
//! setting is named once, where [`Config::read`] and the sections below it read it; what nobody
//! reads is refused as unknown. Everything that is wrong is reported at once, each with where it
//! stands and what to do ([`Problem`]).
//!
//! ```text
//! flags ┐
//! environment ├─ Layer ─ Reader ─ Config ─ check ─ Loaded
//! file ┘        (text)  (types)          (settings together)
//! ```

mod check;
mod clash;
mod file;
mod layer;
mod limits;
mod nearest;
mod problem;
mod reader;
mod reload;
mod sections;
mod show;
mod source;
mod unknown;
mod value;

pub(crate) use layer::Environment;
pub(crate) use problem::{About, Problems, Remedy, Warning};
pub(crate) use reader::Effective;
pub(crate) use reload::{Reloaded, reload};
pub(crate) use sections::{Audit, Config, Drain, Log, Otlp, Tls};
pub(crate) use show::{Line, lines as show_lines};
pub(crate) use source::Source;
pub(crate) use value::{
    AuditTarget, CollectorHeader, CollectorUrl, FanoutUrl, LedgerUrl, LogFilter, LogFormat,
    OnAuditFailure, Ratio, Registration, Setting, parse_duration,
};

use layer::{Layer, Written};
use reader::Reader;
use std::path::PathBuf;
use value::Raw;

/// What the command line says about settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `--config`
    pub(crate) config: Option<PathBuf>,
    /// `--listen`
    pub(crate) listen: Option<String>,
    /// `--data`
    pub(crate) data: Option<String>,
    /// `--admin`
    pub(crate) admin: Option<String>,
}

/// A configuration that can work, and where it came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The settings.
    pub(crate) config: Config,
    /// Every setting with its source, in the order in which they are shown.
    pub(crate) effective: Vec<Effective>,
    /// What is probably not what was meant.
    pub(crate) warnings: Vec<Warning>,
    /// The file that was read, if any.
    pub(crate) file: Option<PathBuf>,
    /// What it was loaded from, to load it again.
    given: (Flags, Environment),
}

/// Loads the configuration.
///
/// A file is read only when a flag or `HANDFAST_CONFIG` names it: one that merely lies in the
/// working directory is not, for whoever can write there must not decide who gets in.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn load(flags: Flags, environment: Environment) -> Result<Loaded, Problems> {
    load_over(None, (flags, environment))
}

/// Loads the configuration; for a server that runs, with what only a start can change as it is there.
fn load_over(running: Option<&Loaded>, given: (Flags, Environment)) -> Result<Loaded, Problems> {
    let (flags, environment) = given.clone();
    let named = environment.config_file().map(PathBuf::from);
    let file = flags.config.clone().or(named);
    let from_file = file.as_deref().map(file::read).unwrap_or_default();
    // Defaults that stand in for an unreadable file must not be held against other settings.
    let whole = from_file.problems.is_empty();

    let mut reader = Reader::new(vec![flags.layer(), environment.layer(), from_file]);
    let read = Config::read(&mut reader);
    let config = match running {
        None => read,
        Some(running) => reload::over(&running.config, read),
    };
    let verdict = if whole {
        check::check(&config, &reader)
    } else {
        check::Verdict::default()
    };

    let known: Vec<_> = reader.effective.iter().map(|it| it.key).collect();
    let unknown = reader.leftovers().into_iter();
    let unknown = unknown.flat_map(|layer| unknown::refuse(layer, &known));
    let mut problems: Vec<_> = unknown.collect();
    problems.append(&mut reader.problems);
    problems.extend(verdict.problems);
    if problems.is_empty() {
        return Ok(Loaded {
            config,
            effective: reader.effective,
            warnings: verdict.warnings,
            file,
            given,
        });
    }
    problems.sort_by(|a, b| a.source.cmp(&b.source));
    Err(Problems(problems))
}

impl Flags {
    fn layer(self) -> Layer {
        let given = [
            ("--listen", "listen", self.listen),
            ("--data", "data", self.data),
            ("--admin", "admin.listen", self.admin),
        ];
        let mut layer = Layer::default();
        for (flag, key, text) in given {
            if let Some(text) = text {
                let raw = Raw::Untyped(text);
                let source = Source::Flag(flag);
                layer
                    .settings
                    .insert(key.to_owned(), Written { raw, source });
            }
        }
        layer
    }
}

#[cfg(test)]
mod tests;
