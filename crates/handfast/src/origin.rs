//! Which pages may open a connection.

use axum::{
    extract::Request,
    http::{HeaderMap, header},
};
use std::collections::HashSet;

/// The origins (RFC 6454) whose pages may connect, beside the server's own.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins(HashSet<String>);

impl AllowedOrigins {
    /// These origins, written as browsers send them: `https://app.example`, with a port where it is not the scheme's.
    pub fn new(origins: impl IntoIterator<Item = String>) -> Self {
        Self(
            origins
                .into_iter()
                .map(|origin| origin.to_ascii_lowercase())
                .collect(),
        )
    }

    /// Whether a request with these headers, for `host`, may be upgraded.
    ///
    /// A browser always sends `Origin` with an upgrade, and no page can change it; a request without one is not from a
    /// page. It must match the host exactly or be allowed by name; `null` is nobody's.
    pub(crate) fn allow(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return true;
        };
        if origins.next().is_some() {
            return false;
        }
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let origin = origin.to_ascii_lowercase();
        is_of_host(&origin, host) || self.0.contains(&origin)
    }

    /// Whether a request with these headers, for `host`, is from a page that may use its browser's cookies here.
    ///
    /// Cookies travel by themselves, so a request that does not say which page sent it has no business with them.
    pub(crate) fn allow_page(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        headers.contains_key(header::ORIGIN) && self.allow(headers, host)
    }
}

/// The host that a request is for, with its port where it has one.
pub(crate) fn host(request: &Request) -> Option<&str> {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    let authority = request.uri().authority();
    host.or_else(|| authority.map(|authority| authority.as_str()))
}

fn is_of_host(origin: &str, host: Option<&str>) -> bool {
    let (Some(host), Some((scheme, authority))) = (host, origin.split_once("://")) else {
        return false;
    };
    matches!(scheme, "http" | "https")
        && !authority.is_empty()
        && authority.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(origins: &[&str], host: Option<&str>, allowed: &[&str]) -> bool {
        let headers = origins
            .iter()
            .map(|origin| (header::ORIGIN, origin.parse().unwrap()))
            .collect();
        AllowedOrigins::new(allowed.iter().map(ToString::to_string)).allow(&headers, host)
    }

    #[test]
    fn a_page_of_the_server_itself_may_connect() {
        assert!(allow(
            &["http://localhost:9001"],
            Some("localhost:9001"),
            &[]
        ));
        assert!(allow(&["https://App.Example"], Some("app.example"), &[]));
    }

    #[test]
    fn a_request_that_is_from_no_page_may_connect() {
        assert!(allow(&[], Some("localhost:9001"), &[]));
    }

    #[test]
    fn only_a_page_that_says_where_it_is_from_may_use_cookies() {
        let host = Some("localhost:9001");
        let allow_page = |origins: &[&str]| {
            let headers = origins
                .iter()
                .map(|origin| (header::ORIGIN, origin.parse().unwrap()))
                .collect();
            AllowedOrigins::default().allow_page(&headers, host)
        };
        assert!(allow_page(&["http://localhost:9001"]));
        assert!(!allow_page(&[]));
        assert!(!allow_page(&["null"]));
        assert!(!allow_page(&["http://localhost:9002"]));
    }

    #[test]
    fn a_page_of_an_allowed_origin_may_connect() {
        assert!(allow(
            &["https://app.example"],
            Some("sessions.example"),
            &["https://app.example"]
        ));
    }

    #[test]
    fn a_page_from_elsewhere_may_not_connect_however_alike_its_origin_looks() {
        let allowed = ["https://app.example"];
        for origin in [
            "https://evil.example",
            "http://app.example",
            "https://app.example.evil.example",
            "https://app.example:8443",
            "https://sessions.example.evil.example",
            "https://evilsessions.example",
            "ftp://sessions.example",
            "null",
            "",
            "https://",
        ] {
            assert!(
                !allow(&[origin], Some("sessions.example"), &allowed),
                "{origin}"
            );
        }
        assert!(!allow(
            &["https://app.example", "https://evil.example"],
            Some("sessions.example"),
            &allowed
        ));
        assert!(!allow(&["http://"], Some(""), &[]));
        assert!(!allow(&["http://localhost"], None, &[]));
    }
}
