//! The configuration of a server that runs: which settings it takes anew, and which only a start can change.

use super::{Config, Effective, Loaded, Problems, load_over};
use crate::config::sections::{Heartbeat, Ledger, Log, Otlp, Token};

/// Sections of which every setting is taken anew.
const SECTIONS: [&str; 3] = ["limits.", "drain.", "tls."];
/// Other settings that are.
const SETTINGS: [&str; 11] = [
    "allowed_origins",
    "trusted_proxies",
    "unauthenticated_timeout",
    "ledger.roll_forward",
    "token.lifetime",
    "token.refresh_after",
    "token.algorithm",
    "session.max_lifetime",
    "heartbeat.timeout",
    "otlp.sample_ratio",
    "log.level",
];

/// A configuration that was loaded again.
#[derive(Debug)]
pub(crate) struct Reloaded {
    /// What is to be in force.
    pub(crate) loaded: Loaded,
    /// The settings that are other ones now.
    pub(crate) changed: Vec<&'static str>,
    /// The settings that should be other ones and stay, for only a start can change them.
    pub(crate) kept: Vec<Kept>,
}

/// A setting that stays what it was.
#[derive(Debug, PartialEq)]
pub(crate) struct Kept {
    /// As it should be from the next start on.
    pub(crate) wanted: Effective,
    /// The value that stays in force.
    pub(crate) running: toml::Value,
}

/// Whether a server that runs takes this setting anew.
fn is_reloadable(key: &str) -> bool {
    SETTINGS.contains(&key) || SECTIONS.iter().any(|section| key.starts_with(section))
}

/// Loads the configuration again, from the same flags and variables and from the file as it is now.
///
/// # Errors
/// Everything that is wrong with it, or with it beside what stays. What is in force is then best left as it is.
pub(crate) fn reload(running: &Loaded) -> Result<Reloaded, Problems> {
    let mut loaded = load_over(Some(running), running.given.clone())?;
    let (mut changed, mut kept) = (Vec::new(), Vec::new());
    for setting in &mut loaded.effective {
        let before = running.effective.iter().find(|it| it.key == setting.key);
        let Some(before) = before.filter(|before| before.value != setting.value) else {
            continue;
        };
        if is_reloadable(setting.key) {
            changed.push(setting.key);
        } else {
            let running = before.value.clone();
            let wanted = std::mem::replace(setting, before.clone());
            kept.push(Kept { wanted, running });
        }
    }
    Ok(Reloaded {
        loaded,
        changed,
        kept,
    })
}

/// The settings of `read` that can be taken anew, beside those of `running` that cannot.
pub(super) fn over(running: &Config, read: Config) -> Config {
    let running = running.clone();
    Config {
        allowed_origins: read.allowed_origins,
        trusted_proxies: read.trusted_proxies,
        unauthenticated_timeout: read.unauthenticated_timeout,
        ledger: Ledger {
            roll_forward: read.ledger.roll_forward,
            ..running.ledger
        },
        token: Token {
            lifetime: read.token.lifetime,
            refresh_after: read.token.refresh_after,
            algorithm: read.token.algorithm,
            ..running.token
        },
        session: read.session,
        heartbeat: Heartbeat {
            timeout: read.heartbeat.timeout,
            ..running.heartbeat
        },
        limits: read.limits,
        drain: read.drain,
        tls: read.tls,
        otlp: Otlp {
            sample_ratio: read.otlp.sample_ratio,
            ..running.otlp
        },
        log: Log {
            level: read.log.level,
            ..running.log
        },
        ..running
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Flags, load};

    fn loaded<const N: usize>(variables: [(&str, &str); N]) -> Loaded {
        load(Flags::default(), Environment::from(variables)).expect("it can work")
    }

    fn reloaded<const N: usize>(
        running: &Loaded,
        variables: [(&str, &str); N],
    ) -> Result<Reloaded, Problems> {
        let given = (Flags::default(), Environment::from(variables));
        reload(&Loaded {
            config: running.config.clone(),
            effective: running.effective.clone(),
            warnings: Vec::new(),
            file: None,
            given,
        })
    }

    #[test]
    fn every_reloadable_setting_is_a_setting() {
        let settings = loaded([]).effective;
        for name in SETTINGS {
            assert!(settings.iter().any(|it| it.key == name), "{name}");
        }
        for section in SECTIONS {
            assert!(
                settings.iter().any(|it| it.key.starts_with(section)),
                "{section}"
            );
        }
    }

    #[test]
    fn the_guide_names_every_reloadable_setting() {
        let guide = include_str!("../../../../docs/guide/configuration.md");
        let (_, reloading) = guide
            .split_once("\n## Reloading\n")
            .expect("it has that part");
        let (reloading, _) = reloading.split_once("\n## ").expect("others follow");
        for name in SETTINGS {
            assert!(reloading.contains(&format!("`{name}`")), "{name}");
        }
        for section in SECTIONS {
            let heading = format!("`[{}]`", section.trim_end_matches('.'));
            let is_named = reloading.contains(&heading) || reloading.contains(section);
            assert!(is_named, "{section}");
        }
    }

    #[test]
    fn what_can_be_taken_anew_is_and_is_named() {
        let next = reloaded(
            &loaded([]),
            [
                ("HANDFAST_LIMITS__MESSAGE_BYTES", "128KiB"),
                ("HANDFAST_TOKEN__LIFETIME", "1d"),
                ("HANDFAST_LOG__LEVEL", "debug"),
            ],
        )
        .expect("it can work");
        let changed = ["token.lifetime", "limits.message_bytes", "log.level"];
        assert_eq!(next.changed, changed);
        assert_eq!(next.kept, []);
        assert_eq!(next.loaded.config.limits.message_bytes, 128 * 1024);
    }

    #[test]
    fn what_only_a_start_can_change_stays_and_is_named_each_time() {
        let running = loaded([]);
        let wanted = [
            ("HANDFAST_LISTEN", "127.0.0.1:1"),
            ("HANDFAST_DATA", "elsewhere"),
            ("HANDFAST_DELIVERY", "cookie"),
            ("HANDFAST_DEMO_PAGE", "false"),
            ("HANDFAST_REGISTRATION", "closed"),
            ("HANDFAST_TOKEN__ISSUER", "another"),
            ("HANDFAST_TOKEN__AUDIENCE", "another"),
            ("HANDFAST_HEARTBEAT__INTERVAL", "30s"),
            ("HANDFAST_PASSWORD__MIN_LENGTH", "12"),
            ("HANDFAST_ADMIN__LISTEN", "127.0.0.1:2"),
            ("HANDFAST_AUDIT__PATH", "audit.jsonl"),
            ("HANDFAST_LOG__FORMAT", "json"),
        ];
        let first = reloaded(&running, wanted).expect("it can work");
        assert_eq!(first.changed, [""; 0]);
        assert_eq!(first.kept.len(), wanted.len(), "{:?}", first.kept);
        let config = |loaded: &Loaded| format!("{:?}", loaded.config);
        assert_eq!(config(&first.loaded), config(&running));
        let again = reloaded(&first.loaded, wanted).expect("it can work");
        assert_eq!(again.kept, first.kept);
    }

    #[test]
    fn what_does_not_go_with_what_stays_is_refused() {
        let running = loaded([
            ("HANDFAST_HEARTBEAT__INTERVAL", "1h"),
            ("HANDFAST_TOKEN__REFRESH_AFTER", "1h"),
        ]);
        // With the new interval it would go; but connections that are open beat once in an hour.
        let refused = reloaded(
            &running,
            [
                ("HANDFAST_HEARTBEAT__INTERVAL", "25s"),
                ("HANDFAST_TOKEN__LIFETIME", "30m"),
            ],
        );
        let Problems(problems) = refused.expect_err("tokens would expire between two beats");
        assert!(problems[0].to_string().contains("expire"), "{problems:?}");
    }
}
