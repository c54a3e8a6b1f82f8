//! Which pages may open a connection.

use axum::{
    extract::Request,
    http::{HeaderMap, Uri, header, uri::Scheme},
};
use std::{collections::HashSet, net::Ipv4Addr};

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
        !headers.contains_key(header::ORIGIN)
            || self.allow_one(headers, |origin| is_of_host(origin, host))
    }

    /// Whether a request with these headers, for `host`, is from a page that may use its browser's cookies here.
    ///
    /// Cookies travel by themselves, so a request that does not say which page sent it has no business with them. Nor
    /// has a page of this host that came without TLS: anybody on the network can serve one, and a browser may take it
    /// for the site of the `https` cookies all the same.
    pub(crate) fn allow_page(&self, headers: &HeaderMap, host: Option<&str>) -> bool {
        self.allow_one(headers, |origin| {
            is_of_host(origin, host) && is_trustworthy(origin)
        })
    }

    /// Whether the request names one origin, which is the server's own or allowed by name.
    fn allow_one(&self, headers: &HeaderMap, is_own: impl FnOnce(&str) -> bool) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let (Some(origin), None) = (origins.next(), origins.next()) else {
            return false;
        };
        let Ok(origin) = origin.to_str() else {
            return false;
        };
        let origin = origin.to_ascii_lowercase();
        is_own(&origin) || self.0.contains(&origin)
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

/// Whether nobody on the network can serve pages of this origin, which is in lower case: by `https`, or from the
/// browser's own machine (W3C Secure Contexts section 3.1).
fn is_trustworthy(origin: &str) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    origin.scheme() == Some(&Scheme::HTTPS) || origin.host().is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(origins: &[&str], host: Option<&str>, allowed: &[&str]) -> bool {
        list(allowed).allow(&headers(origins), host)
    }

    fn allow_page(origins: &[&str], host: Option<&str>, allowed: &[&str]) -> bool {
        list(allowed).allow_page(&headers(origins), host)
    }

    fn list(allowed: &[&str]) -> AllowedOrigins {
        AllowedOrigins::new(allowed.iter().map(ToString::to_string))
    }

    fn headers(origins: &[&str]) -> HeaderMap {
        let of = |origin: &&str| (header::ORIGIN, origin.parse().unwrap());
        origins.iter().map(of).collect()
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
        assert!(allow_page(&["http://localhost:9001"], host, &[]));
        assert!(!allow_page(&[], host, &[]));
        assert!(!allow_page(&["null"], host, &[]));
        assert!(!allow_page(&["http://localhost:9002"], host, &[]));
    }

    #[test]
    fn a_page_that_anybody_on_the_network_can_serve_may_not_use_cookies() {
        let own = |scheme, host| allow_page(&[&format!("{scheme}://{host}")], Some(host), &[]);
        for host in [
            "chat.example",
            "chat.example:9001",
            "10.0.0.1:9001",
            "127.0.0.1.chat.example",
            "localhost.chat.example",
            "notlocalhost",
            "[fe80::1]:9001",
        ] {
            assert!(own("https", host), "{host}");
            assert!(!own("http", host), "{host}");
        }
        for host in [
            "localhost",
            "LocalHost:9001",
            "chat.localhost",
            "127.0.0.1:9001",
            "127.1.2.3",
            "[::1]:9001",
        ] {
            assert!(own("http", host), "{host}");
        }
        let listed = ["http://chat.example"];
        assert!(allow_page(&listed, Some("chat.example"), &listed));
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
