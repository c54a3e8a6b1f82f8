//! Settings that are one name out of a few.

use super::{Form, Raw, Setting};
use crate::config::{nearest, problem::Wrong};
use handfast::{TokenDelivery, keys::Algorithm};

/// An enumeration whose values have names in the configuration.
pub(crate) trait Choice: Copy + PartialEq + 'static {
    /// Every value with its name.
    const NAMES: &'static [(&'static str, Self)];
}

impl<T: Choice> Setting for T {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Choice)?;
        T::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| *value)
            .ok_or_else(|| refuse::<T>(text))
    }

    fn show(&self) -> toml::Value {
        let named = T::NAMES.iter().find(|(_, value)| value == self);
        toml::Value::String(named.map_or("", |(name, _)| name).to_owned())
    }
}

/// What is wrong with a name that is not among those of `T`.
fn refuse<T: Choice>(text: &str) -> Wrong {
    let names = T::NAMES.iter().map(|(name, _)| *name);
    Wrong::UnknownChoice {
        text: text.to_owned(),
        nearest: nearest::of(text, names.clone()).map(str::to_owned),
        choices: names.collect(),
    }
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registration {
    /// The first login with an unknown name makes the account.
    Open,
    /// An account is made by `Register` only.
    Explicit,
    /// Only the operator makes accounts.
    Closed,
}

impl Choice for Registration {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("open", Self::Open),
        ("explicit", Self::Explicit),
        ("closed", Self::Closed),
    ];
}

/// What becomes of logins while the record of what happens cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnAuditFailure {
    /// They go on, and what cannot wait is lost.
    Continue,
    /// Nobody is let in.
    Refuse,
}

impl Choice for OnAuditFailure {
    const NAMES: &'static [(&'static str, Self)] =
        &[("continue", Self::Continue), ("refuse", Self::Refuse)];
}

impl Choice for TokenDelivery {
    const NAMES: &'static [(&'static str, Self)] =
        &[("message", Self::Message), ("cookie", Self::Cookie)];
}

impl Choice for Algorithm {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("HS256", Self::Hs256),
        ("EdDSA", Self::EdDsa),
        ("ES256", Self::Es256),
    ];
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people, coloured on a terminal.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

impl Choice for LogFormat {
    const NAMES: &'static [(&'static str, Self)] = &[("text", Self::Text), ("json", Self::Json)];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn a_name_is_read_and_shown_again() {
        assert_eq!(Algorithm::read(&text("EdDSA")), Ok(Algorithm::EdDsa));
        assert_eq!(Algorithm::EdDsa.show(), toml::Value::String("EdDSA".into()));
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        let Err(Wrong::UnknownChoice { nearest, .. }) = Registration::read(&text("close")) else {
            panic!("it was taken");
        };
        assert_eq!(nearest.as_deref(), Some("closed"));
    }

    #[test]
    fn a_token_is_delivered_in_one_of_two_ways() {
        assert_eq!(
            TokenDelivery::read(&text("cookie")),
            Ok(TokenDelivery::Cookie)
        );
        assert!(matches!(
            TokenDelivery::read(&text("pigeon")),
            Err(Wrong::UnknownChoice { .. })
        ));
    }
}
