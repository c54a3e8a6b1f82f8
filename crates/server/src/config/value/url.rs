//! Where the ledger and the fan-out are.
//!
//! These URLs carry passwords, so no message ever repeats one; it names the scheme at most.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use handfast::PostgresUrl;
use handfast::fanout::Channel;
#[cfg(any(feature = "redis", feature = "nats"))]
use handfast::fanout::InvalidUrl;
#[cfg(feature = "nats")]
use handfast::fanout::NatsUrl;
#[cfg(feature = "redis")]
use handfast::fanout::RedisUrl;

/// Where the ledger is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LedgerUrl {
    /// SQLite in the data folder.
    Sqlite,
    /// A PostgreSQL database.
    Postgres(Box<PostgresUrl>),
}

/// What a ledger can be, for whoever wrote something else.
const LEDGERS: &str = "\"sqlite\" and \"postgres://user:password@host/database\"";

impl Setting for LedgerUrl {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Url)?;
        match scheme(text) {
            "sqlite" if text == "sqlite" => Ok(Self::Sqlite),
            "postgres" | "postgresql" => match text.parse::<PostgresUrl>() {
                Ok(url) => Ok(Self::Postgres(Box::new(url))),
                Err(invalid) => Err(Wrong::PostgresUrl(invalid)),
            },
            "redis" | "rediss" | "valkey" | "valkeys" => Err(Wrong::UnfitLedger),
            _ => Err(Wrong::UnknownUrl { supported: LEDGERS }),
        }
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(match self {
            Self::Sqlite => "sqlite".to_owned(),
            Self::Postgres(url) => url.to_string(),
        })
    }
}

/// By what way nodes tell each other at once what changed in the ledger.
#[derive(Debug, Clone)]
pub(crate) enum FanoutUrl {
    /// The ledger's own way, written as `""`.
    OfLedger,
    /// A Redis or Valkey server.
    #[cfg(feature = "redis")]
    Redis(RedisUrl),
    /// NATS servers.
    #[cfg(feature = "nats")]
    Nats(NatsUrl),
}

/// The ways that this build has.
const FANOUT_SUPPORTED: &str = match (cfg!(feature = "redis"), cfg!(feature = "nats")) {
    (true, true) => "\"redis://host:6379\", \"nats://host:4222\", and \"\", the ledger's own",
    (true, false) => "\"redis://host:6379\" and \"\", the ledger's own",
    (false, true) => "\"nats://host:4222\" and \"\", the ledger's own",
    (false, false) => "\"\", the ledger's own",
};

impl Setting for FanoutUrl {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Url)?;
        match scheme(text) {
            "" if text.is_empty() => Ok(Self::OfLedger),
            "redis" | "rediss" | "valkey" | "valkeys" => redis(text),
            "nats" | "tls" => nats(text),
            _ => Err(Wrong::UnknownUrl {
                supported: FANOUT_SUPPORTED,
            }),
        }
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(match self {
            Self::OfLedger => String::new(),
            #[cfg(feature = "redis")]
            Self::Redis(url) => url.to_string(),
            #[cfg(feature = "nats")]
            Self::Nats(url) => url.to_string(),
        })
    }
}

#[cfg(feature = "redis")]
fn redis(text: &str) -> Result<FanoutUrl, Wrong> {
    text.parse().map(FanoutUrl::Redis).map_err(invalid)
}

#[cfg(not(feature = "redis"))]
fn redis(_: &str) -> Result<FanoutUrl, Wrong> {
    Err(Wrong::NotInThisBuild {
        what: "fan-out by Redis or Valkey",
        supported: FANOUT_SUPPORTED,
    })
}

#[cfg(feature = "nats")]
fn nats(text: &str) -> Result<FanoutUrl, Wrong> {
    text.parse().map(FanoutUrl::Nats).map_err(invalid)
}

#[cfg(not(feature = "nats"))]
fn nats(_: &str) -> Result<FanoutUrl, Wrong> {
    Err(Wrong::NotInThisBuild {
        what: "fan-out by NATS",
        supported: FANOUT_SUPPORTED,
    })
}

#[cfg(any(feature = "redis", feature = "nats"))]
fn invalid(invalid: InvalidUrl) -> Wrong {
    Wrong::MalformedUrl {
        form: invalid.form(),
    }
}

impl Setting for Channel {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::Channel)?;
        Self::parse(text).map_err(|_| Wrong::Malformed {
            text: text.to_owned(),
            form: Form::Channel,
        })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.to_string())
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
            "postgres://handfast:hunter2@db:port/handfast",
            "redis://:hunter2@",
            "nats://:hunter2@",
            "mysql://root:hunter2@db",
            "hunter2@db",
        ] {
            for wrong in [
                LedgerUrl::read(&text(url)).expect_err("not in this build"),
                FanoutUrl::read(&text(url)).expect_err("no such fan-out"),
            ] {
                let said = format!("{wrong} {:?} {wrong:?}", wrong.remedy());
                assert!(!said.contains("hunter2"), "{said}");
            }
        }
    }

    #[test]
    fn redis_is_refused_as_a_ledger_for_good() {
        let url = text("redis://cache");
        assert_eq!(LedgerUrl::read(&url), Err(Wrong::UnfitLedger));
    }

    #[test]
    fn a_fan_out_is_shown_without_its_password() {
        for (url, shown) in [
            ("", ""),
            ("redis://:hunter2@cache", "redis://cache:6379"),
            ("rediss://ada:hunter2@cache:1/0", "rediss://cache:1"),
            ("valkey://cache", "redis://cache:6379"),
            ("nats://ada:hunter2@bus", "nats://bus"),
            ("tls://hunter2@bus:1", "tls://bus:1"),
        ] {
            let read = FanoutUrl::read(&text(url)).expect("a fan-out");
            assert_eq!(read.show().as_str(), Some(shown));
            assert!(!format!("{read:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_fan_out_of_another_kind_is_told_which_ones_there_are() {
        for url in ["kafka://bus", "http://bus", "bus:4222", ":"] {
            let wrong = FanoutUrl::read(&text(url)).expect_err("no such fan-out");
            let remedy = wrong.remedy();
            assert!(remedy.contains("redis://") && remedy.contains("nats://"));
        }
    }

    #[test]
    fn a_channel_has_a_name_that_every_server_takes() {
        let read = |name: &str| Channel::read(&text(name));
        assert_eq!(read("eu-1").map(|it| it.to_string()), Ok("eu-1".to_owned()));
        assert!(read("a b").is_err() && read("").is_err());
    }

    #[test]
    fn a_postgresql_database_is_a_ledger_and_shows_no_password() {
        let url = LedgerUrl::read(&text("postgres://handfast:hunter2@db/handfast"));
        let shown = url.expect("it is a ledger").show();
        assert_eq!(
            shown.as_str(),
            Some("postgres://handfast:…@db:5432/handfast")
        );
    }

    #[test]
    fn a_sqlite_path_is_not_mistaken_for_the_embedded_ledger() {
        assert_eq!(LedgerUrl::read(&text("sqlite")), Ok(LedgerUrl::Sqlite));
        assert!(LedgerUrl::read(&text("sqlite:///var/x.db")).is_err());
    }
}
