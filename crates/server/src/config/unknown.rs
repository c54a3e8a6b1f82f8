//! Refuses what no setting took, with the name that was probably meant.

use super::{
    layer::{Layer, variable_of},
    nearest,
    problem::{Problem, Wrong},
    source::Source,
};
use std::collections::BTreeSet;

/// What is wrong with the leftovers of a layer, given the names of all settings.
pub(super) fn refuse(mut layer: Layer, known: &[&'static str]) -> Vec<Problem> {
    if layer.settings.is_empty() && layer.sections.is_empty() {
        return Vec::new();
    }
    let sections: BTreeSet<_> = known.iter().filter_map(|key| section_of(key)).collect();
    let mut problems = Vec::new();
    let mut refused: Vec<String> = Vec::new();
    for (name, source) in std::mem::take(&mut layer.sections) {
        if sections.contains(name.as_str()) || refused.iter().any(|it| stands_in(&name, it)) {
            continue;
        }
        // What stands in an unknown section needs no complaint of its own.
        layer.settings.retain(|key, _| !stands_in(key, &name));
        problems.push(Problem {
            source,
            what: unknown_section(&name, known, &sections),
            key: name.clone(),
        });
        refused.push(name);
    }
    let settings = layer.settings.into_iter();
    problems.extend(settings.map(|(key, written)| unknown_setting(key, written.source, known)));
    problems
}

/// The section that a setting stands in; none for those at the top.
pub(super) fn section_of(key: &str) -> Option<&str> {
    key.rsplit_once('.').map(|(section, _)| section)
}

/// The name of a setting within its section.
pub(super) fn last_part(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, last)| last)
}

fn stands_in(key: &str, section: &str) -> bool {
    key.strip_prefix(section)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn unknown_section(name: &str, known: &[&str], sections: &BTreeSet<&str>) -> Wrong {
    if known.contains(&name) {
        return Wrong::IsSetting;
    }
    let nearest = nearest::of(name, sections.iter().copied()).map(str::to_owned);
    Wrong::UnknownSection { nearest }
}

fn unknown_setting(key: String, source: Source, known: &[&'static str]) -> Problem {
    let nearest = nearest::setting(&key, known.iter().copied());
    if let Source::Variable(_) = source {
        return Problem {
            source,
            // The variable says where; the key made from it would only confuse.
            key: String::new(),
            what: Wrong::UnknownVariable {
                nearest: nearest.map(variable_of),
            },
        };
    }
    let is_section = known.iter().any(|name| stands_in(name, &key));
    let what = match nearest {
        _ if is_section => Wrong::IsSection,
        Some(name) if name != key && last_part(name) == last_part(&key) => Wrong::Misplaced {
            meant: name.to_owned(),
        },
        Some(_) | None => Wrong::UnknownSetting {
            nearest: nearest.map(str::to_owned),
        },
    };
    Problem { source, key, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{layer::Environment, layer::Written, value::Raw};

    const KNOWN: [&str; 3] = ["listen", "token.lifetime", "token.algorithm"];

    fn leftovers(settings: &[&str], sections: &[&str]) -> Layer {
        let source = Source::Line("f.toml".into(), 1);
        let written = |key: &&str| {
            let raw = Raw::Boolean(true);
            let source = source.clone();
            ((*key).to_owned(), Written { raw, source })
        };
        Layer {
            settings: settings.iter().map(written).collect(),
            sections: sections
                .iter()
                .map(|name| ((*name).to_owned(), source.clone()))
                .collect(),
            ..Layer::default()
        }
    }

    fn wrongs(layer: Layer) -> Vec<Wrong> {
        let problems = refuse(layer, &KNOWN);
        problems.into_iter().map(|problem| problem.what).collect()
    }

    #[test]
    fn an_unknown_section_is_refused_once_whatever_stands_in_it() {
        let layer = leftovers(&["tokens.lifetime", "tokens.x.y"], &["tokens", "tokens.x"]);
        let nearest = Some("token".to_owned());
        assert_eq!(wrongs(layer), [Wrong::UnknownSection { nearest }]);
    }

    #[test]
    fn a_section_and_a_setting_are_told_apart() {
        assert_eq!(wrongs(leftovers(&["token"], &[])), [Wrong::IsSection]);
        assert_eq!(wrongs(leftovers(&[], &["listen"])), [Wrong::IsSetting]);
        assert_eq!(wrongs(leftovers(&[], &["token"])), []);
    }

    #[test]
    fn a_setting_in_the_wrong_section_is_told_where_it_belongs() {
        let meant = "listen".to_owned();
        assert_eq!(
            wrongs(leftovers(&["token.listen"], &["token"])),
            [Wrong::Misplaced { meant }]
        );
        let meant = "token.lifetime".to_owned();
        assert_eq!(
            wrongs(leftovers(&["lifetime"], &[])),
            [Wrong::Misplaced { meant }]
        );
    }

    #[test]
    fn an_unknown_variable_is_answered_with_a_variable() {
        let layer = Environment::from([("HANDFAST_TOKEN_LIFETIME", "20s")]).layer();
        let nearest = Some("HANDFAST_TOKEN__LIFETIME".to_owned());
        assert_eq!(wrongs(layer), [Wrong::UnknownVariable { nearest }]);
    }
}
