//! TLS without a proxy in front.

use crate::{
    client::Client,
    node::{Node, Plan},
};
use handfast::{Serving, tls};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs};
use std::{net::TcpStream, sync::Arc};

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
