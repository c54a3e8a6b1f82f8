//! A proxy as `deploy` sets it up, in front of servers of the test's own.

use crate::client::{Client, PATIENCE};
use handfast_ledger::conformance::service::{Process, Program};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto::aws_lc_rs};
use socket2::{Domain, Socket, Type};
use std::{
    ffi::OsString,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
};
use tempfile::TempDir;
use tungstenite::{
    Error,
    client::IntoClientRequest as _,
    http::{HeaderMap, HeaderName},
};

/// A client's connection to a proxy.
pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// Debian keeps servers where other users than root do not look.
const LAUNCH: &str = r#"PATH="$PATH:/usr/sbin" exec "$@""#;

/// What nginx needs around the file of `deploy`: one process, and nothing outside of its folder.
const NGINX: &str = "\
daemon off;
user root;
pid FOLDER/pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    include FOLDER/handfast.conf;
}
";

/// What Caddy needs before the file of `deploy`.
const CADDY: &str = "\
{
    admin off
    auto_https disable_redirects
    skip_install_trust
}
";

/// A proxy that `deploy` has a file for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nginx,
    Haproxy,
    Caddy,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Nginx, Self::Haproxy, Self::Caddy];

    /// The file, as its reader gets it.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Self::Nginx => include_str!("../../../../../deploy/nginx/handfast.conf"),
            Self::Haproxy => include_str!("../../../../../deploy/haproxy/haproxy.cfg"),
            Self::Caddy => include_str!("../../../../../deploy/caddy/Caddyfile"),
        }
    }
}

/// A file of `deploy` with what is the test's own in place of what its reader would change.
struct Derived(String);

impl Derived {
    /// Replaces what must stand there.
    fn with(self, written: &str, here: impl AsRef<str>) -> Self {
        assert!(self.0.contains(written), "no {written} in {}", self.0);
        Self(self.0.replace(written, here.as_ref()))
    }
}

/// A running proxy. Dropping it ends it.
pub(crate) struct Front {
    // Ended before its folder goes.
    pub(crate) process: Process,
    port: u16,
    trusting: Arc<ClientConfig>,
    _folder: TempDir,
}

impl Front {
    /// Starts a proxy on a free port, in front of `node`.
    pub(crate) fn start(kind: Kind, node: SocketAddr) -> Self {
        Self::changed(kind, &[node], &[])
    }

    /// The same in front of several nodes, with `changes` made to the file: what is written there, and what instead.
    pub(crate) fn changed(kind: Kind, nodes: &[SocketAddr], changes: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trusting = certificate(folder.path());
        let (process, port) = Process::start_on_free_port(|port| {
            let derived = Derived(kind.file().to_owned());
            let derived = changes.iter().fold(derived, |derived, (written, here)| {
                derived.with(written, here)
            });
            match kind {
                Kind::Nginx => nginx(derived, folder.path(), port, nodes),
                Kind::Haproxy => haproxy(derived, folder.path(), port, nodes),
                Kind::Caddy => caddy(derived, folder.path(), port, nodes),
            }
        });
        Self {
            process,
            port,
            trusting,
            _folder: folder,
        }
    }

    /// The origin of the pages that this proxy serves.
    pub(crate) fn origin(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Connects from that address of this machine with these headers. Gives the answer's headers, too.
    pub(crate) fn connect(
        &self,
        source: Ipv4Addr,
        headers: &[(&'static str, &str)],
    ) -> Result<(Client<Tls>, HeaderMap), Error> {
        let url = format!("wss://localhost:{}/ws/", self.port);
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((source, 0)).into())?;
        socket.connect(&SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)).into())?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = "localhost".try_into().unwrap();
        let session = ClientConnection::new(Arc::clone(&self.trusting), name).unwrap();
        Client::on(StreamOwned::new(session, socket.into()), request)
    }
}

/// Makes a certificate for `localhost` in `folder`, and a client that trusts no other.
fn certificate(folder: &Path) -> Arc<ClientConfig> {
    let names = ["localhost".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).unwrap();
    let (cert_pem, key_pem) = (cert.pem(), signing_key.serialize_pem());
    fs::write(folder.join("cert.pem"), &cert_pem).unwrap();
    fs::write(folder.join("key.pem"), &key_pem).unwrap();
    // HAProxy takes both in one file.
    fs::write(folder.join("both.pem"), cert_pem + &key_pem).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn nginx<'a>(derived: Derived, folder: &'a Path, port: u16, nodes: &[SocketAddr]) -> Program<'a> {
    let path = folder.display().to_string();
    let Derived(text) = derived
        .with("listen 443 ssl", format!("listen 127.0.0.1:{port} ssl"))
        .with(
            "/etc/ssl/certs/chat.example.com.pem",
            format!("{path}/cert.pem"),
        )
        .with(
            "/etc/ssl/private/chat.example.com.key",
            format!("{path}/key.pem"),
        )
        .with("127.0.0.1:9001", nodes[0].to_string());
    fs::write(folder.join("handfast.conf"), text).unwrap();
    let main = folder.join("nginx.conf");
    fs::write(&main, NGINX.replace("FOLDER", &path)).unwrap();
    let command = ["nginx".into(), "-c".into(), main.into()];
    program(command.into(), folder, "start worker process ")
}

fn haproxy<'a>(derived: Derived, folder: &'a Path, port: u16, nodes: &[SocketAddr]) -> Program<'a> {
    let node = |number: usize| nodes[number % nodes.len()].to_string();
    let Derived(text) = derived
        .with("bind :443", format!("bind 127.0.0.1:{port}"))
        .with(
            "/etc/haproxy/certs/",
            folder.join("both.pem").display().to_string(),
        )
        .with("maxconn 20000", "maxconn 200")
        .with("node1:9001", node(0))
        .with("node2:9001", node(1))
        .with("node3:9001", node(2));
    let file = folder.join("haproxy.cfg");
    fs::write(&file, text).unwrap();
    let command = [
        "haproxy".into(),
        "-W".into(),
        "-db".into(),
        "-f".into(),
        file.into(),
    ];
    program(command.into(), folder, "Loading success")
}

fn caddy<'a>(derived: Derived, folder: &'a Path, port: u16, nodes: &[SocketAddr]) -> Program<'a> {
    let path = folder.display().to_string();
    let site = format!("https://localhost:{port}");
    let listener =
        format!("bind 127.0.0.1\n\ttls {path}/cert.pem {path}/key.pem\n\treverse_proxy ");
    let Derived(text) = derived
        .with("chat.example.com", site)
        .with("reverse_proxy ", listener)
        .with("127.0.0.1:9001", nodes[0].to_string());
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{CADDY}{text}")).unwrap();
    let mut command: Vec<OsString> = vec!["env".into(), format!("HOME={path}").into()];
    command.extend(["caddy", "run", "--adapter", "caddyfile", "--config"].map(OsString::from));
    command.push(file.into());
    program(command, folder, "serving initial configuration")
}

fn program<'a>(command: Vec<OsString>, folder: &'a Path, ready: &'a str) -> Program<'a> {
    let launched = ["sh", "-c", LAUNCH, "sh"].map(OsString::from).into_iter();
    Program {
        command: launched.chain(command).collect(),
        folder,
        ready,
        last_signal: "TERM",
    }
}
