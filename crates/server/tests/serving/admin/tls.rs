//! Operators of other machines.

use crate::{
    http::{self, Request},
    server::Server,
};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::CertificateDer,
};
use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::Arc,
};

const SUBJECTS: &str = "/admin/v1/subjects";

/// Makes a certificate for `localhost`, and gives the variables that name it.
fn certified(folder: &Path) -> (CertificateDer<'static>, [(&'static str, String); 2]) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let variables = [
        ("HANDFAST_TLS__CERT", write("cert.pem", made.cert.pem())),
        (
            "HANDFAST_TLS__KEY",
            write("key.pem", made.signing_key.serialize_pem()),
        ),
    ];
    (made.cert.der().clone(), variables)
}

/// Connects to this port of the machine itself, and trusts this certificate only.
fn secured(
    port: u16,
    trusted: CertificateDer<'static>,
) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    StreamOwned::new(connection, stream)
}

#[test]
fn from_other_machines_operators_are_spoken_to_with_the_certificate_only() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, variables) = certified(folder.path());
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let server = Server::exposed(folder.path(), &variables);
    let port = server.admin().port();
    let ask = |token: &str| {
        let request = Request::get(SUBJECTS).bearer(token);
        http::ask_over(secured(port, certificate.clone()), request)
    };
    assert_eq!(ask(&server.token()).status, 200);
    assert_eq!(ask("another").problem().0, 401);
    let scrape = http::ask_over(secured(port, certificate.clone()), Request::get("/metrics"));
    assert_eq!(scrape.status, 200);
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let answer = http::try_over(&mut plain, Request::get(SUBJECTS).bearer(&server.token()));
    assert!(
        !answer.starts_with(b"HTTP/"),
        "the token was taken in clear"
    );
}

#[test]
fn in_clear_they_are_spoken_to_only_where_somebody_said_so_and_the_doctor_repeats_it() {
    let folder = tempfile::tempdir().unwrap();
    let insecure = [("HANDFAST_ADMIN__INSECURE", "true")];
    let server = Server::exposed(folder.path(), &insecure);
    let address = SocketAddr::from(([127, 0, 0, 1], server.admin().port()));
    let request = Request::get(SUBJECTS).bearer(&server.token());
    assert_eq!(http::ask(address, request).status, 200);
    let doctor = Command::new(env!("CARGO_BIN_EXE_handfast"))
        .args(["doctor", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0"])
        .current_dir(&folder)
        .env_clear()
        .envs(insecure)
        .output()
        .unwrap();
    let said = String::from_utf8(doctor.stdout).unwrap();
    let line = said
        .lines()
        .find(|line| line.contains("over this network in clear"));
    assert!(line.is_some_and(|line| line.starts_with("warn")), "{said}");
}
