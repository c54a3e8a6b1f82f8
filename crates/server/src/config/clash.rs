//! What can be wrong, or doubtful, with settings that are each right by themselves.

use super::{problem::Remedy, source::Source};
use std::net::SocketAddr;

/// Why settings cannot work together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Clash {
    #[error(
        "a token would expire before it is replaced: `token.lifetime` is {lifetime} \
         ({lifetime_source}), `token.refresh_after` {refresh_after} ({refresh_after_source}), and \
         the next heartbeat may come {interval} later"
    )]
    RefreshedTooLate {
        lifetime: String,
        lifetime_source: Source,
        refresh_after: String,
        refresh_after_source: Source,
        interval: String,
    },
    #[error(
        "a client that refreshes every {refresh_after} exceeds `limits.presentations_per_session`, \
         {rate} ({rate_source})"
    )]
    RefreshedTooOften {
        refresh_after: String,
        rate: String,
        least: String,
        rate_source: Source,
    },
    #[error("{before} is more than a message may have after login, {after} ({after_source})")]
    LargerBeforeLogin {
        before: String,
        after: String,
        after_source: Source,
    },
    #[error("the certificate has no key")]
    CertWithoutKey,
    #[error("the key has no certificate")]
    KeyWithoutCert,
    #[error("Argon2id needs 8 KiB for each lane, and `password.parallelism` is {lanes}")]
    TooLittleMemory { lanes: u32, least_kib: u32 },
    #[error("other machines reach {listen}, and the operator's token would go there in clear")]
    AdminInClear { listen: SocketAddr },
}

impl Remedy for Clash {
    fn remedy(&self) -> String {
        match self {
            Self::RefreshedTooLate { lifetime, .. } => format!(
                "let `token.refresh_after` and `heartbeat.interval` together stay below \
                 {lifetime}, or raise `token.lifetime`"
            ),
            Self::RefreshedTooOften { least, .. } => {
                format!("set `token.refresh_after` to {least} or more, or allow more presentations")
            }
            Self::LargerBeforeLogin { .. } => {
                "lower it, or raise `limits.message_bytes`".to_owned()
            }
            Self::CertWithoutKey => "set `tls.key` to its PEM file too".to_owned(),
            Self::KeyWithoutCert => "set `tls.cert` to its PEM file too".to_owned(),
            Self::TooLittleMemory { least_kib, .. } => {
                format!("set `password.memory_kib` to {least_kib} or more")
            }
            Self::AdminInClear { .. } => "listen at 127.0.0.1, or set `tls.cert` and `tls.key`; \
                where nobody else is on that network, `admin.insecure = true`"
                .to_owned(),
        }
    }
}

/// What works, but is probably not what was meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Doubt {
    #[error("{lifetime} is longer than a session may last, {max_lifetime}")]
    OutlivesSession {
        lifetime: String,
        max_lifetime: String,
    },
    #[error("tokens are replaced on a heartbeat, every {interval}, not every {refresh_after}")]
    RefreshedBetweenBeats {
        refresh_after: String,
        interval: String,
    },
    #[error(
        "only the last 8 generations of a session are remembered: without this limit a retry that \
         arrives late can be taken for reuse"
    )]
    PresentationsUnlimited,
    #[error(
        "tokens that the ledger has no record of are accepted, which is for after a restore only"
    )]
    RollsForward,
    #[error("hashes this cheap protect stolen passwords poorly")]
    WeakHash,
    #[error("browsers keep this cookie only where it comes by TLS, and here is none")]
    CookieWithoutTls,
    #[error("one node at a time holds this ledger, so there is nobody to tell")]
    NobodyToTell,
    #[error("the operator's token, and all that it opens, goes over this network in clear")]
    AdminInClear,
    #[error("what the collector knows this server by goes over the network in clear")]
    HeadersInClear,
    #[error("there is no collector that this would be for")]
    NoCollector,
}

impl Remedy for Doubt {
    fn remedy(&self) -> String {
        match self {
            Self::OutlivesSession { .. } => {
                "no token outlives its session; lower `token.lifetime` or raise \
                 `session.max_lifetime`"
            }
            Self::RefreshedBetweenBeats { .. } => {
                "set `token.refresh_after` to `heartbeat.interval` or more"
            }
            Self::RollsForward => "set it back when every client has come back once",
            Self::PresentationsUnlimited => "set a rate, for example \"6/10s\"",
            Self::WeakHash => {
                "use `memory_kib = 19456` and `iterations = 2` or more, except in tests"
            }
            Self::CookieWithoutTls => {
                "set `tls.cert` and `tls.key`, or `trusted_proxies` where a proxy speaks TLS"
            }
            Self::NobodyToTell => "leave `fanout.url` out, or let nodes share a ledger",
            Self::HeadersInClear => "write `otlp.endpoint` with https://",
            Self::NoCollector => "set `otlp.endpoint`, for example \"http://127.0.0.1:4318\"",
            Self::AdminInClear => {
                "set `tls.cert` and `tls.key`, or be sure that nobody else is on that network"
            }
        }
        .to_owned()
    }
}
