//! User names in the one form by which accounts are told apart.

use handfast_core::limits::USERNAME_CHARS;
use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation as _};
use std::fmt;

/// The longest name that is looked at as typed, in bytes. No name that maps to an acceptable one is longer.
const TYPED_BYTES_MAX: usize = 2048;
/// How often the profile is applied to reach a form that it leaves alone (RFC 8264 section 7).
const ROUNDS: usize = 4;

/// A user name in canonical form: what the profile `UsernameCaseMapped` makes of what was typed (RFC 8265
/// section 3.3), and so what a subject is called.
///
/// Names that differ only in case, in width or in how their accents are composed are one name. Letters of different
/// scripts that merely look alike are not: no mapping can tell them from honest ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Username(Box<str>);

/// A text that is no user name: empty, longer than [`USERNAME_CHARS`], or with a character that none has (RFC 8264
/// section 4.2), such as a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUsername;

impl Username {
    /// Brings what was typed into canonical form. What this returned, it returns unchanged.
    ///
    /// # Errors
    /// [`InvalidUsername`] for a text that is no user name.
    pub fn parse(typed: &str) -> Result<Self, InvalidUsername> {
        if typed.len() > TYPED_BYTES_MAX {
            return Err(InvalidUsername);
        }
        let mut name = enforce(typed)?;
        for _ in 1..ROUNDS {
            let again = enforce(&name)?;
            if again == name {
                let short = name.chars().count() <= USERNAME_CHARS;
                return if short {
                    Ok(Self(name.into()))
                } else {
                    Err(InvalidUsername)
                };
            }
            name = again;
        }
        Err(InvalidUsername)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Username> for Box<str> {
    fn from(name: Username) -> Self {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for InvalidUsername {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a user name has 1 to {USERNAME_CHARS} letters, digits and signs, and no spaces"
        )
    }
}

impl std::error::Error for InvalidUsername {}

fn enforce(text: &str) -> Result<String, InvalidUsername> {
    UsernameCaseMapped::enforce(text)
        .map(String::from)
        .map_err(|_| InvalidUsername)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(typed: &str) -> Option<String> {
        Username::parse(typed)
            .ok()
            .map(|name| name.as_str().to_owned())
    }

    #[track_caller]
    fn one_account(spellings: &[&str], name: &str) {
        for typed in spellings {
            assert_eq!(canonical(typed).as_deref(), Some(name), "{typed:?}");
        }
    }

    #[track_caller]
    fn refused(names: &[&str]) {
        for typed in names {
            assert_eq!(canonical(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_are_one_account() {
        one_account(&["anna", "Anna", "ANNA", "aNnA"], "anna");
        one_account(&["ÅSA", "åsa"], "åsa");
    }

    #[test]
    fn names_that_differ_in_width_are_one_account() {
        one_account(&["ａｎｎａ", "Ａnnａ", "ANNA"], "anna");
        one_account(&["ｶﾅ", "カナ"], "カナ");
    }

    #[test]
    fn names_that_differ_in_how_accents_are_composed_are_one_account() {
        one_account(&["ren\u{e9}e", "rene\u{301}e", "RENE\u{301}E"], "renée");
        one_account(&["\u{c5}sa", "A\u{30a}sa"], "\u{e5}sa");
    }

    #[test]
    fn letters_of_another_script_are_another_account() {
        let (latin, cyrillic) = (canonical("anna"), canonical("\u{430}nna"));
        assert!(latin.is_some() && cyrillic.is_some() && latin != cyrillic);
    }

    #[test]
    fn signs_and_digits_that_names_have_are_kept() {
        one_account(
            &["anna.b_c-d+e@example.org", "Anna.B_C-D+E@Example.ORG"],
            "anna.b_c-d+e@example.org",
        );
        one_account(&["user:42!"], "user:42!");
    }

    #[test]
    fn what_came_out_once_comes_out_again() {
        for typed in [
            "ΑΣ",
            "İstanbul",
            "ﾊﾟ",
            "ǅ",
            "가각",
            "ẞtraße",
            "\u{1e9b}\u{323}",
        ] {
            let once = canonical(typed);
            if let Some(name) = &once {
                assert_eq!(canonical(name), once, "{typed:?}");
            }
        }
    }

    #[test]
    fn the_empty_name_and_spaces_are_refused() {
        refused(&["", " ", "anna b", " anna", "anna ", "anna\u{a0}b"]);
        refused(&["anna\u{3000}b", "anna\u{2003}b", "anna\u{200b}b"]);
    }

    #[test]
    fn control_and_invisible_characters_are_refused() {
        refused(&["anna\0", "an\nna", "anna\r", "anna\t", "anna\u{7f}"]);
        refused(&["anna\u{85}", "anna\u{ad}", "anna\u{200d}", "anna\u{feff}"]);
        refused(&["\u{202e}anna", "anna\u{2066}", "anna\u{e0001}"]);
    }

    #[test]
    fn characters_that_stand_for_others_are_refused() {
        refused(&[
            "\u{212b}sa",
            "ⅳ",
            "ﬁn",
            "①",
            "𝐚nna",
            "anna™",
            "anna😀",
            "\u{fffd}",
        ]);
    }

    #[test]
    fn names_that_mix_directions_against_the_bidi_rule_are_refused() {
        one_account(&["\u{5d0}\u{5d1}"], "\u{5d0}\u{5d1}");
        refused(&["\u{5d0}a", "a\u{5d0}", "1\u{5d0}"]);
    }

    #[test]
    fn a_name_has_at_most_64_characters_after_mapping() {
        assert!(canonical(&"a".repeat(64)).is_some());
        refused(&[&"a".repeat(65), &"a".repeat(1_000_000)]);
        assert!(canonical(&"e\u{301}".repeat(64)).is_some());
        refused(&[&"e\u{301}".repeat(65)]);
        // One character that becomes two.
        refused(&[&"İ".repeat(33)]);
    }
}
