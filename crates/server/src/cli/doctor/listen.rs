//! Whether clients can connect where they should.

use super::finding::{Check, Finding};
use crate::{cli::desk::reachable, config::Config};
use std::{
    io::{self, ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Duration,
};

/// How long whoever has the address may take for each step of an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// As much of an answer as is looked at, in bytes.
const ANSWER_BYTES: u64 = 4_096;

/// Whether the address is free, or in use by a running handfast.
pub(super) fn address(config: &Config) -> Finding {
    let (check, listen) = (Check("listen"), config.listen);
    let error = match TcpListener::bind(listen) {
        Ok(listener) => {
            drop(listener);
            return check.ok(format!("{listen} is free"));
        }
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::AddrInUse if config.tls.is_some() => check.warn(
            format!("{listen} is in use; through TLS it cannot be told by what"),
            "if that is no handfast, stop it or listen elsewhere",
        ),
        ErrorKind::AddrInUse if is_handfast(listen).unwrap_or(false) => check.ok(format!(
            "{listen} is in use, as it seems by a running handfast"
        )),
        ErrorKind::AddrInUse => check.fail(
            format!("{listen} is in use by another program"),
            "stop it, or listen elsewhere",
        ),
        ErrorKind::PermissionDenied => check.fail(
            format!("this user may not listen at {listen}"),
            "take a port from 1024 up, or allow it: setcap cap_net_bind_service=+ep",
        ),
        ErrorKind::AddrNotAvailable => check.fail(
            format!("{} is no address of this machine", listen.ip()),
            "set `listen` to one that it has, or to 0.0.0.0 or [::] for all",
        ),
        _ => check.fail(
            format!("cannot listen at {listen}: {error}"),
            "listen elsewhere",
        ),
    }
}

/// Asks whoever has the address for something that only handfast has: its public keys, beside its
/// health.
fn is_handfast(listen: SocketAddr) -> io::Result<bool> {
    let keys = ask(listen, "/.well-known/jwks.json")?;
    Ok(keys.starts_with("HTTP/1.1 200 ")
        && keys.contains("application/jwk-set+json")
        && ask(listen, "/healthz")?.starts_with("HTTP/1.1 200 "))
}

fn ask(listen: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&reachable(listen), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
