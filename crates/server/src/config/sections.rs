//! Every setting but the limits, with its type and its default.
//!
//! These types compare with nothing: so the compiler tells when a setting is read from the file
//! and then by nobody.

use super::{
    clash::Clash,
    limits::Limits,
    reader::Reader,
    value::{
        AuditTarget, CollectorHeader, CollectorUrl, FanoutUrl, LedgerUrl, LogFilter, LogFormat,
        OnAuditFailure, OptionalName, OptionalPath, Ratio, Registration, WebOrigin,
    },
};
use handfast::{TokenDelivery, fanout::Channel, keys::Algorithm};
use ipnet::IpNet;
use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZero,
    path::PathBuf,
    sync::LazyLock,
    time::Duration,
};
use tracing_subscriber::filter::LevelFilter;

pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
pub(super) const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

/// How many processors there are. They are counted once, for a handful of files is read for it.
static PROCESSORS: LazyLock<usize> =
    LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));

/// How handfast is set up. Values are right by themselves and together.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// The folder of everything that handfast keeps.
    pub(crate) data: PathBuf,
    /// Who may make an account.
    pub(crate) registration: Registration,
    /// Which other origins' pages may connect.
    pub(crate) allowed_origins: Vec<WebOrigin>,
    /// Whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How a token reaches the client.
    pub(crate) delivery: TokenDelivery,
    /// How long a connection may stay without logging in.
    pub(crate) unauthenticated_timeout: Duration,
    /// Whether `/` shows the demo page.
    pub(crate) demo_page: bool,
    /// `[ledger]`
    pub(crate) ledger: Ledger,
    /// `[fanout]`
    pub(crate) fanout: Fanout,
    /// `[token]`
    pub(crate) token: Token,
    /// `[session]`
    pub(crate) session: Session,
    /// `[heartbeat]`
    pub(crate) heartbeat: Heartbeat,
    /// `[password]`
    pub(crate) password: Password,
    /// `[limits]`
    pub(crate) limits: Limits,
    /// `[drain]`
    pub(crate) drain: Drain,
    /// `[tls]`; none where handfast itself speaks no TLS.
    pub(crate) tls: Option<Tls>,
    /// `[admin]`
    pub(crate) admin: Admin,
    /// `[audit]`
    pub(crate) audit: Audit,
    /// `[otlp]`
    pub(crate) otlp: Otlp,
    /// `[log]`
    pub(crate) log: Log,
}

impl Config {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            listen: reader.setting("listen", local(9001)),
            data: reader.setting("data", "handfast-data".into()),
            registration: reader.setting("registration", Registration::Open),
            allowed_origins: reader.setting("allowed_origins", Vec::new()),
            trusted_proxies: reader.setting("trusted_proxies", Vec::new()),
            delivery: reader.setting("delivery", TokenDelivery::Message),
            unauthenticated_timeout: reader.duration("unauthenticated_timeout", 5 * MINUTE, SECOND),
            demo_page: reader.setting("demo_page", true),
            ledger: Ledger {
                url: reader.setting("ledger.url", LedgerUrl::Sqlite),
                roll_forward: reader.setting("ledger.roll_forward", false),
            },
            fanout: Fanout {
                url: reader.setting("fanout.url", FanoutUrl::OfLedger),
                channel: reader.setting("fanout.channel", Channel::default()),
            },
            token: Token::read(reader),
            session: Session {
                max_lifetime: reader.duration("session.max_lifetime", 30 * DAY, SECOND),
            },
            heartbeat: Heartbeat {
                interval: reader.duration("heartbeat.interval", 25 * SECOND, SECOND),
                timeout: reader.duration("heartbeat.timeout", 10 * SECOND, 100 * MILLISECOND),
            },
            password: Password::read(reader),
            limits: Limits::read(reader),
            drain: Drain {
                delay: reader.duration("drain.delay", Duration::ZERO, Duration::ZERO),
                spread: reader.duration("drain.spread", 10 * SECOND, Duration::ZERO),
            },
            tls: Tls::read(reader),
            admin: Admin {
                listen: reader.setting("admin.listen", local(9002)),
                token_file: reader.setting("admin.token_file", OptionalPath(None)).0,
                insecure: reader.setting("admin.insecure", false),
            },
            audit: Audit {
                target: reader.setting("audit.path", AuditTarget::Off),
                on_failure: reader.setting("audit.on_failure", OnAuditFailure::Continue),
                keep: reader.liftable_duration("audit.keep", 30 * DAY, DAY),
                node: reader.setting("audit.node", OptionalName(None)).0,
            },
            otlp: Otlp::read(reader),
            log: Log {
                format: reader.setting("log.format", LogFormat::Text),
                level: reader.setting("log.level", LogFilter::down_to(LevelFilter::INFO)),
            },
        }
    }
}

/// The durable record of sessions.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// Where it is kept.
    pub(crate) url: LedgerUrl,
    /// Whether a token from the future is believed: one that the ledger issued and then forgot,
    /// because it was restored from a backup.
    pub(crate) roll_forward: bool,
}

/// Telling other nodes at once what changed.
#[derive(Debug, Clone)]
pub(crate) struct Fanout {
    /// By what way.
    pub(crate) url: FanoutUrl,
    /// What the nodes of this cluster call it there.
    pub(crate) channel: Channel,
}

/// Refresh tokens.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// How long a client may be away.
    pub(crate) lifetime: Duration,
    /// How old a token gets before a live connection replaces it.
    pub(crate) refresh_after: Duration,
    /// What newly made keys sign with.
    pub(crate) algorithm: Algorithm,
    /// The `iss` claim.
    pub(crate) issuer: String,
    /// The `aud` claim.
    pub(crate) audience: String,
}

impl Token {
    fn read(reader: &mut Reader) -> Self {
        Self {
            lifetime: reader.duration("token.lifetime", 7 * DAY, SECOND),
            refresh_after: reader.duration("token.refresh_after", 10 * MINUTE, SECOND),
            algorithm: reader.setting("token.algorithm", Algorithm::Hs256),
            issuer: reader.setting("token.issuer", "handfast".to_owned()),
            audience: reader.setting("token.audience", "handfast".to_owned()),
        }
    }
}

/// Sessions.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// How long after its login a session ends at the latest.
    pub(crate) max_lifetime: Duration,
}

/// The heartbeat of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Heartbeat {
    /// How often the server pings.
    pub(crate) interval: Duration,
    /// How much later than `interval` a silent connection is given up.
    pub(crate) timeout: Duration,
}

/// Passwords and how they are hashed (Argon2id, RFC 9106).
#[derive(Debug, Clone)]
pub(crate) struct Password {
    /// The shortest that an account may be made with, in characters.
    pub(crate) min_length: u32,
    /// Memory for one hash, in KiB.
    pub(crate) memory_kib: u32,
    /// Passes over the memory.
    pub(crate) iterations: u32,
    /// Lanes.
    pub(crate) parallelism: u32,
    /// Threads that hash; by default half of the processors, which leaves the others to sessions.
    pub(crate) threads: u32,
    /// Hashes that may wait for a thread; beyond, a login is told to come back later.
    pub(crate) queue: u32,
}

impl Password {
    /// RFC 9106 §3.1: lanes are counted in 24 bits.
    const MOST_LANES: u32 = (1 << 24) - 1;

    fn read(reader: &mut Reader) -> Self {
        let half = u32::try_from(*PROCESSORS / 2).unwrap_or(1).max(1);
        Self {
            min_length: reader.within("password.min_length", 8, &(1..=128)),
            memory_kib: reader.within("password.memory_kib", 19_456, &(8..=u32::MAX)),
            iterations: reader.count("password.iterations", 2),
            parallelism: reader.within("password.parallelism", 1, &(1..=Self::MOST_LANES)),
            threads: reader.within("password.threads", half, &(1..=1_024)),
            queue: reader.within("password.queue", 64, &(1..=1 << 20)),
        }
    }
}

/// Stopping.
#[derive(Debug, Clone)]
pub(crate) struct Drain {
    /// How long the server goes on as before once it says that it is not ready, so that load balancers notice first.
    pub(crate) delay: Duration,
    /// Over what time connections are closed, so that clients do not all come back at once.
    pub(crate) spread: Duration,
}

/// TLS, both files in PEM.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    /// The certificate and its chain.
    pub(crate) cert: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

impl Tls {
    fn read(reader: &mut Reader) -> Option<Self> {
        let OptionalPath(cert) = reader.setting("tls.cert", OptionalPath(None));
        let OptionalPath(key) = reader.setting("tls.key", OptionalPath(None));
        let (lonely, clash) = match (cert, key) {
            (Some(cert), Some(key)) => return Some(Self { cert, key }),
            (None, None) => return None,
            (Some(_), None) => ("tls.cert", Clash::CertWithoutKey),
            (None, Some(_)) => ("tls.key", Clash::KeyWithoutCert),
        };
        reader.note(reader.source(lonely), lonely, clash.into());
        None
    }
}

/// The listener for operators.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    /// Where operators and their programs connect.
    pub(crate) listen: SocketAddr,
    /// The file with the bearer token; none means `admin-token` in the data folder.
    pub(crate) token_file: Option<PathBuf>,
    /// Whether other machines may be spoken to without TLS.
    pub(crate) insecure: bool,
}

/// The record of who came, was refused and was ended.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    /// Where it goes.
    pub(crate) target: AuditTarget,
    /// What becomes of logins while it cannot be written.
    pub(crate) on_failure: OnAuditFailure,
    /// How long files of former days are kept; none leaves the file to others.
    pub(crate) keep: Option<Duration>,
    /// What this node is called in it; none means the name of the machine.
    pub(crate) node: Option<String>,
}

/// Traces of requests.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    /// The collector; none where nothing is traced.
    pub(crate) endpoint: Option<CollectorUrl>,
    /// What the collector knows this server by.
    pub(crate) headers: Vec<CollectorHeader>,
    /// How many are traced of the requests that clients make all the time.
    pub(crate) sample_ratio: Ratio,
    /// What this service is called in its traces.
    pub(crate) service_name: String,
    /// How long the collector may take for one answer.
    pub(crate) timeout: Duration,
}

impl Otlp {
    fn read(reader: &mut Reader) -> Self {
        Self {
            endpoint: reader.setting("otlp.endpoint", None),
            headers: reader.setting("otlp.headers", Vec::new()),
            sample_ratio: reader.setting("otlp.sample_ratio", Ratio::of_millionths(10_000)),
            service_name: reader.setting("otlp.service_name", "handfast".to_owned()),
            timeout: reader.duration("otlp.timeout", 10 * SECOND, 100 * MILLISECOND),
        }
    }
}

/// Log lines.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// How they look.
    pub(crate) format: LogFormat,
    /// Which are written.
    pub(crate) level: LogFilter,
}
