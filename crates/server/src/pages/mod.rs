//! The demo page: a few static files, embedded in the program.
//!
//! Nothing is generated at run time and nothing comes from elsewhere, so the pages
//! can be served under a Content-Security-Policy that allows only this origin's
//! files and its WebSocket. `handfast.js` is the client of `sdk/typescript` as a
//! page without a bundler takes it; `cargo xtask generate` puts it here.

use axum::{
    Router,
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
            REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    response::Response,
    routing::get,
};
use handfast::TokenDelivery;

/// `connect-src 'self'` covers the WebSocket of the same origin (CSP Level 3,
/// §6.7.2.8). `form-action 'none'` keeps a password out of the address bar should
/// the script not have loaded when the form is sent.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    // Ask every time: the answer is usually a 304 without a body, and a new
    // server never runs against an old script.
    (CACHE_CONTROL, "no-cache"),
    (CONTENT_SECURITY_POLICY, POLICY),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=()",
    ),
];

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

static PAGES: [Page; 10] = [
    Page::new("/", HTML, include_str!("index.html")),
    Page::new("/demo/base.css", STYLE, include_str!("base.css")),
    Page::new("/demo/page.css", STYLE, include_str!("page.css")),
    Page::new("/demo/app.js", SCRIPT, include_str!("app.js")),
    Page::new("/demo/copy.js", SCRIPT, include_str!("copy.js")),
    Page::new("/demo/handfast.js", SCRIPT, include_str!("handfast.js")),
    Page::new("/demo/history.js", SCRIPT, include_str!("history.js")),
    Page::new("/demo/view.js", SCRIPT, include_str!("view.js")),
    Page::new("/demo/words.js", SCRIPT, include_str!("words.js")),
    Page::new("/demo/icon.svg", IMAGE, include_str!("icon.svg")),
];

/// Tells the page's script how tokens are delivered here.
static BY_MESSAGE: Page = Page::new(
    "/demo/delivery.js",
    SCRIPT,
    "export const delivery = \"message\";\n",
);
static BY_COOKIE: Page = Page::new(
    "/demo/delivery.js",
    SCRIPT,
    "export const delivery = \"cookie\";\n",
);

/// The routes of the demo page: `/` and what it loads from `/demo/`.
pub(crate) fn router<S>(delivery: TokenDelivery) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    pages(delivery).fold(Router::new(), |router, page| {
        let answer = move |request: HeaderMap| async move { page.answer(&request) };
        router.route(page.path, get(answer))
    })
}

fn pages(delivery: TokenDelivery) -> impl Iterator<Item = &'static Page> {
    let delivery = match delivery {
        TokenDelivery::Message => &BY_MESSAGE,
        TokenDelivery::Cookie => &BY_COOKIE,
    };
    PAGES.iter().chain([delivery])
}

/// One embedded file.
#[derive(Debug)]
struct Page {
    path: &'static str,
    media_type: &'static str,
    body: &'static str,
    fingerprint: u64,
}

impl Page {
    const fn new(path: &'static str, media_type: &'static str, body: &'static str) -> Self {
        Self {
            path,
            media_type,
            body,
            fingerprint: fnv1a(body.as_bytes()),
        }
    }

    /// The file, or 304 where `request` names the version that it already has.
    fn answer(&self, request: &HeaderMap) -> Response {
        let etag = format!("\"{:016x}\"", self.fingerprint);
        let known = request
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|tag| tag.trim().trim_start_matches("W/") == etag);
        let mut response = if known {
            let mut unchanged = Response::new(Body::empty());
            *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
            unchanged
        } else {
            Response::new(Body::from(self.body))
        };
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            headers.insert(ETAG, etag);
        }
        response
    }
}

/// FNV-1a, 64 bits: computed by the compiler, and enough to tell versions of one
/// file apart.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str) -> &'static Page {
        PAGES.iter().find(|page| page.path == path).unwrap()
    }

    fn ask(if_none_match: &str) -> HeaderMap {
        HeaderMap::from_iter([(IF_NONE_MATCH, if_none_match.parse().unwrap())])
    }

    #[test]
    fn a_page_that_the_browser_already_has_is_not_sent_again() {
        let first = page("/").answer(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let etag = first.headers()[ETAG].to_str().unwrap();
        for known in [etag, &format!("\"other\", W/{etag}")] {
            let again = page("/").answer(&ask(known));
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{known}");
            assert_eq!(again.headers()[ETAG], etag);
        }
        assert_eq!(page("/").answer(&ask("\"other\"")).status(), StatusCode::OK);
    }

    #[test]
    fn every_answer_carries_the_strict_headers() {
        for page in pages(TokenDelivery::Message).chain([&BY_COOKIE]) {
            for request in [
                HeaderMap::new(),
                ask(&format!("\"{:016x}\"", page.fingerprint)),
            ] {
                let answer = page.answer(&request);
                for (name, value) in HEADERS {
                    assert_eq!(answer.headers()[&name], value, "{} {name}", page.path);
                }
            }
        }
    }

    #[test]
    fn whatever_a_page_refers_to_is_served() {
        let scripts = PAGES.iter().filter(|page| page.media_type == SCRIPT);
        let imports = scripts.flat_map(|page| page.body.split("from \"./").skip(1));
        let references: Vec<_> = page("/")
            .body
            .split("\"demo/")
            .skip(1)
            .chain(imports)
            .collect();
        assert!(references.len() >= 6, "found only {references:?}");
        for reference in references {
            let path = format!("/demo/{}", reference.split('"').next().unwrap());
            for delivery in [TokenDelivery::Message, TokenDelivery::Cookie] {
                assert!(pages(delivery).any(|page| page.path == path), "{path}");
            }
        }
    }

    #[test]
    fn nothing_is_inline_and_nothing_parses_markup() {
        let html = page("/").body;
        let tags = html
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split('>').next());
        for tag in tags {
            assert!(!tag.starts_with("style"), "an inline style sheet");
            assert!(!tag.contains(" style="), "an inline style: {tag}");
            assert!(!tag.contains(" on"), "an inline handler: {tag}");
            assert!(
                !tag.starts_with("script") || tag.contains("src="),
                "an inline script"
            );
        }
        for page in PAGES.iter().filter(|page| page.media_type == SCRIPT) {
            for parser in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
            ] {
                assert!(!page.body.contains(parser), "{} uses {parser}", page.path);
            }
        }
    }
}
