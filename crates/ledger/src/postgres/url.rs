//! Where a database is, as its URL says.

use super::hosts::Hosts;
use crate::host::bracketed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode, utf8_percent_encode};
use std::{
    fmt, net::Ipv6Addr, os::unix::ffi::OsStrExt as _, path::PathBuf, str::FromStr, time::Duration,
};
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

/// How long connecting to one address may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// After how long a silence the other end is asked whether it is still there.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
/// How long what was sent may stay unacknowledged before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The URL of a PostgreSQL database, `postgres://user:password@host:port/database?…`. Several hosts, divided by commas,
/// are tried in turn until one takes writes. It shows its password to nobody.
///
/// Of libpq's parameters it knows those of `tokio-postgres`, and these two in its own way:
/// - `sslmode`: `disable`; `prefer` (the default), which encrypts where the server offers to and verifies nothing;
///   `require` and `verify-full`, which are the same: the server's certificate must be good for the host's name;
/// - `sslrootcert`: a PEM file of the authorities to trust instead of the system's.
#[derive(Clone)]
pub struct PostgresUrl {
    pub(super) config: Config,
    pub(super) verification: Verification,
}

/// What a connection asks of the server's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verification {
    /// Nothing: whoever sits between may read and change all.
    None,
    /// That an authority vouches for the host's name: one of the system's, or of this PEM file.
    Full {
        /// The file.
        roots: Option<PathBuf>,
    },
}

/// Why a text is no [`PostgresUrl`]. It repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPostgresUrl(Box<str>);

/// What the names of users and databases are shown without, so that a URL with it says the same (RFC 3986 section 2.3).
const NOT_IN_A_NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// The same of hosts, which may be addresses.
const NOT_IN_A_HOST: &AsciiSet = &NOT_IN_A_NAME.remove(b':');

impl PostgresUrl {
    /// How to connect there.
    pub(crate) fn hosts(&self) -> Hosts {
        Hosts::of(&self.config)
    }

    /// Where it leads, for messages: hosts, ports and the database, without who asks.
    #[must_use]
    pub fn place(&self) -> String {
        self.leads_to(|host| match host {
            Host::Tcp(name) => bracketed(name),
            Host::Unix(folder) => folder.display().to_string(),
        })
    }

    /// Hosts, as `show` has each of them, ports and the database.
    fn leads_to(&self, show: impl Fn(&Host) -> String) -> String {
        let ports = self.config.get_ports();
        let hosts = self.config.get_hosts().iter().enumerate();
        let places = hosts.map(|(index, host)| {
            let port = ports.get(index).or_else(|| ports.first());
            let port = port.copied().unwrap_or(5432);
            format!("{}:{port}", show(host))
        });
        let places: Vec<_> = places.collect();
        let database = self.config.get_dbname().or_else(|| self.config.get_user());
        let database = utf8_percent_encode(database.unwrap_or_default(), NOT_IN_A_NAME);
        format!("{}/{database}", places.join(","))
    }
}

impl FromStr for PostgresUrl {
    type Err = InvalidPostgresUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPostgresUrl> {
        let invalid = |what: &str| InvalidPostgresUrl(what.into());
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(invalid(
                "a PostgreSQL URL begins with `postgres://`, as in `postgres://user:password@host/database`",
            ));
        }
        let (plain, tls) = take_tls(text)?;
        let mut config = Config::from_str(&plain).map_err(|cause| {
            let cause = std::error::Error::source(&cause).map(ToString::to_string);
            let cause = cause.as_deref().unwrap_or("it cannot be read");
            invalid(&format!("this is no PostgreSQL URL: {cause}"))
        })?;
        let named = config.get_hosts();
        if named.is_empty() {
            return Err(invalid("the PostgreSQL URL names no host"));
        }
        let divided = |host: &Host| matches!(host, Host::Tcp(name) if name.contains('@'));
        if named.iter().any(divided) {
            return Err(invalid("write `%40` for an `@` within the password"));
        }
        let is_none = |host: &Host| matches!(host, Host::Tcp(name) if !is_host(name));
        if named.iter().any(is_none) {
            return Err(invalid(
                "the PostgreSQL URL has a host that is no name and no address; write several as in `one:5432,two:5432`",
            ));
        }
        let (hosts, ports) = (named.len(), config.get_ports().len());
        if ports > 1 && ports != hosts {
            return Err(invalid("give every host its port, or all of them one"));
        }
        let addresses = config.get_hostaddrs().len();
        if addresses > 0 && addresses != hosts {
            return Err(invalid("give every host its `hostaddr`, or none"));
        }
        config
            .ssl_mode(tls.mode)
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives(true)
            .keepalives_idle(KEEPALIVE_IDLE)
            .tcp_user_timeout(TCP_USER_TIMEOUT)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if config.get_application_name().is_none() {
            config.application_name("handfast");
        }
        Ok(Self {
            config,
            verification: tls.verification,
        })
    }
}

/// Whether this is the name of a host, or its address. An IPv6 one may have a zone (RFC 4007 section 11).
fn is_host(name: &str) -> bool {
    let is_name = |name: &str| {
        let may_be = |letter: char| letter.is_alphanumeric() || "-._".contains(letter);
        !name.is_empty() && name.chars().all(may_be)
    };
    let (address, zone) = match name.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (name, None),
    };
    if address.parse::<Ipv6Addr>().is_ok() {
        zone.is_none_or(is_name)
    } else {
        is_name(name)
    }
}

struct Tls {
    mode: SslMode,
    verification: Verification,
}

/// The URL without the parameters that `tokio-postgres` does not know as we do, and what they say.
fn take_tls(text: &str) -> Result<(String, Tls), InvalidPostgresUrl> {
    // Whatever stands before an `@` is a part of the credentials.
    let credentials = text.find('@').map_or(0, |at| at + 1);
    let (place, parameters) = match text[credentials..].split_once('?') {
        Some((hosts, parameters)) => (&text[..credentials + hosts.len()], parameters),
        None => (text, ""),
    };
    let mut mode = None;
    let mut roots = None;
    let mut others = Vec::new();
    for parameter in parameters.split('&').filter(|part| !part.is_empty()) {
        match parameter.split_once('=') {
            Some(("sslmode", value)) => mode = Some(value),
            Some(("sslrootcert", "system")) => roots = None,
            Some(("sslrootcert", value)) => roots = Some(PathBuf::from(value)),
            Some(_) | None => others.push(parameter),
        }
    }
    let tls = match mode {
        Some("disable") => Tls {
            mode: SslMode::Disable,
            verification: Verification::None,
        },
        None | Some("prefer") => Tls {
            mode: SslMode::Prefer,
            verification: Verification::None,
        },
        Some("require" | "verify-full") => Tls {
            mode: SslMode::Require,
            verification: Verification::Full { roots },
        },
        Some(_) => {
            return Err(InvalidPostgresUrl(
                "sslmode is one of disable, prefer, require and verify-full".into(),
            ));
        }
    };
    let query = if others.is_empty() { "" } else { "?" };
    Ok((format!("{place}{query}{}", others.join("&")), tls))
}

impl PartialEq for PostgresUrl {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.verification == other.verification
    }
}

impl Eq for PostgresUrl {}

impl fmt::Display for PostgresUrl {
    /// The URL without its password, and of its parameters only what is asked of TLS.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user) = self.config.get_user() {
            write!(f, "{}", utf8_percent_encode(user, NOT_IN_A_NAME))?;
            if self.config.get_password().is_some() {
                f.write_str(":…")?;
            }
            f.write_str("@")?;
        }
        f.write_str(&self.leads_to(|host| match host {
            Host::Tcp(name) => bracketed(&utf8_percent_encode(name, NOT_IN_A_HOST).to_string()),
            Host::Unix(folder) => {
                percent_encode(folder.as_os_str().as_bytes(), NOT_IN_A_NAME).to_string()
            }
        }))?;
        match (self.config.get_ssl_mode(), &self.verification) {
            (SslMode::Disable, _) => f.write_str("?sslmode=disable"),
            (_, Verification::Full { .. }) => f.write_str("?sslmode=verify-full"),
            (_, Verification::None) => Ok(()),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> PostgresUrl {
        text.parse().unwrap()
    }

    fn refusal(text: &str) -> String {
        let refusal: InvalidPostgresUrl = text.parse::<PostgresUrl>().unwrap_err();
        refusal.to_string()
    }

    #[test]
    fn a_url_shows_where_it_leads_and_no_password() {
        let both = url("postgres://ada:s%40cret@one:5433,two/auth?connect_timeout=9");
        assert_eq!(both.to_string(), "postgres://ada:…@one:5433,two:5432/auth");
        assert_eq!(both.place(), "one:5433,two:5432/auth");
        for shown in [format!("{both:?}"), both.to_string()] {
            assert!(!shown.contains("cret"), "{shown}");
        }
        let parameter = url("postgres://one/auth?user=ada&password=secret");
        assert_eq!(parameter.to_string(), "postgres://ada:…@one:5432/auth");
        let socket = url("postgres://ada@/auth?host=/run/postgresql");
        assert_eq!(socket.place(), "/run/postgresql:5432/auth");
        assert_eq!(url("postgres://[::1]/auth").place(), "[::1]:5432/auth");
    }

    #[test]
    fn what_is_shown_is_understood() {
        for (text, shown) in [
            ("a?d%40@one", "a%3Fd%40@one:5432/a%3Fd%40"),
            ("[::1]:5433/auth", "[::1]:5433/auth"),
            ("[fe80::1%25eb0]/auth", "[fe80::1%25eb0]:5432/auth"),
            ("ada@/auth?host=::1&port=5433", "ada@[::1]:5433/auth"),
            ("ada@/auth?host=/run/db", "ada@%2Frun%2Fdb:5432/auth"),
            ("%2Frun%2Fa%3Ab:5433/x", "%2Frun%2Fa%3Ab:5433/x"),
        ] {
            let (text, shown) = (format!("postgres://{text}"), format!("postgres://{shown}"));
            assert_eq!(url(&text).to_string(), shown);
            assert_eq!(url(&shown).to_string(), shown);
        }
    }

    #[test]
    fn a_question_mark_in_a_password_begins_no_parameters() {
        let url = url("postgres://ada:a?&sslmode=x&@one/auth?&sslmode=disable");
        assert_eq!(url.config.get_password(), Some(&b"a?&sslmode=x&"[..]));
        assert_eq!(url.config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn what_is_asked_of_the_certificate_is_in_the_url() {
        let full = |roots| Verification::Full { roots };
        let asked = |text: &str| {
            let url = url(&format!("postgres://one/auth{text}"));
            (url.config.get_ssl_mode(), url.verification)
        };
        assert_eq!(asked(""), (SslMode::Prefer, Verification::None));
        assert_eq!(
            asked("?sslmode=disable"),
            (SslMode::Disable, Verification::None)
        );
        assert_eq!(asked("?sslmode=require"), (SslMode::Require, full(None)));
        assert_eq!(
            asked("?sslmode=verify-full&sslrootcert=/etc/ca.pem&application_name=x"),
            (SslMode::Require, full(Some("/etc/ca.pem".into())))
        );
    }

    #[test]
    fn a_refusal_says_what_to_write_and_repeats_nothing() {
        assert!(refusal("mysql://ada:secret@one/auth").contains("`postgres://`"));
        assert!(refusal("postgres:///auth").contains("names no host"));
        for none in [
            "one%2ctwo/auth",
            "/auth?host=one,two",
            "/auth?host=one:5433",
            "one,,two",
            ":5433/auth",
            "a\tb",
            "%25a",
        ] {
            let refusal = refusal(&format!("postgres://{none}"));
            assert!(refusal.contains("`one:5432,two:5432`"), "{none}: {refusal}");
        }
        assert!(refusal("postgres://ada:sec@ret@one/auth").contains("%40"));
        assert!(refusal("postgres://one:5433,two/auth?port=5434").contains("every host its port"));
        assert!(refusal("postgres://one,two/auth?hostaddr=192.0.2.1").contains("every host its"));
        assert!(refusal("postgres://one/auth?sslmode=verify-ca").contains("verify-full"));
        assert!(refusal("postgres://one:port/auth").contains("port"));
        for text in [
            "postgres://ada:secret@one:x/auth",
            "postgres://ada:secret@one/auth?x=1",
            "postgres://ada:sec@ret@one/auth",
        ] {
            assert!(!refusal(text).contains("ret"), "{}", refusal(text));
        }
    }
}
