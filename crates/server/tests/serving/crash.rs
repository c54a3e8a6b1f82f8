//! Killed at any moment, and started again.

use crate::{
    client::{Client, login, present},
    dice::Dice,
    server::Server,
};
use handfast_ledger::conformance::service::PostgresServer;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::Path,
    sync::{Barrier, mpsc},
    thread,
};

/// How many clients the server has.
const CLIENTS: usize = 8;
/// The server is killed when its clients have done fewer things than this; how many, the dice say.
const ACTS_BEFORE_KILL: usize = 200;
/// Where the dice begin unless it is said.
const SEED: u64 = 1;
/// How often it is killed in the long run unless it is said.
const CYCLES: u64 = 1_000;
/// After how many it tells how far it is.
const TELL: u64 = 250;

/// How often, and from which seed.
#[derive(Clone, Copy)]
struct Run {
    cycles: u64,
    seed: u64,
}

/// Somebody, and what its browser has stored.
struct Person {
    name: String,
    dice: Dice,
    held: Option<Held>,
    /// Tokens of sessions whose end was answered.
    ended: Vec<Value>,
    sessions: u64,
}

/// A session's newest token.
struct Held {
    token: Value,
    generation: u64,
    /// Made before the token was first presented, and kept until the next one is stored.
    attempt: String,
    /// A token before this one, dead for good.
    dead: Option<Value>,
    /// A logout was sent and not answered.
    leaving: bool,
}

/// The server was gone before it answered.
struct Gone;

impl Person {
    fn new(number: usize, seed: u64) -> Self {
        Self {
            name: format!("client-{number}"),
            dice: Dice::new(seed, number as u64),
            held: None,
            ended: Vec::new(),
            sessions: 0,
        }
    }

    fn ask(&self, address: SocketAddr, message: &Value) -> Result<Value, Gone> {
        let mut client = Client::connect(address).map_err(|_| Gone)?;
        client.ask(message).map_err(|_| Gone)
    }

    /// One thing that people do.
    fn act(&mut self, address: SocketAddr) -> Result<(), Gone> {
        if self.held.is_none() {
            self.log_in(address)
        } else if self.dice.percent(8) {
            self.log_out(address)
        } else {
            self.resume(address)
        }
    }

    fn log_in(&mut self, address: SocketAddr) -> Result<(), Gone> {
        let answer = self.ask(address, &login(&self.name))?;
        let kind = answer["type"].as_str();
        assert!(
            matches!(kind, Some("Success" | "Registered")),
            "{}: {answer}",
            self.name
        );
        self.sessions += 1;
        self.held = Some(Held {
            token: answer["token"].clone(),
            generation: 0,
            attempt: self.attempt(0),
            dead: None,
            leaving: false,
        });
        Ok(())
    }

    fn attempt(&self, generation: u64) -> String {
        format!("{} in session {} at {generation}", self.name, self.sessions)
    }

    /// Presents what is stored, and stores what comes back.
    fn resume(&mut self, address: SocketAddr) -> Result<(), Gone> {
        let held = self.held.as_ref().expect("a session");
        let answer = self.ask(address, &present(&held.token, &held.attempt))?;
        let (name, generation) = (&self.name, held.generation);
        if held.leaving && answer["reason"] == "revoked" {
            self.ended.push(held.token.clone());
            self.held = None;
            return Ok(());
        }
        assert_eq!(
            answer["type"], "Success",
            "{name} was refused generation {generation}: {answer}"
        );
        assert_eq!(answer["generation"], json!(generation + 1), "{name}");
        let attempt = self.attempt(generation + 1);
        let held = self.held.as_mut().expect("a session");
        held.dead = Some(std::mem::replace(&mut held.token, answer["token"].clone()));
        held.generation = generation + 1;
        held.attempt = attempt;
        // A logout that was not answered and has not happened will not happen any more.
        held.leaving = false;
        Ok(())
    }

    /// Presents, and logs out on the same connection.
    fn log_out(&mut self, address: SocketAddr) -> Result<(), Gone> {
        self.resume(address)?;
        let Some(held) = self.held.as_mut() else {
            return Ok(());
        };
        held.leaving = true;
        let presenting = present(&held.token, &held.attempt);
        let mut client = Client::connect(address).map_err(|_| Gone)?;
        client.ask(&presenting).map_err(|_| Gone)?;
        let mut answer = client.ask(&json!({"type": "Logout"})).map_err(|_| Gone)?;
        // A beat may have sent the token once more.
        while answer["type"] == "Success" {
            answer = client.receive().map_err(|_| Gone)?;
        }
        assert_eq!(answer["type"], "LoggedOut", "{}", self.name);
        let held = self.held.take().expect("a session");
        self.ended.extend(held.dead);
        self.ended.push(held.token);
        Ok(())
    }

    /// After a start: what ended is over, and now and then, that a thief with a dead token is found out.
    fn check(&mut self, address: SocketAddr) {
        let strange = |token: &Value| present(token, "the attempt of somebody else");
        for token in self.ended.drain(..) {
            let mut client = Client::connect(address).unwrap();
            let answer = client.ask(&strange(&token)).unwrap();
            assert_eq!(
                answer["reason"], "revoked",
                "{}: a session that had ended",
                self.name
            );
        }
        let dead = self.held.as_ref().and_then(|held| held.dead.clone());
        let Some(dead) = dead.filter(|_| self.dice.percent(20)) else {
            return;
        };
        // Once more, so that the dead token is behind whatever the crash left open.
        self.resume(address).ok().expect("a server that runs");
        let Some(held) = self.held.take() else { return };
        let answer = self.ask(address, &strange(&dead)).ok().expect("an answer");
        assert_eq!(answer["reason"], "reused", "{}: a dead token", self.name);
        self.ended.push(held.token);
    }
}

/// Kills the server that `start` starts again and again while people use it.
fn crash(run: Run, ledger: &str, start: impl Fn() -> Server) {
    let Run { cycles, seed } = run;
    let mut people: Vec<Person> = (0..CLIENTS)
        .map(|number| Person::new(number, seed))
        .collect();
    let mut dice = Dice::new(seed, CLIENTS as u64);
    for cycle in 0..cycles {
        let server = start();
        let address = server.address;
        people.iter_mut().for_each(|person| person.check(address));
        let (acted, acts) = mpsc::channel();
        let begun = Barrier::new(CLIENTS + 1);
        let enough = dice.below(ACTS_BEFORE_KILL);
        thread::scope(|scope| {
            for person in &mut people {
                let (acted, begun) = (acted.clone(), &begun);
                scope.spawn(move || {
                    begun.wait();
                    while person.act(address).is_ok() {
                        acted.send(()).expect("a test that counts");
                    }
                });
            }
            drop(acted);
            begun.wait();
            // The clients are somewhere between connecting and storing, each at another place.
            let all_were_in = acts.iter().take(enough).count() == enough;
            assert!(
                all_were_in,
                "seed {seed}, cycle {cycle}: it ended by itself"
            );
            server.kill();
        });
        let killed = cycle + 1;
        if killed.is_multiple_of(TELL) {
            eprintln!("{ledger}: killed {killed} times of {cycles}");
        }
    }
    let all_got_in = people.iter().all(|person| person.sessions > 0);
    assert!(
        cycles == 0 || all_got_in,
        "seed {seed}: somebody never got in"
    );
    let server = start();
    for person in &mut people {
        person.check(server.address);
        let outcome = person.act(server.address);
        assert!(outcome.is_ok(), "seed {seed}: {} is out", person.name);
    }
}

fn on_sqlite(run: Run) {
    let folder = tempfile::tempdir().unwrap();
    crash(run, "SQLite", || Server::start(folder.path(), &[]));
}

fn on_postgres(run: Run) {
    let database = PostgresServer::shared().database();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("HANDFAST_LEDGER__URL", database.expose())];
    crash(run, "PostgreSQL", || {
        Server::start(Path::new(folder.path()), &variables)
    });
}

#[test]
fn whoever_had_its_answer_resumes_after_a_kill_and_no_dead_token_lives_again() {
    on_sqlite(Run {
        cycles: 50,
        seed: SEED,
    });
}

#[test]
fn on_a_database_as_well_whoever_had_its_answer_resumes_after_a_kill() {
    on_postgres(Run {
        cycles: 25,
        seed: SEED,
    });
}

#[test]
#[ignore = "it takes long: `cargo xtask crash` runs it"]
fn on_either_ledger_and_however_often_it_is_killed_nothing_that_was_answered_is_lost() {
    let run = Run {
        cycles: number("HANDFAST_CRASH_CYCLES", CYCLES),
        seed: number("HANDFAST_CRASH_SEED", SEED),
    };
    thread::scope(|scope| {
        scope.spawn(|| on_sqlite(run));
        on_postgres(run);
    });
}

#[expect(clippy::disallowed_methods, reason = "it says how long a run is to be")]
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap())
}
