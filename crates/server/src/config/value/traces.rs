//! Where traces go, and how many.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use axum::http::{HeaderName, HeaderValue, Uri, uri::Scheme};
use std::fmt;

/// How a collector is written, for whoever wrote something else.
const COLLECTOR: &str = "\"http://127.0.0.1:4318\" or \"https://otel.example.com\", without a user, a query or `/v1/traces` at its end";
/// Where a collector takes traces, behind its base URL (OTLP 1.9, "OTLP/HTTP Request").
const TRACES: &str = "/v1/traces";

/// A collector of OpenTelemetry's, by OTLP over HTTP. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CollectorUrl {
    /// Whether it is spoken to by TLS.
    pub(crate) tls: bool,
    /// Its name, or its address, an IPv6 one without brackets.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// The host and the port as a request names them.
    pub(crate) authority: String,
    /// The base URL, without a slash at its end.
    base: String,
    /// Where it takes traces.
    pub(crate) path: String,
}

impl CollectorUrl {
    fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(_) | None => return None,
        };
        let authority = uri.authority()?;
        let folder = uri.path().trim_end_matches('/');
        let has_more = uri.query().is_some() || text.contains('#') || folder.ends_with(TRACES);
        if authority.as_str().contains('@') || authority.host().is_empty() || has_more {
            return None;
        }
        let host = authority.host();
        let port = match authority.as_str().strip_prefix(host)?.strip_prefix(':') {
            None if tls => 443,
            None => 80,
            Some(port) => port.parse().ok()?,
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        Some(Self {
            tls,
            host: bare.to_owned(),
            port,
            authority: authority.to_string(),
            base: format!(
                "{}://{authority}{folder}",
                if tls { "https" } else { "http" }
            ),
            path: format!("{folder}{TRACES}"),
        })
    }

    /// Whether what is sent there stays on this machine.
    pub(crate) fn is_local(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|it| it.is_loopback())
    }
}

impl fmt::Display for CollectorUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// Off where it is written as `""`.
impl Setting for Option<CollectorUrl> {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        match raw.text(Form::Url)? {
            "" => Ok(None),
            text => match CollectorUrl::parse(text) {
                Some(url) => Ok(Some(url)),
                None => Err(Wrong::MalformedUrl { form: COLLECTOR }),
            },
        }
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.as_ref().map(ToString::to_string).unwrap_or_default())
    }
}

/// A header by which the collector knows who sends. Its value is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CollectorHeader {
    /// Its name.
    pub(crate) name: HeaderName,
    /// Its value, which prints as `Sensitive`.
    pub(crate) value: HeaderValue,
}

impl CollectorHeader {
    fn parse(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=')?;
        let mut value = HeaderValue::try_from(value.trim()).ok()?;
        value.set_sensitive(true);
        Some(Self {
            name: name.trim().parse().ok()?,
            value,
        })
    }
}

impl Setting for CollectorHeader {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        Self::parse(raw.text(Form::Header)?).ok_or(Wrong::MalformedSecret { form: Form::Header })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(format!("{}=…", self.name))
    }
}

/// A part of something, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio(u32);

impl Ratio {
    /// All of it.
    const WHOLE: u32 = 1_000_000;

    /// So many millionths.
    pub(crate) const fn of_millionths(millionths: u32) -> Self {
        Self(if millionths > Self::WHOLE {
            Self::WHOLE
        } else {
            millionths
        })
    }

    /// How many millionths of the whole this is.
    pub(crate) const fn millionths(self) -> u32 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let ratio: f64 = text.parse().ok()?;
        if !(0.0..=1.0).contains(&ratio) {
            return None;
        }
        let millionths = (ratio * f64::from(Self::WHOLE)).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to a million"
        )]
        let millionths = millionths as u32;
        // What is asked for and would be nothing is one in a million.
        Some(Self(millionths.max(u32::from(ratio > 0.0))))
    }
}

impl Setting for Ratio {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = match raw {
            Raw::Integer(number) => number.to_string(),
            Raw::Fraction(text) | Raw::Untyped(text) => text.clone(),
            Raw::Text(_) | Raw::Boolean(_) | Raw::List(_) | Raw::Other(_) => {
                return Err(raw.is_not(Form::Ratio));
            }
        };
        Self::parse(&text).ok_or(Wrong::Malformed {
            text,
            form: Form::Ratio,
        })
    }

    fn show(&self) -> toml::Value {
        toml::Value::Float(f64::from(self.0) / f64::from(Self::WHOLE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::Remedy as _;

    fn collector(text: &str) -> Result<Option<CollectorUrl>, Wrong> {
        Setting::read(&Raw::Text(text.to_owned()))
    }

    #[test]
    fn a_collector_is_named_by_its_base_url() {
        for (text, host, port, path) in [
            ("http://127.0.0.1:4318", "127.0.0.1", 4318, "/v1/traces"),
            ("http://127.0.0.1:4318/", "127.0.0.1", 4318, "/v1/traces"),
            ("https://[::1]:1/otlp/", "::1", 1, "/otlp/v1/traces"),
            (
                "https://otel.example.com",
                "otel.example.com",
                443,
                "/v1/traces",
            ),
        ] {
            let url = collector(text).unwrap().unwrap();
            assert_eq!((&*url.host, url.port, &*url.path), (host, port, path));
            assert_eq!(url.to_string(), text.trim_end_matches('/'));
        }
        assert_eq!(collector(""), Ok(None));
    }

    #[test]
    fn what_is_no_collector_is_refused_with_a_remedy_and_without_its_password() {
        for text in [
            "127.0.0.1:4318",
            "grpc://127.0.0.1:4317",
            "http://ada:hunter2@otel",
            "http://otel/?key=hunter2",
            "http://otel/#hunter2",
            "http://otel:4318/v1/traces",
            "http://",
            "http://otel:",
            "http://otel:99999",
        ] {
            let wrong = collector(text).unwrap_err();
            let said = format!("{wrong} {} {wrong:?}", wrong.remedy());
            assert!(said.contains("http://127.0.0.1:4318"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_header_is_shown_and_complained_of_without_its_value() {
        let read = |text: &str| CollectorHeader::read(&Raw::Text(text.to_owned()));
        let header = read("Authorization = Bearer hunter2=").unwrap();
        assert_eq!(header.value, "Bearer hunter2=");
        assert_eq!(header.show().as_str(), Some("authorization=…"));
        assert!(!format!("{header:?}").contains("hunter2"));
        for text in ["hunter2", "a b=hunter2", "x=hunter2\n3"] {
            let wrong = read(text).unwrap_err();
            let said = format!("{wrong} {} {wrong:?}", wrong.remedy());
            assert!(!said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn a_ratio_is_a_number_from_0_to_1() {
        let read = |text: &str| Ratio::read(&Raw::Untyped(text.to_owned()));
        for (text, millionths) in [("0", 0), ("1", 1_000_000), ("0.01", 10_000), ("1e-9", 1)] {
            assert_eq!(read(text), Ok(Ratio(millionths)), "{text}");
        }
        for text in ["-0.1", "1.1", "NaN", "inf", "1%"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(
            Ratio::read(&Raw::Fraction("0.5".to_owned())),
            Ok(Ratio(500_000))
        );
        assert!(Ratio::read(&Raw::Text("0.5".to_owned())).is_err());
    }
}
