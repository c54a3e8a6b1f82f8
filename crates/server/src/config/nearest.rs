//! The name that was probably meant.

use super::unknown::last_part;
use strsim::damerau_levenshtein;

/// The one of `names` that is few enough slips away from `text`, whatever their case.
pub(super) fn of<'a>(text: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let text = text.to_lowercase();
    let slips = (text.chars().count() / 3).clamp(1, 4);
    names
        .map(|name| (damerau_levenshtein(&text, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, name)| name)
}

/// The setting that an unknown `key` probably means.
///
/// A key that is right but stands in the wrong section is the usual slip in TOML, where what
/// follows a `[section]` belongs to it; so a setting with the same last part comes first.
pub(super) fn setting<'a>(
    key: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let last = last_part(key);
    known
        .clone()
        .filter(|name| last_part(name) == last)
        .min_by_key(|name| damerau_levenshtein(key, name))
        .or_else(|| of(key, known.clone()))
        .or_else(|| {
            let part = of(last, known.clone().map(last_part))?;
            known.clone().find(|name| last_part(name) == part)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = [
        "listen",
        "data",
        "admin.listen",
        "token.lifetime",
        "token.refresh_after",
    ];

    fn nearest(key: &str) -> Option<&'static str> {
        setting(key, KNOWN.into_iter())
    }

    #[test]
    fn a_slip_finds_its_setting() {
        assert_eq!(nearest("token.lifetme"), Some("token.lifetime"));
        assert_eq!(nearest("token.refresh-after"), Some("token.refresh_after"));
        assert_eq!(nearest("token_lifetime"), Some("token.lifetime"));
        assert_eq!(nearest("Listen"), Some("listen"));
    }

    #[test]
    fn a_setting_in_the_wrong_section_finds_its_own() {
        assert_eq!(nearest("lifetime"), Some("token.lifetime"));
        assert_eq!(nearest("tls.listen"), Some("listen"));
        assert_eq!(nearest("session.refresh_aftr"), Some("token.refresh_after"));
    }

    #[test]
    fn what_resembles_nothing_finds_nothing() {
        assert_eq!(nearest("colour"), None);
        assert_eq!(nearest("x"), None);
    }
}
