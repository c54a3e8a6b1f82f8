//! Cookie delivery: a browser's cookies, and what a page of it can do.

mod refused;
mod session;
mod tickets;
mod trouble;

use crate::{
    client::{Client, PATIENCE},
    node::{Node, Plan},
};
use handfast::{Settings, TokenDelivery};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};
use tungstenite::{
    client::IntoClientRequest as _,
    http::{HeaderValue, Response, header},
};

const SESSION: &str = "__Host-handfast";
const BROWSER: &str = "__Host-handfast-browser";
/// Attempt keys.
const FIRST: &str = "an-attempt-key-of-ada";
const SECOND: &str = "the-next-attempt-key";
const OTHER: &str = "somebody-elses-attempt-key";

/// A node in cookie delivery, but for what `change` does to the settings.
fn plan(change: impl FnOnce(&mut Settings)) -> Plan {
    Plan::with(|settings| {
        settings.connection.delivery = TokenDelivery::Cookie;
        change(settings);
    })
}

fn node() -> Node {
    plan(|_| {}).start()
}

/// A browser with a page of the node's own origin open.
struct Browser {
    address: SocketAddr,
    /// The cookies, which no page can read.
    jar: BTreeMap<String, String>,
}

/// An answer to a request that is no upgrade.
struct Answered {
    status: u16,
    cookies: Vec<String>,
    head: String,
}

impl Browser {
    fn of(node: &Node) -> Self {
        Self {
            address: node.address,
            jar: BTreeMap::new(),
        }
    }

    fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    fn cookies(&self) -> String {
        let pairs = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Opens a connection, and keeps what its answer sets.
    fn connect(&mut self, attempt: &str) -> Client {
        let (client, response) = self.upgrade(attempt, Some("handfast.v1"));
        self.keep(&set_cookies(&response));
        client
    }

    /// Opens a connection past its `Hello`, whose answer's cookies never reach the browser.
    fn connect_in_vain(&self, attempt: &str) -> Client {
        self.upgrade(attempt, Some("handfast.v1")).0
    }

    /// Opens a connection past its `Hello`, and gives the answer's head too.
    fn upgrade(
        &self,
        attempt: &str,
        subprotocol: Option<&str>,
    ) -> (Client, Response<Option<Vec<u8>>>) {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let url = format!("ws://{}/ws/?attempt={attempt}", self.address);
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert(header::ORIGIN, self.origin().parse().unwrap());
        headers.insert(header::COOKIE, self.cookies().parse().unwrap());
        if let Some(subprotocol) = subprotocol {
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol.parse().unwrap());
        }
        let (mut client, response) = Client::requesting(stream, request, subprotocol);
        if subprotocol.is_some() {
            let hello = client.receive();
            assert_eq!(
                (&hello["type"], &hello["delivery"]),
                (&json!("Hello"), &json!("cookie"))
            );
        }
        (client, response)
    }

    /// Does what `Set-Cookie` headers say.
    fn keep(&mut self, cookies: &[String]) {
        for cookie in cookies {
            let (pair, attributes) = cookie.split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
                assert!(attributes.contains(attribute), "{cookie}");
            }
            assert!(!attributes.contains("Domain"), "{cookie}");
            if attributes.contains("Max-Age=0;") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Posts a ticket as the page does, and gives the answer before the browser keeps anything.
    fn post(&self, ticket: &Value) -> Answered {
        let body = json!({ "ticket": ticket }).to_string();
        self.request("POST", "Content-Type: application/json\r\n", &body)
    }

    /// Exchanges a ticket for the cookie.
    fn exchange(&mut self, ticket: &Value) {
        let answer = self.post(ticket);
        assert_eq!(answer.status, 200, "{}", answer.head);
        assert_eq!(answer.cookies.len(), 1);
        self.keep(&answer.cookies);
    }

    /// Sends a request to the cookie's place, with the page's own origin.
    fn request(&self, method: &str, headers: &str, body: &str) -> Answered {
        let origin = format!("Origin: {}\r\n{headers}", self.origin());
        self.request_as(method, &origin, body)
    }

    /// The same, with whatever `Origin` stands in the headers.
    fn request_as(&self, method: &str, headers: &str, body: &str) -> Answered {
        let (address, cookies, length) = (self.address, self.cookies(), body.len());
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = format!(
            "{method} /session/cookie HTTP/1.1\r\nHost: {address}\r\nCookie: {cookies}\r\n\
             Content-Length: {length}\r\n{headers}Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let head = answer.split("\r\n\r\n").next().unwrap().to_owned();
        let cookies = head.lines().filter_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.to_owned())
        });
        Answered {
            status: head[9..12].parse().unwrap(),
            cookies: cookies.collect(),
            head,
        }
    }

    /// Logs in, exchanges the ticket and acknowledges, as a page does.
    fn log_in(&mut self, username: &str) -> Client {
        let mut client = self.connect(FIRST);
        let login = client.login(username);
        self.exchange(&login["ticket"]);
        client.send(&json!({"type": "Ack", "generation": 0}));
        client
    }
}

fn set_cookies(response: &Response<Option<Vec<u8>>>) -> Vec<String> {
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    cookies
        .map(HeaderValue::to_str)
        .map(|cookie| cookie.unwrap().to_owned())
        .collect()
}

/// Whether these headers set, clear or leave the token's cookie.
fn fate(cookies: &[String]) -> &'static str {
    let mut of_session = cookies
        .iter()
        .filter_map(|cookie| cookie.strip_prefix("__Host-handfast="));
    match of_session.next() {
        None => "left",
        Some(cookie) if cookie.starts_with("; ") && cookie.contains("Max-Age=0;") => "cleared",
        Some(_) => "set",
    }
}
