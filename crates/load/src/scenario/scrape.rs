//! What it costs a server to tell its metrics.

use super::Site;
use crate::error::{Doing, Error};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

/// How often they are asked for. The system tells processor time in steps of 10 ms.
const SCRAPES: u32 = 500;

/// The processor time that one scrape takes the server, in milliseconds; `None` where it is not known where to ask, or
/// whom it takes.
pub(super) fn cost_ms(site: &Site) -> Result<Option<f64>, Error> {
    let Some(operators) = site.operators else {
        return Ok(None);
    };
    site.watch.say("scraping");
    let mark = site.meter.mark()?;
    for _ in 0..SCRAPES {
        site.watch.beat()?;
        scrape(operators)?;
    }
    let cost = site.meter.since(mark)?;
    let cpu_seconds = cost.server_cpu_seconds;
    Ok(cpu_seconds.map(|seconds| 1000.0 * seconds / f64::from(SCRAPES)))
}

fn scrape(operators: SocketAddr) -> Result<(), Error> {
    let ask = || {
        let mut stream = TcpStream::connect(operators)?;
        let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer: std::io::Result<String> = ask();
    let answer = answer.doing(|| format!("asking {operators} for the metrics"))?;
    if answer.starts_with("HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(super::refused("GET /metrics", &answer))
    }
}
