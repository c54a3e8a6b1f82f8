//! `handfast healthcheck`: asks the running server how it is, for what watches over containers.

use super::{
    desk::reachable,
    failure::{Failure, Outcome},
    print::{ERROR, OK},
};
use crate::config::Config;
use std::{
    io::{self, Read as _, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long the server may take for each step of its answer. Of a ledger that hangs it tells after two seconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// As much of an answer as is read, in bytes.
const ANSWER_BYTES: u64 = 4_096;

/// Prints what the server says; fails if that is not that all is well. `ready` asks whether it can serve clients, rather
/// than whether it runs.
pub(super) fn run(config: &Config, ready: bool, out: &mut dyn Write) -> Result<Outcome, Failure> {
    let address = reachable(config.listen);
    let path = if ready { "/readyz" } else { "/healthz" };
    // Its certificate is not for this address, and the one that it is for may lead elsewhere.
    let asked = match (&config.tls, ready) {
        (None, _) => ask(address, path),
        (Some(_), false) => {
            connect(address).map(|_| (200, "it takes connections, by TLS".to_owned()))
        }
        (Some(_), true) => Ok((
            501,
            "by TLS this cannot be asked here: ask for /readyz by the name of the certificate"
                .to_owned(),
        )),
    };
    let (is_well, said) = match asked {
        Ok((status, said)) => (status == 200, said),
        Err(error) => (false, format!("no handfast answers at {address}: {error}")),
    };
    if is_well {
        writeln!(out, "{OK}ok{OK:#}  {said}")?;
        Ok(Outcome::Fine)
    } else {
        writeln!(out, "{ERROR}fail{ERROR:#}  {said}")?;
        Ok(Outcome::CheckFailed)
    }
}

/// The status and the body of `GET path`.
fn ask(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.strip_prefix("HTTP/1.1 ");
    let status = status.and_then(|rest| rest.get(..3)?.parse().ok());
    match (status, answer.split_once("\r\n\r\n")) {
        (Some(status), Some((_, body))) => Ok((status, body.trim().to_owned())),
        _ => Err(io::Error::other("what answers there does not speak HTTP")),
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}
