//! Where the ledger and the fan-out are.
//!
//! These URLs carry passwords, so no message ever repeats one; it names the scheme at most.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;

/// Where the ledger is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LedgerUrl {
    /// SQLite in the data folder.
    Sqlite,
}

impl Setting for LedgerUrl {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Url)?;
        match scheme(text) {
            "sqlite" if text == "sqlite" => Ok(Self::Sqlite),
            "postgres" | "postgresql" => Err(Wrong::NotInThisBuild {
                what: "PostgreSQL as the ledger",
                supported: "\"sqlite\"",
            }),
            "redis" | "rediss" | "valkey" | "valkeys" => Err(Wrong::UnfitLedger),
            _ => Err(Wrong::UnknownUrl {
                supported: "\"sqlite\"",
            }),
        }
    }

    fn show(&self) -> toml::Value {
        let Self::Sqlite = self;
        toml::Value::String("sqlite".to_owned())
    }
}

/// By what way nodes tell each other at once what changed in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FanoutUrl {
    /// The ledger's own way, written as `""`.
    OfLedger,
}

impl Setting for FanoutUrl {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let supported = "\"\", the ledger's own";
        match scheme(raw.text(Form::Url)?) {
            "" => Ok(Self::OfLedger),
            "redis" | "rediss" | "valkey" | "valkeys" => Err(Wrong::NotInThisBuild {
                what: "fan-out by Redis or Valkey",
                supported,
            }),
            "nats" | "tls" => Err(Wrong::NotInThisBuild {
                what: "fan-out by NATS",
                supported,
            }),
            _ => Err(Wrong::UnknownUrl { supported }),
        }
    }

    fn show(&self) -> toml::Value {
        let Self::OfLedger = self;
        toml::Value::String(String::new())
    }
}

fn scheme(text: &str) -> &str {
    text.split_once(':').map_or(text, |(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::Remedy as _;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    #[test]
    fn no_complaint_about_a_url_repeats_its_password() {
        for url in [
            "postgres://handfast:hunter2@db/handfast",
            "redis://:hunter2@cache",
            "mysql://root:hunter2@db",
            "hunter2@db",
        ] {
            for wrong in [
                LedgerUrl::read(&text(url)).expect_err("not in this build"),
                FanoutUrl::read(&text(url)).expect_err("not in this build"),
            ] {
                let said = format!("{wrong} {:?} {wrong:?}", wrong.remedy());
                assert!(!said.contains("hunter2"), "{said}");
            }
        }
    }

    #[test]
    fn redis_is_refused_as_a_ledger_for_good_and_as_fan_out_for_now() {
        let url = text("redis://cache");
        assert_eq!(LedgerUrl::read(&url), Err(Wrong::UnfitLedger));
        assert!(matches!(
            FanoutUrl::read(&url),
            Err(Wrong::NotInThisBuild { .. })
        ));
    }

    #[test]
    fn a_sqlite_path_is_not_mistaken_for_the_embedded_ledger() {
        assert_eq!(LedgerUrl::read(&text("sqlite")), Ok(LedgerUrl::Sqlite));
        assert!(LedgerUrl::read(&text("sqlite:///var/x.db")).is_err());
    }
}
