//! The configuration as the library takes it.

use crate::{
    audit::AuditStream,
    config::{Config, FanoutUrl, LedgerUrl, Registration},
};
#[cfg(feature = "nats")]
use handfast::fanout::Nats;
#[cfg(feature = "redis")]
use handfast::fanout::Redis;
use handfast::{
    AddressLimits, AllowedOrigins, Builder, ConnectionLimits, Handfast, LoginLimits, Rates,
    Settings, StartError, TokenPolicy, TransportLimits,
    credentials::{self, PasswordSettings},
    fanout::{self, Fanout},
    password::{HashCost, PoolSize},
};
use handfast_ledger::OpenError;
use std::sync::Arc;

/// A node on its databases, which are opened.
pub(crate) fn open(config: &Config) -> Result<Builder, StartError> {
    match &config.ledger.url {
        LedgerUrl::Sqlite => Handfast::open(&config.data),
        LedgerUrl::Postgres(url) => Handfast::open_postgres(&config.data, url),
    }
}

/// Tells a node all else that the configuration says, and has what happens recorded by `audit`.
pub(crate) fn set_up(
    builder: Builder,
    config: &Config,
    audit: Option<&AuditStream>,
) -> Result<Builder, StartError> {
    let token = &config.token;
    let builder = builder
        .settings(settings(config))
        .passwords(passwords(config))
        .tokens(&token.issuer, &token.audience, token.algorithm);
    let builder = match audit {
        Some(audit) => builder.auditor(Arc::new(audit.clone())),
        None => builder,
    };
    Ok(match fanout(config)? {
        Some(fanout) => builder.fanout(fanout),
        None => builder,
    })
}

/// How other nodes are told, where there can be others.
///
/// # Errors
/// [`StartError`] where the URL asks for TLS that cannot be set up.
pub(crate) fn fanout(config: &Config) -> Result<Option<Fanout>, StartError> {
    let channel = &config.fanout.channel;
    Ok(match &config.fanout.url {
        FanoutUrl::OfLedger => match &config.ledger.url {
            // The embedded ledger has one node.
            LedgerUrl::Sqlite => None,
            LedgerUrl::Postgres(url) => {
                let medium = fanout::Postgres::new(url, channel.clone());
                Some(Fanout::over(medium.map_err(OpenError::from)?))
            }
        },
        #[cfg(feature = "redis")]
        FanoutUrl::Redis(url) => Some(Fanout::over(Redis::new(url.clone(), channel.clone()))),
        #[cfg(feature = "nats")]
        FanoutUrl::Nats(url) => Some(Fanout::over(Nats::new(url.clone(), channel.clone()))),
    })
}

/// What the library is told of it, and can be told again.
pub(super) fn settings(config: &Config) -> Settings {
    let limits = &config.limits;
    Settings {
        connection: ConnectionLimits {
            unauthenticated: config.unauthenticated_timeout,
            heartbeat_interval: config.heartbeat.interval,
            heartbeat_timeout: config.heartbeat.timeout,
            refresh_after: config.token.refresh_after,
            invalid_requests: limits.invalid_requests,
            delivery: config.delivery,
        },
        transport: TransportLimits {
            message_bytes: limits.message_bytes,
            message_before_login_bytes: limits.message_before_login_bytes,
            outgoing_bytes: limits.outgoing_bytes,
            fragments_per_message: limits.fragments_per_message,
            message: limits.message,
            close_handshake: limits.close_handshake,
            connections: limits.connections,
        },
        tokens: TokenPolicy {
            lifetime: config.token.lifetime,
            session_lifetime: config.session.max_lifetime,
            roll_forward: config.ledger.roll_forward,
        },
        addresses: AddressLimits {
            connections: limits.connections_per_address,
            unauthenticated: limits.unauthenticated_per_address,
        },
        rates: Rates {
            logins_per_account: limits.logins_per_account,
            logins_per_address: limits.logins_per_address,
            presentations_per_session: limits.presentations_per_session,
        },
        logins: LoginLimits {
            username_chars: limits.username_characters,
            password_bytes: limits.password_bytes,
        },
        sessions_per_subject: limits.sessions_per_subject,
        allowed_origins: AllowedOrigins::new(
            config.allowed_origins.iter().map(ToString::to_string),
        ),
        trusted_proxies: config.trusted_proxies.clone(),
    }
}

fn passwords(config: &Config) -> PasswordSettings {
    let password = &config.password;
    PasswordSettings {
        registration: match config.registration {
            Registration::Open => credentials::Registration::Open,
            Registration::Explicit => credentials::Registration::Explicit,
            Registration::Closed => credentials::Registration::Closed,
        },
        length_min: usize::try_from(password.min_length).unwrap_or(usize::MAX),
        cost: HashCost {
            memory_kib: password.memory_kib,
            iterations: password.iterations,
            parallelism: password.parallelism,
        },
        pool: PoolSize {
            threads: usize::try_from(password.threads).unwrap_or(1),
            queue: usize::try_from(password.queue).unwrap_or(1),
        },
    }
}
