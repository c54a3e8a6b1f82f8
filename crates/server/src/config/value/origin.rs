//! Web origins (RFC 6454), as a browser puts them into `Origin`.

use super::{Form, Raw, Setting};
use crate::config::problem::Wrong;
use std::fmt;

/// A web origin in the form that browsers send (RFC 6454 §6.2): lower case, no default port.
///
/// Being in that form, it is compared byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebOrigin(String);

impl WebOrigin {
    /// The origin as it stands in a header.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Setting for WebOrigin {
    fn read(raw: &Raw) -> Result<Self, Wrong> {
        let text = raw.text(Form::WebOrigin)?;
        parse(text).ok_or_else(|| match text {
            "*" => Wrong::AnyOrigin,
            _ => Wrong::Malformed {
                text: text.to_owned(),
                form: Form::WebOrigin,
            },
        })
    }

    fn show(&self) -> toml::Value {
        toml::Value::String(self.0.clone())
    }
}

fn parse(text: &str) -> Option<WebOrigin> {
    let text = text.to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://")?;
    let (host, port) = split_port(authority)?;
    if !is_scheme(scheme) || !is_host(host) {
        return None;
    }
    let port = match (scheme, port) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    Some(WebOrigin(format!("{scheme}://{host}{port}")))
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rsplit_once(':') {
        // A colon within brackets belongs to an IPv6 address.
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        Some(_) | None => (authority, None),
    };
    Some((host, port))
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    !host.is_empty()
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_takes_the_form_that_browsers_send() {
        for (written, sent) in [
            ("https://Chat.Example.com", "https://chat.example.com"),
            ("https://example.com:443", "https://example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://[::1]:8443", "https://[::1]:8443"),
            ("http://[::1]", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(parse(written).expect(written).as_str(), sent);
        }
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for text in [
            "example.com",
            "https://",
            "https://example.com/",
            "https://user@example.com",
            "https://*.example.com",
            "https://bücher.example",
            "https://example.com:99999",
            "https://example.com:",
            "https://[::1",
            "1http://example.com",
            "null",
        ] {
            assert_eq!(parse(text), None, "{text:?} was taken");
        }
    }

    #[test]
    fn a_star_is_refused_with_a_remedy_of_its_own() {
        assert_eq!(
            WebOrigin::read(&Raw::Text("*".to_owned())),
            Err(Wrong::AnyOrigin)
        );
    }
}
