//! `delivery = "cookie"`.

use crate::{
    client::{Client, login},
    http::{self, exchanging},
    server::{Server, log_of},
};
use serde_json::json;
use tungstenite::{
    client::IntoClientRequest as _,
    http::{HeaderMap, header},
};

/// Upgrades with these cookies under this attempt key, as a page of the server's own would. Gives what is set.
pub(crate) fn upgrade(server: &Server, cookies: &str, attempt: &str) -> (Client, Vec<String>) {
    let address = server.address;
    let url = format!("ws://{address}/ws/?attempt={attempt}");
    let mut request = url.into_client_request().unwrap();
    let headers = request.headers_mut();
    headers.insert(header::ORIGIN, format!("http://{address}").parse().unwrap());
    headers.insert(header::COOKIE, cookies.parse().unwrap());
    let (client, headers) = Client::requesting(address, request).unwrap();
    (client, pairs(&headers))
}

/// The cookies that are set, without their attributes.
fn pairs(headers: &HeaderMap) -> Vec<String> {
    let cookies = headers.get_all(header::SET_COOKIE).iter();
    cookies
        .map(|cookie| pair(cookie.to_str().unwrap()))
        .collect()
}

fn pair(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

/// Exchanges a ticket, and gives the cookie that is set.
pub(crate) fn exchange(server: &Server, cookies: &str, ticket: &serde_json::Value) -> String {
    let answer = http::ask(server.address, exchanging(cookies, ticket));
    assert_eq!(answer.status, 200, "{answer:?}");
    pair(answer.header("set-cookie").unwrap())
}

#[test]
fn a_session_in_a_cookie_goes_on_after_a_crash_and_its_secrets_reach_no_log() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("HANDFAST_DELIVERY", "cookie"),
        ("HANDFAST_LOG__LEVEL", "trace"),
        ("HANDFAST_DRAIN__SPREAD", "0s"),
    ];
    let attempt = "an-attempt-key-that-is-secret";
    let server = Server::start(folder.path(), &variables);
    let (mut client, browser) = upgrade(&server, "", attempt);
    let answer = client.ask(&login("ada")).unwrap();
    assert!(answer.get("token").is_none());
    let first = exchange(&server, &browser[0], &answer["ticket"]);
    server.kill();

    let server = Server::start(folder.path(), &variables);
    let (mut client, set) = upgrade(&server, &format!("{}; {first}", browser[0]), attempt);
    let resumed = client.receive().unwrap();
    assert_eq!(
        (&resumed["type"], &resumed["generation"]),
        (&json!("Success"), &json!(1))
    );
    assert_eq!(resumed["session"], answer["session"]);
    server.signal("TERM");
    assert!(server.ended());

    let log = log_of(folder.path());
    let tail = |secret: &str| secret.rsplit(['.', '=']).next().unwrap().to_owned();
    for secret in [
        attempt.to_owned(),
        tail(&browser[0]),
        tail(&first),
        tail(&set[0]),
        tail(answer["ticket"].as_str().unwrap()),
    ] {
        assert!(secret.len() > 20);
        assert!(!log.contains(&secret), "{secret} is in the log");
    }
}
