//! Paths and plain text.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use handfast::token::NAME_BYTES_MAX;
use std::path::PathBuf;

impl Setting for PathBuf {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        filled(raw, Form::Path).map(Self::from)
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.display().to_string())
    }
}

/// A file that may be left out, which is written as `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct OptionalPath(pub(in crate::config) Option<PathBuf>);

impl Setting for OptionalPath {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Path)?;
        Ok(Self((!text.is_empty()).then(|| PathBuf::from(text))))
    }

    fn show(&self) -> toml::Value {
        let path = self.0.as_ref().map(|path| path.display().to_string());
        toml::Value::String(path.unwrap_or_default())
    }
}

/// Where the record of what happens goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AuditTarget {
    /// Nowhere, which is written as `""`.
    Off,
    /// To stdout, which is written as `"-"`.
    Stdout,
    /// Into this file.
    File(PathBuf),
}

impl Setting for AuditTarget {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        Ok(match raw.text(Form::Path)? {
            "" => Self::Off,
            "-" => Self::Stdout,
            path => Self::File(path.into()),
        })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(match self {
            Self::Off => String::new(),
            Self::Stdout => "-".to_owned(),
            Self::File(path) => path.display().to_string(),
        })
    }
}

/// A name that may be left out, which is written as `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct OptionalName(pub(in crate::config) Option<String>);

impl Setting for OptionalName {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let name = raw.text(Form::Text)?;
        let name = (!name.is_empty()).then(|| String::read(raw));
        name.transpose().map(Self)
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.0.clone().unwrap_or_default())
    }
}

/// Names in tokens and of nodes are plain text, and the bound of the former is the bound of all.
impl Setting for String {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = filled(raw, Form::Text)?;
        if text.len() > NAME_BYTES_MAX {
            return Err(Wrong::OutOfRange {
                value: format!("a name of {} bytes", text.len()),
                least: "1".to_owned(),
                most: format!("{NAME_BYTES_MAX} bytes"),
            });
        }
        Ok(Self::from(text))
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.clone())
    }
}

fn filled(raw: &Raw, form: Form) -> Result<&str, Wrong> {
    let text = raw.text(form)?;
    if text.is_empty() {
        return Err(Wrong::Malformed {
            text: String::new(),
            form,
        });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_path_means_none_only_where_there_may_be_none() {
        let empty = Raw::Text(String::new());
        assert_eq!(OptionalPath::read(&empty), Ok(OptionalPath(None)));
        assert!(PathBuf::read(&empty).is_err());
        assert!(String::read(&empty).is_err());
    }

    #[test]
    fn the_record_goes_nowhere_to_stdout_or_into_a_file() {
        for (text, target) in [
            ("", AuditTarget::Off),
            ("-", AuditTarget::Stdout),
            ("audit.jsonl", AuditTarget::File("audit.jsonl".into())),
        ] {
            let raw = Raw::Text(text.to_owned());
            assert_eq!(AuditTarget::read(&raw), Ok(target.clone()));
            assert_eq!(target.show(), toml::Value::String(text.to_owned()));
        }
    }

    #[test]
    fn a_name_that_would_make_tokens_too_long_is_refused() {
        let name = |bytes| String::read(&Raw::Text("x".repeat(bytes)));
        assert!(name(NAME_BYTES_MAX).is_ok());
        assert!(name(NAME_BYTES_MAX + 1).is_err());
    }
}
