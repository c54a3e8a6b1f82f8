//! One server after another on the same data, under clients that come back by themselves.

use crate::{
    client::{Client, login, present},
    server::Server,
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

/// How often the server is replaced.
const RESTARTS: u64 = 6;
/// How many clients it has.
const CLIENTS: usize = 8;
/// How many rotations there are between two restarts, at least.
const ROTATIONS: u64 = 60;

/// Where the server is, and whether it is the last one.
struct Place {
    address: Mutex<SocketAddr>,
    is_last: AtomicBool,
    rotations: AtomicU64,
}

/// A client that rotates its token as fast as it can, and stores it.
struct Stored {
    name: String,
    token: Value,
    generation: u64,
}

impl Stored {
    fn begin(address: SocketAddr, name: String) -> Self {
        let answer = Client::connect(address).unwrap().ask(&login(&name));
        Self {
            token: answer.unwrap()["token"].clone(),
            generation: 0,
            name,
        }
    }

    /// Presents on this connection until it is closed.
    fn rotate_on(&mut self, mut client: Client, place: &Place) {
        loop {
            let attempt = format!("the attempt of {} at {}", self.name, self.generation);
            let Ok(answer) = client.ask(&present(&self.token, &attempt)) else {
                return;
            };
            assert_eq!(
                (&answer["type"], answer["generation"].as_u64()),
                (&Value::from("Success"), Some(self.generation + 1)),
                "{}: {answer}",
                self.name
            );
            self.generation += 1;
            self.token = answer["token"].clone();
            place.rotations.fetch_add(1, Ordering::Relaxed);
            if place.is_last.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// Connects and rotates, whatever server there is, until the last one.
    fn live(&mut self, place: &Place) {
        loop {
            let is_last = place.is_last.load(Ordering::Relaxed);
            let address = *place.address.lock().unwrap();
            let before = self.generation;
            match Client::connect(address) {
                Ok(client) => self.rotate_on(client, place),
                Err(_) => thread::yield_now(),
            }
            if is_last && self.generation > before {
                return;
            }
        }
    }
}

#[test]
fn servers_that_are_replaced_log_nobody_out_and_lose_no_rotation() {
    let folder = tempfile::tempdir().unwrap();
    let start = || Server::start(folder.path(), &[("HANDFAST_DRAIN__SPREAD", "200ms")]);
    let mut server = start();
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|number| Stored::begin(server.address, format!("client-{number}")))
        .collect();
    let place = Place {
        address: Mutex::new(server.address),
        is_last: AtomicBool::new(false),
        rotations: AtomicU64::new(0),
    };
    let last = thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(|| client.live(&place));
        }
        for restart in 1..=RESTARTS {
            while place.rotations.load(Ordering::Relaxed) < restart * ROTATIONS {
                thread::yield_now();
            }
            server.signal("TERM");
            assert!(server.ended());
            server = start();
            *place.address.lock().unwrap() = server.address;
        }
        place.is_last.store(true, Ordering::Relaxed);
        server
    });
    drop(last);
    // Every one of them has come back to the last server with what it had stored.
    assert!(clients.iter().all(|client| client.generation > 0));
}
