//! How many presentations a second the embedded ledger makes durable.
//!
//! `cargo run --release -p handfast-ledger --example throughput -- [SESSIONS] [IN_FLIGHT] [SECONDS] [keep|move]`
//!
//! So many sessions exist; so many clients present at a time, each going through its own part of the sessions. With
//! `move` every presentation comes from a connection that did not own the session, as it does after a reconnect.

use handfast_core::{
    session::{
        AttemptHash, ConnectionId, Evidence, Generation, Presentation, Presented, SessionId,
        TokenPolicy,
    },
    time::{Clock, Moment, Now, Timestamp},
};
use handfast_ledger::{Create, Ledger, Origin, Present, Settings, Sqlite};
use std::{
    io::Write,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let unix = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let since_start = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        Now {
            moment: Moment::from_millis(since_start),
            unix: Timestamp::from_unix(unix.as_secs()),
        }
    }
}

#[derive(Clone, Copy)]
struct Load {
    sessions: usize,
    in_flight: usize,
    moves: bool,
    until: Instant,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| arguments.next().map_or(Ok(default), |text| text.parse());
    let (sessions, in_flight, seconds) = (number(10_000)?, number(64)?, number(5)?);
    let moves = arguments.next().is_none_or(|mode| mode == "move");
    let folder = tempfile::tempdir_in(".")?;
    let backend = Sqlite::open(&folder.path().join("ledger.db"))?;
    let policy = TokenPolicy {
        lifetime: Duration::from_secs(7 * 86_400),
        session_lifetime: Duration::from_secs(30 * 86_400),
        roll_forward: false,
    };
    let start = clock_start();
    let ledger = Ledger::start(
        backend,
        Settings { policy },
        Arc::new(SystemClock(start)),
        Arc::new(()),
    )?;
    for chunk in (0..sessions).collect::<Vec<_>>().chunks(1_000) {
        let receipts: Vec<_> = chunk
            .iter()
            .map(|&index| ledger.create(login(index)))
            .collect();
        for receipt in receipts {
            receipt.await?;
        }
    }
    let before = (ledger.counts(), clock_start(), cpu_time());
    let until = before.1 + Duration::from_secs(u64::try_from(seconds)?);
    let load = Load {
        sessions,
        in_flight,
        moves,
        until,
    };
    let clients =
        (0..in_flight).map(|client| tokio::spawn(present_on_and_on(ledger.clone(), load, client)));
    let clients: Vec<_> = clients.collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await?);
    }
    let (after, elapsed) = (ledger.counts(), before.1.elapsed().as_secs_f64());
    waits.sort_unstable();
    let count = after.answered - before.0.answered;
    let batches = after.batches - before.0.batches;
    let share = |permille: usize| waits[(waits.len() - 1) * permille / 1000];
    writeln!(
        std::io::stdout(),
        "{sessions} sessions, {in_flight} in flight: {:.0} presentations/s, {:.1} a transaction, \
         {:.1} µs of CPU each, wait p50 {:?} p99 {:?} max {:?}",
        count as f64 / elapsed,
        count as f64 / batches as f64,
        (cpu_time() - before.2) / count as f64 * 1e6,
        share(500),
        share(990),
        share(1000),
    )?;
    Ok(())
}

fn session(index: usize) -> SessionId {
    // Spread over the whole range, as random names are.
    let spread = (index as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    SessionId::from_bytes(spread.to_be_bytes())
}

fn login(index: usize) -> Create {
    Create {
        session: session(index),
        subject: format!("user-{index}").into(),
        origin: origin(),
        owner: ConnectionId { node: 1, number: 0 },
        key: None,
        sessions_max: Some(100),
    }
}

fn origin() -> Origin {
    Origin {
        address: "203.0.113.129".into(),
        agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0".into(),
    }
}

/// One client after the other, each in its turn, with an attempt key as browsers send it. Gives how long each waited.
async fn present_on_and_on(ledger: Ledger, load: Load, client: usize) -> Vec<Duration> {
    let mut waits = Vec::new();
    let sessions = (client..load.sessions).step_by(load.in_flight).cycle();
    let mut round = 0;
    for index in sessions {
        let asked = clock_start();
        if asked > load.until {
            break;
        }
        if index == client {
            round += 1;
        }
        let generation = Generation::new(round - 1).expect("so many rounds take years");
        let number = if load.moves { round } else { 0 };
        let presentation = Presentation {
            generation,
            evidence: Evidence::Attempt(AttemptHash::from_bytes([round as u8; 16])),
            connection: ConnectionId { node: 1, number },
        };
        let receipt = ledger.present(Present {
            session: session(index),
            presentation,
            origin: Some(origin()),
            deadline: Moment::from_millis(u64::MAX),
        });
        let answer = receipt.await.expect("the ledger answers");
        assert_eq!(
            answer.presented,
            Presented::Advanced,
            "session {index}, round {round}"
        );
        waits.push(asked.elapsed());
    }
    waits
}

#[expect(
    clippy::disallowed_methods,
    reason = "measuring is about the real clock"
)]
fn clock_start() -> Instant {
    Instant::now()
}

/// Seconds of processor time that this process has used, in steps of 10 ms (Linux; 0 elsewhere).
fn cpu_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = behind_name.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}
