//! Looks at settings together, once each of them is right by itself.

use super::{
    Config,
    clash::{Clash, Doubt},
    problem::{Problem, Warning},
    reader::Reader,
    source::Source,
    value::{FanoutUrl, LedgerUrl, Size, show_duration, show_rate},
};
use handfast::TokenDelivery;
use std::time::Duration;

/// The least memory that OWASP's password storage advice names for Argon2id.
const LEAST_ADVISED_KIB: u32 = 7_168;

/// What is wrong and what is doubtful about a configuration as a whole.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
}

/// Checks a configuration; a setting that is already known to be broken is not held against others.
pub(super) fn check(config: &Config, reader: &Reader) -> Verdict {
    let mut checks = Checks {
        config,
        reader,
        verdict: Verdict::default(),
    };
    checks.refresh_in_time();
    checks.refresh_not_too_often();
    checks.token_within_session();
    checks.messages();
    checks.passwords();
    checks.presentations();
    checks.cookie();
    checks.ledger();
    checks.fanout();
    checks.admin();
    checks.traces();
    checks.verdict
}

struct Checks<'a> {
    config: &'a Config,
    reader: &'a Reader,
    verdict: Verdict,
}

impl Checks<'_> {
    /// On the live connection the beat must find the token old, and replace it, before it expires.
    fn refresh_in_time(&mut self) {
        let (token, interval) = (&self.config.token, self.config.heartbeat.interval);
        // The end of the session ends the token too, and is no fault of the refresh.
        let lifetime = token.lifetime.min(self.config.session.max_lifetime);
        if lifetime == token.lifetime && token.refresh_after + interval >= lifetime {
            self.clash(
                &[
                    "token.refresh_after",
                    "token.lifetime",
                    "heartbeat.interval",
                ],
                Clash::RefreshedTooLate {
                    lifetime: show_duration(lifetime),
                    lifetime_source: self.reader.source("token.lifetime"),
                    refresh_after: show_duration(token.refresh_after),
                    refresh_after_source: self.reader.source("token.refresh_after"),
                    interval: show_duration(interval),
                },
            );
        }
        if token.refresh_after < interval {
            self.doubt(
                &["token.refresh_after", "heartbeat.interval"],
                Doubt::RefreshedBetweenBeats {
                    refresh_after: show_duration(token.refresh_after),
                    interval: show_duration(interval),
                },
            );
        }
    }

    /// A client in charge of its own refresh presents once in `refresh_after`.
    fn refresh_not_too_often(&mut self) {
        let Some(rate) = self.config.limits.presentations_per_session else {
            return;
        };
        let refresh_after = self.config.token.refresh_after;
        let gap = rate.window / rate.count.max(1);
        if refresh_after < gap {
            self.clash(
                &["token.refresh_after", "limits.presentations_per_session"],
                Clash::RefreshedTooOften {
                    refresh_after: show_duration(refresh_after),
                    rate: show_rate(rate),
                    // Durations are written without fractions, so up to the next whole one.
                    least: show_duration(Duration::from_secs(gap.as_secs() + 1)),
                    rate_source: self.reader.source("limits.presentations_per_session"),
                },
            );
        }
    }

    fn token_within_session(&mut self) {
        let (lifetime, max_lifetime) =
            (self.config.token.lifetime, self.config.session.max_lifetime);
        if lifetime > max_lifetime {
            self.doubt(
                &["token.lifetime", "session.max_lifetime"],
                Doubt::OutlivesSession {
                    lifetime: show_duration(lifetime),
                    max_lifetime: show_duration(max_lifetime),
                },
            );
        }
    }

    fn messages(&mut self) {
        let limits = &self.config.limits;
        if limits.message_before_login_bytes > limits.message_bytes {
            self.clash(
                &["limits.message_before_login_bytes", "limits.message_bytes"],
                Clash::LargerBeforeLogin {
                    before: Size::of_bytes(limits.message_before_login_bytes).to_string(),
                    after: Size::of_bytes(limits.message_bytes).to_string(),
                    after_source: self.reader.source("limits.message_bytes"),
                },
            );
        }
    }

    fn passwords(&mut self) {
        let password = &self.config.password;
        // RFC 9106 §3.1: memory is at least 8 KiB for each lane.
        let least_kib = password.parallelism.saturating_mul(8);
        if password.memory_kib < least_kib {
            self.clash(
                &["password.memory_kib", "password.parallelism"],
                Clash::TooLittleMemory {
                    lanes: password.parallelism,
                    least_kib,
                },
            );
        }
        if password.memory_kib < LEAST_ADVISED_KIB {
            self.doubt(&["password.memory_kib"], Doubt::WeakHash);
        }
    }

    fn presentations(&mut self) {
        if self.config.limits.presentations_per_session.is_none() {
            self.doubt(
                &["limits.presentations_per_session"],
                Doubt::PresentationsUnlimited,
            );
        }
    }

    /// On the machine itself browsers take plain HTTP for safe, so a trial needs no certificate.
    fn cookie(&mut self) {
        let config = self.config;
        let is_plain = config.tls.is_none() && config.trusted_proxies.is_empty();
        if config.delivery == TokenDelivery::Cookie && is_plain && !config.listen.ip().is_loopback()
        {
            self.doubt(
                &["delivery", "tls.cert", "trusted_proxies"],
                Doubt::CookieWithoutTls,
            );
        }
    }

    fn ledger(&mut self) {
        if self.config.ledger.roll_forward {
            self.doubt(&["ledger.roll_forward"], Doubt::RollsForward);
        }
    }

    fn fanout(&mut self) {
        let is_alone = self.config.ledger.url == LedgerUrl::Sqlite;
        if is_alone && !matches!(self.config.fanout.url, FanoutUrl::OfLedger) {
            self.doubt(&["fanout.url", "ledger.url"], Doubt::NobodyToTell);
        }
    }

    /// The bearer token, and all that it opens, must not be there for whoever listens on the way.
    fn admin(&mut self) {
        let admin = &self.config.admin;
        if admin.listen.ip().is_loopback() || self.config.tls.is_some() {
            return;
        }
        let keys = ["admin.listen", "admin.insecure", "tls.cert"];
        if admin.insecure {
            self.doubt(&keys, Doubt::AdminInClear);
        } else {
            let listen = admin.listen;
            self.clash(&keys, Clash::AdminInClear { listen });
        }
    }

    /// Who hears what the collector knows this server by could send traces as this server.
    fn traces(&mut self) {
        let otlp = &self.config.otlp;
        let is_safe = otlp
            .endpoint
            .as_ref()
            .is_none_or(|it| it.tls || it.is_local());
        if !otlp.headers.is_empty() && !is_safe {
            self.doubt(&["otlp.endpoint", "otlp.headers"], Doubt::HeadersInClear);
        }
        let keys = ["otlp.sample_ratio", "otlp.headers", "otlp.service_name"];
        let is_set = |key: &&str| self.reader.source(key) != Source::Default;
        if otlp.endpoint.is_none() && keys.iter().any(is_set) {
            self.doubt(&keys, Doubt::NoCollector);
        }
    }

    /// Notes a problem between `keys`, at the first of them that somebody set.
    fn clash(&mut self, keys: &[&'static str], clash: Clash) {
        if let Some((source, key)) = self.place(keys) {
            self.verdict.problems.push(Problem {
                source,
                key,
                what: clash.into(),
            });
        }
    }

    fn doubt(&mut self, keys: &[&'static str], what: Doubt) {
        if let Some((source, key)) = self.place(keys) {
            self.verdict.warnings.push(Warning { source, key, what });
        }
    }

    /// Where to complain about `keys`; nowhere if one of them is broken already.
    fn place(&self, keys: &[&'static str]) -> Option<(Source, String)> {
        if keys.iter().any(|key| self.reader.broken.contains(key)) {
            return None;
        }
        let places = keys
            .iter()
            .map(|key| (self.reader.source(key), (*key).to_owned()));
        places
            .clone()
            .find(|(source, _)| *source != Source::Default)
            .or_else(|| places.clone().next())
    }
}
