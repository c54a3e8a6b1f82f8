//! The configuration in force, as a file that would bring it about again.

use super::{
    reader::Effective,
    unknown::{last_part, section_of},
};

/// A line of the shown configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// Between sections.
    Blank,
    /// `[section]`
    Section(String),
    /// `key = value`, and where the value came from.
    Setting(String, String),
}

/// Writes settings as TOML, section by section.
pub(crate) fn lines(effective: &[Effective]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut current = None;
    for setting in effective {
        let section = section_of(setting.key);
        if section != current {
            current = section;
            lines.push(Line::Blank);
            lines.push(Line::Section(format!("[{}]", section.unwrap_or_default())));
        }
        let name = last_part(setting.key);
        lines.push(Line::Setting(
            format!("{name} = {}", setting.value),
            one_line(&setting.source.to_string()),
        ));
    }
    lines
}

/// A file name may hold a line break, which would end the comment that it stands in.
fn one_line(text: &str) -> String {
    text.replace(|letter: char| letter.is_control(), "\u{fffd}")
}
