//! TLS without a proxy in front.

use crate::{client::Client, node::Plan};
use handfast::{Serving, tls};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs};
use std::{net::TcpStream, sync::Arc};

#[test]
fn a_session_lives_over_tls_as_well() {
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
    let node = Plan {
        serving: serving.into(),
        ..Plan::default()
    }
    .start();

    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let config = Arc::new(config);
    let connect = || {
        let session =
            ClientConnection::new(Arc::clone(&config), "localhost".try_into().unwrap()).unwrap();
        let stream = StreamOwned::new(session, TcpStream::connect(node.address).unwrap());
        Client::on(stream, node.address, Some("handfast.v1"))
    };
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
