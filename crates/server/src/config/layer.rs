//! Settings as they were written, one layer for each place they can come from.

use super::{
    problem::{Problem, Wrong},
    source::Source,
    value::Raw,
};
use std::{collections::BTreeMap, ffi::OsString, fmt};

/// What every variable that handfast reads begins with.
const PREFIX: &str = "HANDFAST_";

/// The variable that names the configuration file, where no flag does.
const FILE_VARIABLE: &str = "HANDFAST_CONFIG";

/// What was written for one setting, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) raw: Raw,
    pub(super) source: Source,
}

/// The settings that one place has, by their dotted names, and what could not be read there.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) settings: BTreeMap<String, Written>,
    /// The sections of a file, whether or not something stands in them.
    pub(super) sections: Vec<(String, Source)>,
    pub(super) problems: Vec<Problem>,
}

/// The environment of the process, as far as it is handfast's.
#[derive(Clone, Default)]
pub(crate) struct Environment(Vec<(OsString, OsString)>);

/// Values may be secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl Environment {
    /// Takes the environment; the only place in handfast that does.
    pub(crate) fn of_process() -> Self {
        // Not `vars`, which panics at a variable of somebody else's that is not UTF-8.
        let ours = std::env::vars_os()
            .filter(|(name, _)| name.as_encoded_bytes().starts_with(PREFIX.as_bytes()));
        Self(ours.collect())
    }

    /// The configuration file that the environment names.
    pub(crate) fn config_file(&self) -> Option<&OsString> {
        self.0
            .iter()
            .find(|(name, value)| name == FILE_VARIABLE && !value.is_empty())
            .map(|(_, value)| value)
    }

    /// The settings among the variables.
    pub(super) fn layer(self) -> Layer {
        let mut layer = Layer::default();
        for (name, value) in self.0 {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if name == FILE_VARIABLE || is_of_service_discovery(name) {
                continue;
            }
            let source = Source::Variable(name.to_owned());
            let key = key_of(name);
            match value.into_string() {
                Ok(text) => {
                    let raw = Raw::Untyped(text);
                    layer.settings.insert(key, Written { raw, source });
                }
                Err(_) => layer.problems.push(Problem {
                    source,
                    key,
                    what: Wrong::NotUtf8,
                }),
            }
        }
        layer
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(
            variables
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
        )
    }
}

/// The setting that a variable is for: `HANDFAST_TOKEN__LIFETIME` is `token.lifetime`.
///
/// Lower case in a variable stays distinguishable, so that it is refused and not guessed at.
fn key_of(variable: &str) -> String {
    let name = variable.strip_prefix(PREFIX).unwrap_or(variable);
    if name.contains(|letter: char| letter.is_ascii_lowercase()) {
        return name.to_uppercase();
    }
    name.to_ascii_lowercase().replace("__", ".")
}

/// The variable for a setting: `token.lifetime` is `HANDFAST_TOKEN__LIFETIME`.
pub(super) fn variable_of(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', "__"))
}

/// Whether a variable is one of those that Kubernetes sets in every container for a service, here
/// one that is called `handfast` or `handfast-…`: `HANDFAST_SERVICE_HOST`,
/// `HANDFAST_PORT_9001_TCP_ADDR` and their like. No setting has a name of these shapes.
fn is_of_service_discovery(variable: &str) -> bool {
    let ends = ["_SERVICE_HOST", "_SERVICE_PORT", "_PORT"];
    let of_port = variable.split_once("_PORT_").is_some_and(|(_, rest)| {
        rest.starts_with(|digit: char| digit.is_ascii_digit())
            && ["_TCP", "_UDP", "_SCTP"].iter().any(|it| rest.contains(it))
    });
    of_port || variable.contains("_SERVICE_PORT_") || ends.iter().any(|end| variable.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_underscores_part_the_levels() {
        assert_eq!(
            key_of("HANDFAST_TOKEN__REFRESH_AFTER"),
            "token.refresh_after"
        );
        assert_eq!(
            variable_of("token.refresh_after"),
            "HANDFAST_TOKEN__REFRESH_AFTER"
        );
    }

    #[test]
    fn variables_of_others_and_of_service_discovery_are_no_settings() {
        let layer = Environment::from([
            ("PATH", "/bin"),
            ("HANDFAST_CONFIG", "handfast.toml"),
            ("HANDFAST_SERVICE_HOST", "10.0.0.1"),
            ("HANDFAST_SERVICE_PORT_HTTP", "9001"),
            ("HANDFAST_PORT", "tcp://10.0.0.1:9001"),
            ("HANDFAST_PORT_9001_TCP_ADDR", "10.0.0.1"),
            ("HANDFAST_ADMIN_SERVICE_PORT", "9002"),
        ])
        .layer();
        assert!(layer.settings.is_empty(), "{:?}", layer.settings);
    }

    #[test]
    fn a_variable_in_lower_case_is_not_taken_for_its_upper_case_one() {
        let layer = Environment::from([("HANDFAST_listen", "127.0.0.1:1")]).layer();
        assert!(!layer.settings.contains_key("listen"));
        assert_eq!(layer.settings.len(), 1);
    }

    #[test]
    #[cfg(unix)]
    fn a_value_that_is_not_utf8_is_a_problem_and_no_panic() {
        use std::os::unix::ffi::OsStringExt as _;
        let bad = OsString::from_vec(vec![0xff]);
        let layer = Environment(vec![("HANDFAST_DATA".into(), bad)]).layer();
        assert_eq!(layer.problems.len(), 1);
    }
}
