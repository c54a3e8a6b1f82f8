//! TLS without a proxy in front.

use crate::{
    client::{Client, PATIENCE},
    node::{Node, Plan},
};
use handfast::{Serving, tls};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::Arc,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufWriter};

/// A new certificate for `localhost`: a server that shows it, and a client that trusts no other.
fn certificate() -> (Serving, Arc<ClientConfig>) {
    let folder = tempfile::tempdir().unwrap();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert_file, key_file) = (
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    );
    std::fs::write(&cert_file, cert.pem()).unwrap();
    std::fs::write(&key_file, signing_key.serialize_pem()).unwrap();
    let serving = Serving {
        tls: Some(tls::load(&cert_file, &key_file).unwrap()),
        ..Serving::default()
    };
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (serving, Arc::new(config))
}

type TlsClient = Client<StreamOwned<ClientConnection, TcpStream>>;

fn connect(node: &Node, trusting: &Arc<ClientConfig>) -> TlsClient {
    let name = "localhost".try_into().unwrap();
    let session = ClientConnection::new(Arc::clone(trusting), name).unwrap();
    let stream = StreamOwned::new(session, TcpStream::connect(node.address).unwrap());
    Client::on(stream, node.address, Some("handfast.v1"))
}

#[test]
fn a_certificate_is_exchanged_and_connections_stay() {
    let (first, trusting_first) = certificate();
    let plan = Plan {
        serving: first.into(),
        ..Plan::default()
    };
    let serving = plan.serving.clone();
    let node = plan.start();
    let mut before = connect(&node, &trusting_first);
    assert_eq!(before.receive()["type"], "Hello");
    let (second, trusting_second) = certificate();
    serving.replace(second);
    let mut after = connect(&node, &trusting_second);
    assert_eq!(after.receive()["type"], "Hello");
    before.login("ada");
}

#[test]
fn a_session_lives_over_tls_as_well() {
    let (serving, trusting) = certificate();
    let node = Plan {
        serving: serving.into(),
        ..Plan::default()
    }
    .start();
    let connect = || connect(&node, &trusting);
    let mut client = connect();
    assert_eq!(client.receive()["type"], "Hello");
    let login = client.login("ada");
    let mut other = connect();
    assert_eq!(other.receive()["type"], "Hello");
    assert_eq!(
        other.attempt(&login["token"], "an attempt key of ada")["type"],
        "Success"
    );
    assert_eq!(client.closed().code, 4409);
}

#[test]
fn a_certificate_that_is_none_is_refused_by_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cert.pem");
    let missing = tls::load(&file, &file).unwrap_err();
    assert!(missing.to_string().contains("cert.pem"), "{missing}");
    std::fs::write(&file, "no PEM").unwrap();
    let empty = tls::load(&file, &file).unwrap_err();
    assert!(empty.to_string().contains("cert.pem"), "{empty}");
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The kind and the payload of each whole frame (RFC 9113 section 4.1).
fn frames(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut frames = Vec::new();
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]);
        let Some((payload, rest)) = rest.split_at_checked(usize::try_from(length).unwrap()) else {
            break;
        };
        frames.push((*kind, payload));
        bytes = rest;
    }
    frames
}

#[test]
fn who_opens_and_resets_streams_without_end_is_sent_away() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const GOAWAY: u8 = 7;
    const ENHANCE_YOUR_CALM: [u8; 4] = 11_u32.to_be_bytes();
    let (serving, trusting) = certificate();
    let plan = Plan {
        serving: serving.into(),
        ..Plan::default()
    };
    let node = plan.start();
    let name = "localhost".try_into().unwrap();
    let session = ClientConnection::new(Arc::clone(&trusting), name).unwrap();
    let stream = TcpStream::connect(node.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in (1..2_001).step_by(2) {
        // `GET https://…/`, from the static table (RFC 7541 appendix A); the head ends here, and so does the stream.
        bytes.extend(frame(HEADERS, 0x05, stream, &[0x82, 0x87, 0x84]));
        bytes.extend(frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
    }
    // The server may hang up while this is written.
    drop(stream.write_all(&bytes));
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    let is_sent_away = frames(&answer).iter().any(|(kind, payload)| {
        *kind == GOAWAY && payload.get(4..8) == Some(&ENHANCE_YOUR_CALM[..])
    });
    assert!(is_sent_away, "{answer:02X?}");
    let mut honest = connect(&node, &trusting);
    assert_eq!(honest.receive()["type"], "Hello");
}

/// A stream of which the end stays in a buffer until it is flushed, as in TLS what the socket did not take.
#[test]
fn what_a_stream_keeps_back_is_sent_on_at_once() {
    let node = Node::start();
    let request = "GET /ws/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
        Sec-WebSocket-Protocol: handfast.v1\r\n\r\n";
    node.block_on(async {
        let (mut client, server) = tokio::io::duplex(4_096);
        let service = TowerToHyperService::new(node.handfast.router());
        let stream = TokioIo::new(BufWriter::new(server));
        let serving = http1::Builder::new().serve_connection(stream, service);
        drop(tokio::spawn(serving.with_upgrades()));
        client.write_all(request.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let hello = async {
            while !String::from_utf8_lossy(&heard).contains(r#"{"type":"Hello""#) {
                assert_ne!(client.read_buf(&mut heard).await.unwrap(), 0);
            }
        };
        let heard_in_time = tokio::time::timeout(PATIENCE, hello).await;
        heard_in_time.expect("it is still in the buffer");
    });
}
