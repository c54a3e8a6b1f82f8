//! Killed at any moment, and started again.

use crate::{
    client::{Client, login, present},
    server::Server,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{
        Barrier,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

/// How often the server is killed.
const KILLS: u64 = 10;
/// How many clients it has.
const CLIENTS: usize = 8;
/// How many rotations the server may do before it is killed; a different number in each round.
const ROTATIONS_BEFORE_KILL: u64 = 100;

/// What a client has stored.
struct Stored {
    token: Value,
    generation: u64,
    /// Made before the token was first presented, and kept until the next one is stored.
    attempt: String,
    /// A token that was replaced by one that this client then presented: dead for good.
    dead: Option<Value>,
}

impl Stored {
    fn begin(address: SocketAddr, name: &str) -> Self {
        let answer = Client::connect(address).unwrap().ask(&login(name)).unwrap();
        Self {
            token: answer["token"].clone(),
            generation: 0,
            attempt: attempt(name, 0),
            dead: None,
        }
    }

    /// Connects and presents what is stored; stores what comes back. `None` if the server was gone.
    fn resume(&mut self, address: SocketAddr, name: &str) -> Option<()> {
        let mut client = Client::connect(address).ok()?;
        let answer = client.ask(&present(&self.token, &self.attempt)).ok()?;
        assert_eq!(
            answer["type"], "Success",
            "{name} was refused generation {}: {answer}",
            self.generation
        );
        let generation = answer["generation"].as_u64().unwrap();
        assert_eq!(generation, self.generation + 1, "{name}");
        self.dead = Some(std::mem::replace(&mut self.token, answer["token"].clone()));
        self.generation = generation;
        self.attempt = attempt(name, generation);
        Some(())
    }
}

fn attempt(name: &str, generation: u64) -> String {
    format!("the attempt of {name} at {generation}")
}

#[test]
fn whoever_had_its_answer_resumes_after_a_kill_and_no_dead_token_lives_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path(), &[]);
    let names: Vec<String> = (0..CLIENTS)
        .map(|number| format!("client-{number}"))
        .collect();
    let mut clients: Vec<Stored> = names
        .iter()
        .map(|name| Stored::begin(server.address, name))
        .collect();
    for round in 0..KILLS {
        let rotations = AtomicU64::new(0);
        let begun = Barrier::new(CLIENTS + 1);
        let address = server.address;
        thread::scope(|scope| {
            for (name, client) in names.iter().zip(&mut clients) {
                let (rotations, begun) = (&rotations, &begun);
                scope.spawn(move || {
                    begun.wait();
                    while client.resume(address, name).is_some() {
                        rotations.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            begun.wait();
            // The clients are somewhere between connecting and storing, each at another place.
            while rotations.load(Ordering::Relaxed) < ROTATIONS_BEFORE_KILL + round {
                thread::yield_now();
            }
            server.kill();
        });
        server = Server::start(folder.path(), &[]);
    }
    for (name, client) in names.iter().zip(&mut clients) {
        client.resume(server.address, name).unwrap();
        client.resume(server.address, name).unwrap();
        let dead = client.dead.take().unwrap();
        let mut thief = Client::connect(server.address).unwrap();
        let answer = thief
            .ask(&present(&dead, "the attempt of somebody else"))
            .unwrap();
        assert_eq!(answer["reason"], "reused", "{name}");
    }
}
