//! A server that is killed in the middle of writing, again and again.
//!
//! The server is this very program, started once more with nothing but the test below that is marked as ignored. It
//! prints what it was told, and only when it was told. The parent kills it and looks whether all that is true.
//!
//! It is a test program of its own because a process that is being started holds on, for a moment, to every lock of the
//! process that starts it.
#![expect(clippy::unwrap_used, reason = "these are tests")]

use handfast_core::session::{Evidence, Presented, Refusal};
use handfast_ledger::{
    Ledger, PresentedSession, Receipt, Sqlite,
    conformance::{attempt, create, present, revoke, session, start},
};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

/// How many presentations the server has under way.
const IN_FLIGHT: usize = 40;

/// What the server said of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// This generation was issued to who presented the one before it.
    Issued(u64),
    Revoked,
}

fn serve(file: &Path) -> Ledger {
    start(Sqlite::open(file).unwrap())
}

#[test]
fn what_was_answered_outlives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.db");
    let mut told = BTreeMap::new();
    for round in 0..6 {
        run_and_kill(&file, 50 + 173 * round, &mut told);
        let ledger = serve(&file);
        assert!(told.len() >= IN_FLIGHT);
        for (&number, &last) in &told {
            verify(&ledger, number, last);
        }
        // A thief of a dead token finds it dead. That ends the session, so only some of them are tried.
        let some = told
            .iter_mut()
            .filter(|(number, _)| **number % 7 == round % 7);
        for (&number, last) in some {
            *last = steal(&ledger, number, *last);
        }
    }
}

/// Lets a server run until it has told `lines` things and kills it; adds to `told` all that it had told by then.
fn run_and_kill(file: &Path, lines: u64, told: &mut BTreeMap<u64, Told>) {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "server_to_be_killed", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = server.stdin.take().unwrap();
    writeln!(stdin, "{}", file.display()).unwrap();
    let stdout = BufReader::new(server.stdout.take().unwrap());
    let mut count = 0;
    // After the kill, what it had written into the pipe is still there to be read.
    for line in stdout.lines() {
        let line = line.unwrap();
        let words: Vec<_> = line.split(' ').collect();
        // A line that the kill cut short promises nothing.
        let (number, last) = match words[..] {
            ["issued", number, generation, "."] => {
                (number, Told::Issued(generation.parse().unwrap()))
            }
            ["revoked", number, "."] => (number, Told::Revoked),
            _ => continue,
        };
        told.insert(number.parse().unwrap(), last);
        count += 1;
        if count == lines {
            server.kill().unwrap();
        }
    }
    assert!(count >= lines, "it ended by itself");
    server.wait().unwrap();
}

/// The attempt key that session `number`'s client has for `generation`.
fn key(number: u64, generation: u64) -> Evidence {
    attempt(number << 32 | generation)
}

/// A client that had its answer resumes; one that was told its session is over cannot.
fn verify(ledger: &Ledger, number: u64, last: Told) {
    let record = ledger
        .session(session(number))
        .wait()
        .unwrap()
        .unwrap()
        .record;
    match last {
        Told::Revoked => {
            assert!(record.revoked.is_some(), "session {number} lives again");
            let answer = ledger.present(present(number, record.issued.number(), key(number, 0), 1));
            let answer = answer.wait().unwrap().presented;
            assert_eq!(answer, Presented::Refused(Refusal::Revoked));
        }
        Told::Issued(generation) => {
            assert!(
                record.issued.number() >= generation,
                "session {number} went back"
            );
            // A revocation may have been committed whose answer the kill cut off.
            if record.revoked.is_none() {
                let asked = present(number, generation, key(number, generation), 1);
                let answer = ledger.present(asked).wait().unwrap().presented;
                let accepted = matches!(answer, Presented::Advanced | Presented::AnsweredAgain);
                assert!(
                    accepted,
                    "session {number}, generation {generation}: {answer:?}"
                );
            }
        }
    }
}

/// Presents the generation before the last as somebody else would.
fn steal(ledger: &Ledger, number: u64, last: Told) -> Told {
    if let Told::Issued(generation @ 1..) = last {
        let asked = present(number, generation - 1, attempt(u64::MAX), 666);
        let answer = ledger.present(asked).wait().unwrap().presented;
        let refused = Presented::Refused(Refusal::Reused);
        let gone = Presented::Refused(Refusal::Revoked);
        assert!(
            answer == refused || answer == gone,
            "a dead token lives: {answer:?}"
        );
        return Told::Revoked;
    }
    last
}

#[test]
#[ignore = "this is the server that another test starts and kills"]
fn server_to_be_killed() {
    let mut file = String::new();
    std::io::stdin().read_line(&mut file).unwrap();
    if file.trim().is_empty() {
        return;
    }
    let ledger = serve(Path::new(file.trim()));
    let mut numbers = 0..;
    // While the answers of one half are told, those of the other are on their way.
    let mut groups = [(); 2].map(|()| Group::default());
    loop {
        for group in &mut groups {
            group.tell(&ledger);
            group.ask(&ledger, &mut numbers);
        }
    }
}

/// Clients that present together.
#[derive(Default)]
struct Group {
    /// Sessions and the generations that their clients hold.
    clients: Vec<(u64, u64)>,
    asked: Vec<(u64, Receipt<PresentedSession>)>,
}

impl Group {
    fn ask(&mut self, ledger: &Ledger, numbers: &mut impl Iterator<Item = u64>) {
        while self.clients.len() < IN_FLIGHT / 2 {
            let number = numbers.next().unwrap();
            self.clients.extend(client(ledger, number));
        }
        let asked = self.clients.drain(..).map(|(number, generation)| {
            let asked = present(number, generation, key(number, generation), generation);
            (number, ledger.present(asked))
        });
        self.asked.extend(asked);
    }

    fn tell(&mut self, ledger: &Ledger) {
        let mut stdout = std::io::stdout().lock();
        for (number, receipt) in self.asked.drain(..) {
            let issued = receipt.wait().unwrap().record.unwrap().issued.number();
            writeln!(stdout, "issued {number} {issued} .").unwrap();
            if number % 3 == 0 && issued % 5 == 4 {
                ledger.revoke(revoke(number)).wait().unwrap();
                writeln!(stdout, "revoked {number} .").unwrap();
            } else {
                self.clients.push((number, issued));
            }
        }
    }
}

/// The client of session `number`, which is made if there is none, unless it was revoked.
fn client(ledger: &Ledger, number: u64) -> Option<(u64, u64)> {
    let found = ledger.session(session(number)).wait().unwrap();
    let record = match found {
        Some(found) => found.record,
        None => ledger.create(create(number, "alice")).wait().unwrap(),
    };
    let live = record.revoked.is_none();
    live.then(|| (number, record.issued.number()))
}
