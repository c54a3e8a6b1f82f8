//! What is logged: `"info"`, or by module `"info,handfast=debug"`.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// Which log lines are written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LogFilter {
    text: String,
    targets: Targets,
}

impl LogFilter {
    /// Everything down to `level`, from every module.
    pub(crate) fn down_to(level: LevelFilter) -> Self {
        Self {
            text: level.to_string(),
            targets: Targets::new().with_default(level),
        }
    }

    /// The filter for the subscriber.
    pub(crate) fn targets(&self) -> &Targets {
        &self.targets
    }
}

impl Setting for LogFilter {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::LogFilter)?;
        parse(text).ok_or_else(|| Wrong::Malformed {
            text: text.to_owned(),
            form: Form::LogFilter,
        })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.text.clone())
    }
}

/// Reads directives. Not by `Targets::from_str`, which takes a misspelt level for a module and
/// logs all of it.
fn parse(text: &str) -> Option<LogFilter> {
    let mut targets = Targets::new();
    for directive in text.split(',') {
        targets = match directive.split_once('=') {
            Some((module, level)) if !module.is_empty() => {
                targets.with_target(module, level_named(level)?)
            }
            Some(_) => return None,
            None => targets.with_default(level_named(directive)?),
        };
    }
    Some(LogFilter {
        text: text.to_owned(),
        targets,
    })
}

fn level_named(name: &str) -> Option<LevelFilter> {
    Some(match name {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_may_differ_by_module() {
        let filter = parse("info,handfast=debug").expect("a filter");
        assert!(
            filter
                .targets()
                .would_enable("handfast::hub", &Level::DEBUG)
        );
        assert!(!filter.targets().would_enable("hyper", &Level::DEBUG));
    }

    #[test]
    fn a_misspelt_level_is_refused() {
        for text in ["inof", "", "info,", "handfast=debgu", "=info", "INFO"] {
            assert_eq!(parse(text), None, "{text:?} was taken");
        }
    }
}
