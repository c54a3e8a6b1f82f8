//! As much HTTP as these tests need.

use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long a test waits for an answer before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: String,
    body: String,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl<'a> Request<'a> {
    pub(crate) fn new(method: &'a str, path: &'a str) -> Self {
        Self {
            method,
            path,
            headers: String::new(),
            body: String::new(),
        }
    }

    pub(crate) fn get(path: &'a str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn body(mut self, media_type: &str, body: impl Into<String>) -> Self {
        self.body = body.into();
        self.header("Content-Type", media_type)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.next()
    }

    /// The problem's status, code and field, once it is certain to be one.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String, Option<String>) {
        let media_type = self.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert!(problem["detail"].is_string() && problem["title"].is_string());
        let text = |name: &str| problem[name].as_str().map(str::to_owned);
        (self.status, text("code").unwrap(), text("field"))
    }
}

/// The request that exchanges a ticket for a cookie, as a page of the server's own makes it.
pub(crate) fn exchanging(cookies: &str, ticket: &Value) -> Request<'static> {
    Request::new("POST", "/session/cookie")
        .header("Origin", "http://localhost")
        .header("Cookie", cookies)
        .json(&json!({ "ticket": ticket }))
}

/// Asks, and reads until the server hangs up.
pub(crate) fn ask(address: SocketAddr, request: Request<'_>) -> Answer {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    ask_over(stream, request)
}

/// The same, on a connection that is there.
pub(crate) fn ask_over(stream: impl Read + Write, request: Request<'_>) -> Answer {
    let answer = String::from_utf8(try_over(stream, request)).unwrap();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// The same, whatever comes back.
pub(crate) fn try_over(mut stream: impl Read + Write, request: Request<'_>) -> Vec<u8> {
    let Request {
        method,
        path,
        headers,
        body,
    } = request;
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{headers}\r\n"
    );
    // What is too long may be refused before it is read, and whoever is asked may be gone.
    drop(stream.write_all(head.as_bytes()));
    drop(stream.write_all(body.as_bytes()));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    answer
}
