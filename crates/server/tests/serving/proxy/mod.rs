//! nginx, HAProxy and Caddy in front of the server, set up by the very files that `deploy` has for them.

mod front;
mod visitor;

use crate::{
    client::{Client, login},
    postgres::with_keys_of,
    server::Server,
};
use front::{Front, Kind, Tls};
use handfast_core::limits::ConnectionLimits;
use handfast_ledger::conformance::service::{PostgresServer, RedisServer};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, thread, time::Duration};
use tungstenite::{Error, Message, http::header};
use visitor::Visitor;

/// One client, and another one elsewhere.
const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);
/// Where no client is.
const FORGED: &str = "203.0.113.9";
/// What makes the server believe its proxy, which is at 127.0.0.1 as the clients are not.
const TRUSTING: (&str, &str) = ("HANDFAST_TRUSTED_PROXIES", "127.0.0.1");

/// Looks at every proxy, at the same time.
fn every_proxy(check: impl Fn(Kind) + Sync) {
    thread::scope(|scope| {
        for kind in Kind::ALL {
            let check = &check;
            scope.spawn(move || check(kind));
        }
    });
}

/// A client in the plain framing that says of itself that it is somewhere else.
fn forging(front: &Front, source: Ipv4Addr) -> Client<Tls> {
    let forged = [("x-forwarded-for", FORGED)];
    front.connect(source, &forged).unwrap().0
}

/// Logs in, and gives the address that the server takes the client's to be.
fn address(client: &mut Client<Tls>, username: &str) -> Value {
    client.ask(&login(username)).unwrap();
    let answer = client.ask(&json!({"type": "Sessions"})).unwrap();
    answer["sessions"][0]["address"].clone()
}

/// Whether the connection is one too many of its address.
fn is_refused(client: &mut Client<Tls>) -> bool {
    match client.ask(&json!({"type": "Sessions"})) {
        Ok(_) => false,
        Err(Error::ConnectionClosed) => true,
        Err(error) => panic!("{error}"),
    }
}

/// The status of an upgrade that a page of this origin asks for.
fn status(front: &Front, origin: &str) -> u16 {
    match front.connect(HERE, &[("origin", origin)]) {
        Ok(_) => 101,
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_client_logs_in_gets_a_pushed_token_and_comes_back_through_every_proxy() {
    let variables = [
        ("HANDFAST_HEARTBEAT__INTERVAL", "1s"),
        ("HANDFAST_TOKEN__REFRESH_AFTER", "1s"),
    ];
    every_proxy(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &variables);
        let front = Front::start(kind, server.address);
        let mut visitor = Visitor::new(&front);
        visitor.log_in("ada");
        assert_eq!(visitor.generation(), Some(0));
        visitor.until_generation(1);
        visitor.come_back();
        assert!(visitor.generation() > Some(1), "{kind:?}");
        // HAProxy has looked at `/readyz` in the meantime.
        let log = front.process.log();
        assert!(!log.contains("DOWN"), "{log}");
    });
}

#[test]
fn a_client_cannot_forge_its_address_behind_any_proxy() {
    let variables = [TRUSTING, ("HANDFAST_LIMITS__CONNECTIONS_PER_ADDRESS", "2")];
    every_proxy(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &variables);
        let front = Front::start(kind, server.address);
        let mut first = forging(&front, HERE);
        assert_eq!(address(&mut first, "ada"), HERE.to_string(), "{kind:?}");
        let mut second = forging(&front, HERE);
        assert!(!is_refused(&mut second), "{kind:?}");
        let mut third = forging(&front, HERE);
        assert!(is_refused(&mut third), "{kind:?}: under a forged address");
        let mut other = forging(&front, ELSEWHERE);
        let seen = address(&mut other, "bob");
        assert_eq!(seen, ELSEWHERE.to_string(), "{kind:?}");
    });
}

#[test]
fn a_server_that_trusts_no_proxy_takes_every_client_for_the_proxy() {
    every_proxy(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &[]);
        let front = Front::start(kind, server.address);
        for source in [HERE, ELSEWHERE] {
            let seen = address(&mut forging(&front, source), "ada");
            assert_eq!(seen, "127.0.0.1", "{kind:?}");
        }
    });
}

#[test]
fn a_page_of_another_origin_is_refused_through_every_proxy() {
    let variables = [("HANDFAST_ALLOWED_ORIGINS", "https://app.example.com")];
    every_proxy(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &variables);
        let front = Front::start(kind, server.address);
        assert_eq!(status(&front, &front.origin()), 101, "{kind:?}");
        assert_eq!(status(&front, "https://app.example.com"), 101, "{kind:?}");
        assert_eq!(status(&front, "https://evil.example"), 403, "{kind:?}");
        assert_eq!(status(&front, "https://localhost"), 403, "{kind:?}");
    });
}

#[test]
fn the_cookies_of_an_upgrade_pass_every_proxy() {
    let variables = [("HANDFAST_DELIVERY", "cookie")];
    every_proxy(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &variables);
        let front = Front::start(kind, server.address);
        let origin = front.origin();
        let (_client, headers) = front.connect(HERE, &[("origin", &origin)]).unwrap();
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert!(
            cookies
                .iter()
                .all(|cookie| cookie.as_bytes().starts_with(b"__Host-")),
            "{cookies:?}"
        );
        assert!(!cookies.is_empty(), "{kind:?}");
    });
}

#[test]
fn an_idle_connection_outlives_the_patience_of_every_proxy() {
    /// Longer than the proxies wait below.
    const BEATS: usize = 5;
    every_proxy(|kind| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &[("HANDFAST_HEARTBEAT__INTERVAL", "1s")]);
        let impatient: &[_] = match kind {
            Kind::Nginx | Kind::Haproxy => &[("75s", "3s")],
            Kind::Caddy => &[],
        };
        let front = Front::changed(kind, &[server.address], impatient);
        let (mut client, _) = front.connect(HERE, &[]).unwrap();
        let mut beats = 0;
        while beats < BEATS {
            match client
                .hear()
                .unwrap_or_else(|error| panic!("{kind:?}: {error}"))
            {
                Message::Ping(_) => beats += 1,
                other => panic!("{kind:?}: {other}"),
            }
        }
        let answer = client.ask(&login("ada")).unwrap();
        assert_eq!(answer["type"], "Registered", "{kind:?}");
    });
}

#[test]
fn a_client_of_a_node_that_stops_comes_back_to_another_one_through_haproxy() {
    let (database, redis) = (PostgresServer::shared().database(), RedisServer::start());
    let variables = [
        ("HANDFAST_LEDGER__URL", database.expose()),
        ("HANDFAST_FANOUT__URL", &redis.url()),
        ("HANDFAST_DRAIN__SPREAD", "0s"),
    ];
    let first_folder = tempfile::tempdir().unwrap();
    let first = Server::start(first_folder.path(), &variables);
    let second_folder = with_keys_of(first_folder.path());
    let second = Server::start(second_folder.path(), &variables);
    let front = Front::changed(Kind::Haproxy, &[first.address, second.address], &[]);
    let mut visitors: Vec<_> = (0..4).map(|_| Visitor::new(&front)).collect();
    for (number, visitor) in visitors.iter_mut().enumerate() {
        visitor.log_in(&format!("ada-{number}"));
    }
    first.signal("TERM");
    assert!(first.ended());
    for visitor in &mut visitors {
        visitor.come_back();
        assert_eq!(visitor.generation(), Some(1));
    }
    assert!(second.get("/readyz").0 == 200);
}

#[test]
fn every_proxy_is_more_patient_than_the_heartbeat() {
    let limits = ConnectionLimits::default();
    let heartbeat = limits.heartbeat_interval + limits.heartbeat_timeout;
    for (kind, names) in [
        (
            Kind::Nginx,
            ["proxy_read_timeout ", "proxy_send_timeout "].as_slice(),
        ),
        (
            Kind::Haproxy,
            &["timeout client ", "timeout server ", "timeout tunnel "],
        ),
    ] {
        for name in names {
            let rest = kind.file().split(name).nth(1).unwrap();
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            let patience = Duration::from_secs(digits.parse().unwrap());
            assert!(rest[digits.len()..].starts_with('s'), "{name}{rest}");
            assert!(patience > heartbeat, "{name}{digits}");
        }
    }
}

#[test]
fn the_guide_shows_every_file_as_it_is_tested() {
    let guide = include_str!("../../../../../docs/guide/proxies.md");
    for kind in Kind::ALL {
        assert!(
            guide.contains(&format!("\n{}```\n", kind.file())),
            "{kind:?}"
        );
    }
}
