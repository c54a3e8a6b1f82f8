//! `[otlp]`: requests as traces.

use crate::{
    client::{Client, login, present, signature},
    collector::{Behaviour, Collector, text},
    cookie,
    http::{self, Request},
    server::{Server, log_of},
};
use serde_json::json;
use std::{fs, net::TcpListener, path::Path};
use tungstenite::client::IntoClientRequest as _;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// A server that traces every request there.
fn tracing(folder: &Path, endpoint: &str, variables: &[(&str, &str)]) -> Server {
    let own = [
        ("HANDFAST_OTLP__ENDPOINT", endpoint),
        ("HANDFAST_OTLP__SAMPLE_RATIO", "1"),
        ("HANDFAST_DRAIN__SPREAD", "0s"),
    ];
    Server::start(folder, &[&own[..], variables].concat())
}

/// How many spans were lost, once some are.
fn lost(server: &Server) -> u64 {
    loop {
        let answer = http::ask(server.admin(), Request::get("/metrics"));
        let mut lines = answer.body.lines();
        let lost = lines
            .find_map(|line| line.strip_prefix("handfast_trace_spans_total{result=\"lost\"} "));
        let lost = lost.unwrap().parse().unwrap();
        if lost > 0 {
            return lost;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_login_is_a_trace_of_where_its_time_went() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let server = tracing(
        folder.path(),
        &collector.endpoint(),
        &[("HANDFAST_OTLP__HEADERS", "Authorization=Bearer hunter2")],
    );
    let mut client = Client::connect(server.address).unwrap();
    let answer = client.ask(&login("ada")).unwrap();

    let trace = collector.trace("Login", &[]);
    let root = &trace.root;
    assert!(root.parent_span_id.is_empty() && root.links.is_empty());
    for (key, value) in [
        ("handfast.outcome", "registered"),
        ("session.id", answer["session"].as_str().unwrap()),
        ("client.address", "127.0.0.1"),
        ("network.protocol.name", "websocket"),
        ("handfast.generation", "0"),
    ] {
        assert_eq!(trace.field(key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(trace.field("error.type"), None);
    for (name, above) in [
        ("password", "Login"),
        ("password.queue", "password"),
        ("password.hash", "password"),
        ("ledger", "Login"),
        ("ledger.queue", "ledger"),
        ("ledger.transaction", "ledger"),
        ("ledger.flush", "ledger"),
    ] {
        let (part, of) = trace.part(name);
        assert_eq!(of, above, "{name}");
        assert!(part.start_time_unix_nano >= root.start_time_unix_nano);
        assert!(part.end_time_unix_nano <= root.end_time_unix_nano, "{name}");
        assert!(part.start_time_unix_nano <= part.end_time_unix_nano);
    }
    let taken = collector.wait(|_| true);
    assert_eq!(
        text(&taken.resource, "service.name").as_deref(),
        Some("handfast")
    );
    assert!(taken.heads.starts_with("POST /v1/traces HTTP/1.1\r\n"));
    assert!(taken.heads.contains("authorization: Bearer hunter2\r\n"));
    assert!(!log_of(folder.path()).contains("hunter2"));
}

#[test]
fn what_was_refused_says_why_and_no_secret_and_no_name_is_in_any_trace() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let server = tracing(folder.path(), &collector.endpoint(), &[]);
    let mut client = Client::connect(server.address).unwrap();
    let first = client.ask(&login("zacharias")).unwrap();
    let attempt = "an attempt key that is a secret";
    let second = client.ask(&present(&first["token"], attempt)).unwrap();
    let advanced = collector.trace("RefreshToken", &[("handfast.decision", "advanced")]);
    assert_eq!(advanced.field("handfast.outcome").unwrap(), "success");
    assert_eq!(advanced.field("session.id").unwrap(), first["session"]);
    assert_eq!(advanced.field("handfast.generation").unwrap(), "1");
    assert_eq!(advanced.part("ledger").1, "RefreshToken");
    assert_eq!(advanced.part("token.verify").1, "RefreshToken");

    let mut stranger = Client::connect(server.address).unwrap();
    let wrong = json!({"type": "Login", "username": "zacharias", "password": "a wrong password"});
    stranger.ask(&wrong).unwrap();
    let nonsense = json!({"type": "RefreshToken", "token": "nonsense that is a secret"});
    stranger.ask(&nonsense).unwrap();
    let other = "another attempt key that is a secret";
    stranger.ask(&present(&first["token"], other)).unwrap();
    for (name, reason) in [
        ("Login", "invalid_password"),
        ("RefreshToken", "malformed"),
        ("RefreshToken", "reused"),
    ] {
        let trace = collector.trace(name, &[("error.type", reason)]);
        assert_eq!(trace.field("handfast.outcome").unwrap(), "refused");
    }
    let theft = collector.trace("RefreshToken", &[("error.type", "reused")]);
    assert_eq!(theft.field("session.id").unwrap(), first["session"]);
    assert_eq!(theft.part("ledger.publish").1, "ledger");
    server.operate(Request::get("/admin/v1/subjects/zacharias/sessions"));
    collector.trace("GET /admin/v1/subjects/{subject}/sessions", &[]);

    let taken = collector.wait(|_| true);
    let all = String::from_utf8_lossy(&taken.bytes);
    for secret in [
        "zacharias",
        "correct horse",
        "a wrong password",
        "is a secret",
        signature(&first),
        signature(&second),
        &server.token(),
    ] {
        assert!(!all.contains(secret), "{secret} was exported");
    }
}

#[test]
fn a_connection_links_its_requests_to_the_trace_that_its_upgrade_was_part_of() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let server = tracing(folder.path(), &collector.endpoint(), &[]);
    let url = format!("ws://{}/ws/", server.address);
    let mut request = url.into_client_request().unwrap();
    let traceparent = format!("00-{TRACE}-{SPAN}-00");
    let headers = request.headers_mut();
    headers.insert("traceparent", traceparent.parse().unwrap());
    let (mut client, _) = Client::requesting(server.address, request).unwrap();
    client.ask(&login("ada")).unwrap();
    client.ask(&json!({"type": "Sessions"})).unwrap();
    for name in ["Login", "Sessions"] {
        let trace = collector.trace(name, &[]);
        assert_ne!(hex(&trace.root.trace_id), TRACE);
        let [link] = &trace.root.links[..] else {
            panic!("{trace:#?}");
        };
        assert_eq!(hex(&link.trace_id), TRACE);
        assert_eq!(hex(&link.span_id), SPAN);
        assert_eq!(trace.field("handfast.traceparent"), None);
    }
}

#[test]
fn an_operators_request_is_a_part_of_the_trace_of_whoever_makes_it() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let server = tracing(
        folder.path(),
        &collector.endpoint(),
        &[("HANDFAST_OTLP__SAMPLE_RATIO", "0")],
    );
    let mut client = Client::connect(server.address).unwrap();
    let first = client.ask(&login("ada")).unwrap();
    let ask = |flags: &str, token: &str| {
        let body = format!("token={token}");
        let request = Request::new("POST", "/admin/v1/introspect")
            .header("traceparent", &format!("00-{TRACE}-{SPAN}-{flags}"))
            .body("application/x-www-form-urlencoded", body);
        assert_eq!(server.operate(request).status, 200);
    };
    // The first is not traced, because whoever asks does not either.
    ask("00", "nonsense");
    ask("01", first["token"].as_str().unwrap());
    let trace = collector.trace("POST /admin/v1/introspect", &[]);
    assert_eq!(hex(&trace.root.trace_id), TRACE);
    assert_eq!(hex(&trace.root.parent_span_id), SPAN);
    assert_eq!(
        trace.field("http.response.status_code").as_deref(),
        Some("200")
    );
    assert_eq!(trace.part("ledger").1, "POST /admin/v1/introspect");
    let taken = collector.wait(|_| true);
    let asked = taken.spans.iter();
    let asked = asked.filter(|it| it.name == "POST /admin/v1/introspect");
    assert_eq!(asked.count(), 1);
}

#[test]
fn what_is_not_sampled_has_no_parts_in_any_trace_and_logins_are_traced_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let variables = [("HANDFAST_OTLP__SAMPLE_RATIO", "0")];
    let server = tracing(folder.path(), &collector.endpoint(), &variables);
    let mut client = Client::connect(server.address).unwrap();
    let first = client.ask(&login("ada")).unwrap();
    client
        .ask(&present(&first["token"], "an attempt key of ada's"))
        .unwrap();
    client.ask(&json!({"type": "Logout"})).unwrap();
    collector.trace("Logout", &[]);
    server.signal("TERM");
    assert!(server.ended());
    let taken = collector.wait(|_| true);
    assert!(taken.spans.iter().all(|it| it.name != "token.verify"));
    let whole = taken.spans.iter().filter(|it| it.parent_span_id.is_empty());
    let mut whole: Vec<_> = whole.map(|it| &*it.name).collect();
    whole.sort_unstable();
    assert_eq!(whole, ["Login", "Logout"], "what is part of nothing");
    let ledgers = taken.spans.iter().filter(|it| it.name == "ledger");
    assert_eq!(ledgers.count(), 2, "of the login and of the logout");
}

#[test]
fn a_push_and_the_exchange_of_a_ticket_are_traces() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let variables = [
        ("HANDFAST_DELIVERY", "cookie"),
        ("HANDFAST_HEARTBEAT__INTERVAL", "1s"),
        ("HANDFAST_TOKEN__REFRESH_AFTER", "1s"),
    ];
    let server = tracing(folder.path(), &collector.endpoint(), &variables);
    let (mut client, browser) = cookie::upgrade(&server, "", "an-attempt-key-that-is-secret");
    let answer = client.ask(&login("ada")).unwrap();
    cookie::exchange(&server, &browser[0], &answer["ticket"]);
    let exchange = collector.trace("POST /session/cookie", &[]);
    assert_eq!(exchange.field("session.id").unwrap(), answer["session"]);
    assert_eq!(exchange.field("handfast.outcome").unwrap(), "success");
    assert_eq!(exchange.field("client.address").unwrap(), "127.0.0.1");
    let pushed = client.receive().unwrap();
    assert_eq!(pushed["generation"], 1);
    let push = collector.trace("Push", &[("handfast.generation", "1")]);
    assert_eq!(push.part("ledger").1, "Push");
}

#[test]
fn what_the_collector_refuses_is_counted_and_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Refuse(400));
    let server = tracing(folder.path(), &collector.endpoint(), &[]);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    assert!(lost(&server) >= 7);
    let requests = collector.wait(|_| true).requests;
    client.ask(&json!({"type": "Sessions"})).unwrap();
    collector.wait(|taken| taken.requests > requests);
    collector.behave(Behaviour::Take);
    client.ask(&json!({"type": "Sessions"})).unwrap();
    server.wait_for("traces reach the collector again");
    let log = log_of(folder.path());
    assert_eq!(log.matches("traces do not reach the collector").count(), 1);
}

#[test]
fn a_collector_that_is_gone_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let server = tracing(folder.path(), &endpoint, &[]);
    let mut client = Client::connect(server.address).unwrap();
    assert_eq!(client.ask(&login("ada")).unwrap()["type"], "Registered");
    server.wait_for("traces do not reach the collector");
    assert!(lost(&server) >= 7);
    assert_eq!(server.get("/readyz").0, 200);
}

#[test]
fn a_collector_that_hangs_holds_nobody_up_and_not_the_end_either() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Hang);
    let variables = [("HANDFAST_OTLP__TIMEOUT", "1h")];
    let server = tracing(folder.path(), &collector.endpoint(), &variables);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    collector.wait(|taken| taken.requests == 1);
    let answer = client.ask(&json!({"type": "Sessions"})).unwrap();
    assert_eq!(answer["type"], "Sessions");
    server.signal("TERM");
    assert!(server.ended());
    let log = log_of(folder.path());
    assert!(
        log.contains("some spans did not reach the collector"),
        "{log}"
    );
}

#[test]
fn by_tls_traces_go_to_a_collector_that_the_machine_trusts_and_to_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let collector = Collector::secured(made.cert.der().clone(), key);
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let roots = folder.path().join("roots.pem");
    let roots = roots.to_str().unwrap();
    let endpoint = format!("https://localhost:{}", collector.address.port());
    let start = || tracing(folder.path(), &endpoint, &[("SSL_CERT_FILE", roots)]);

    fs::write(roots, other.cert.pem()).unwrap();
    let server = start();
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    server.wait_for("traces do not reach the collector");
    drop(server);
    assert_eq!(collector.wait(|_| true).requests, 0);

    fs::write(roots, made.cert.pem()).unwrap();
    let server = start();
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    collector.trace("Login", &[("handfast.outcome", "success")]);
}

#[test]
fn another_ratio_is_taken_on_sighup() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start(Behaviour::Take);
    let file = folder.path().join("handfast.toml");
    let configure = |ratio: &str| {
        let endpoint = collector.endpoint();
        let text = format!("[otlp]\nendpoint = \"{endpoint}\"\nsample_ratio = {ratio}\n");
        fs::write(&file, text).unwrap();
    };
    configure("0");
    let server = Server::start(
        folder.path(),
        &[("HANDFAST_CONFIG", file.to_str().unwrap())],
    );
    let mut client = Client::connect(server.address).unwrap();
    let first = client.ask(&login("ada")).unwrap();
    let second = client
        .ask(&present(&first["token"], "an attempt key of ada's"))
        .unwrap();
    configure("1.0");
    server.signal("HUP");
    server.wait_for("reloaded changed=\"otlp.sample_ratio\"");
    client
        .ask(&present(&second["token"], "another attempt key of hers"))
        .unwrap();
    let trace = collector.trace("RefreshToken", &[]);
    assert_eq!(trace.field("handfast.generation").unwrap(), "2");
}

#[test]
fn what_was_not_sent_when_the_server_is_told_to_stop_is_sent_then() {
    let folder = tempfile::tempdir().unwrap();
    // It wants to be left alone for longer than a server takes to stop.
    let collector = Collector::start(Behaviour::Refuse(503));
    let server = tracing(folder.path(), &collector.endpoint(), &[]);
    let mut client = Client::connect(server.address).unwrap();
    client.ask(&login("ada")).unwrap();
    server.wait_for("traces do not reach the collector");
    collector.behave(Behaviour::Take);
    client.ask(&json!({"type": "Sessions"})).unwrap();
    server.signal("TERM");
    assert!(server.ended());
    let taken = collector.wait(|_| true);
    assert!(taken.spans.iter().any(|it| it.name == "Sessions"));
}
