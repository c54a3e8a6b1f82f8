//! Cookies in bad times.

use super::{Browser, FIRST, OTHER, SECOND, fate, node, plan, set_cookies};
use crate::{client::closed, node::Node};
use handfast::{
    Builder,
    clock::SystemClock,
    credentials::{AccountCredentials, PasswordSettings},
    keys::{Algorithm, KeyRing, LiveKeys},
    password::HashCost,
};
use handfast_core::time::Clock as _;
use handfast_ledger::{
    Access, Backend, Memory, StorageError, StorageFault, accounts::MemoryAccounts,
};
use serde_json::json;
use std::{
    io::Write as _,
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

#[test]
fn a_session_that_presents_too_often_is_told_so_and_keeps_its_cookie() {
    let node = node();
    let mut browser = Browser::of(&node);
    browser.log_in("ada");
    for _ in 0..6 {
        assert_eq!(browser.connect_in_vain(FIRST).receive()["generation"], 1);
    }
    let (mut client, response) = browser.upgrade(FIRST, Some("handfast.v1"));
    assert_eq!(client.receive()["type"], "TooManyRequests");
    assert_eq!(fate(&set_cookies(&response)), "left");
    let next = client.ask(&json!({"type": "Sessions"}));
    assert_eq!(next["type"], "NotLoggedIn");
}

#[test]
fn a_connection_that_finds_no_place_takes_the_session_from_nobody() {
    let node = plan(|settings| settings.addresses.connections = Some(1)).start();
    let mut browser = Browser::of(&node);
    let mut owner = browser.log_in("ada");
    let (mut client, response) = browser.upgrade(FIRST, Some("handfast.v1"));
    assert_eq!(client.closed(), closed(4429, "address"));
    assert_eq!(fate(&set_cookies(&response)), "left");
    let listed = owner.ask(&json!({"type": "Sessions"}));
    assert_eq!(listed["sessions"][0]["current"], true);
}

#[test]
fn a_client_that_left_before_its_answer_leaves_nothing_behind() {
    let node = node();
    let mut browser = Browser::of(&node);
    let mut owner = browser.log_in("ada");
    drop(asking(&browser, FIRST));
    // Whether it was decided or withdrawn, the same attempt gets the same answer.
    assert_eq!(browser.connect(FIRST).receive()["generation"], 1);
    assert_eq!(owner.closed(), closed(4409, "superseded"));
    assert_eq!(browser.connect(SECOND).receive()["generation"], 2);
}

/// Asks for an upgrade under this attempt key, and reads no answer.
fn asking(browser: &Browser, attempt: &str) -> TcpStream {
    let mut stream = TcpStream::connect(browser.address).unwrap();
    let (origin, cookies) = (browser.origin(), browser.cookies());
    let request = format!(
        "GET /ws/?attempt={attempt} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nOrigin: {origin}\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookies}\r\n\r\n",
        browser.address
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// A ledger in memory that fails while it is told to, and waits while somebody holds its gate.
struct Troubled {
    memory: Memory,
    fails: Arc<AtomicBool>,
    gate: Arc<Mutex<()>>,
}

impl Backend for Troubled {
    type Transaction<'a> = <Memory as Backend>::Transaction<'a>;

    fn begin(&mut self, access: Access) -> Result<Self::Transaction<'_>, StorageError> {
        drop(self.gate.lock().unwrap());
        if self.fails.load(Ordering::SeqCst) {
            return Err(StorageError::new(StorageFault::Full, "no room"));
        }
        self.memory.begin(access)
    }
}

/// A node on such a ledger, with what makes it fail and what makes it wait.
fn troubled() -> (Node, Arc<AtomicBool>, Arc<Mutex<()>>) {
    let (fails, gate) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let ledger = Troubled {
        memory: Memory::new(),
        fails: Arc::clone(&fails),
        gate: Arc::clone(&gate),
    };
    let clock = Arc::new(SystemClock::start());
    let ring = KeyRing::ephemeral(Algorithm::Hs256, clock.now().unix);
    let passwords = PasswordSettings {
        cost: HashCost {
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
        },
        ..PasswordSettings::default()
    };
    let accounts = AccountCredentials::start(Arc::new(MemoryAccounts::new()), passwords, clock);
    let keys = Arc::new(LiveKeys::new(ring));
    let builder = Builder::new(ledger, Arc::new(accounts.unwrap()), keys);
    (plan(|_| {}).start_on(builder), fails, gate)
}

#[test]
fn a_presentation_whose_client_left_before_it_was_decided_is_withdrawn() {
    let (node, _, gate) = troubled();
    let until_there_are = |count| {
        while node.handfast.connections() != count {
            thread::yield_now();
        }
    };
    let mut browser = Browser::of(&node);
    let owner = browser.log_in("ada");
    let held = gate.lock().unwrap();
    let left = asking(&browser, FIRST);
    until_there_are(2);
    drop(left);
    until_there_are(1);
    drop(held);
    assert_eq!(
        browser.connect(OTHER).receive()["generation"],
        1,
        "nobody had consumed it"
    );
    drop(owner);
}

#[test]
fn a_ledger_that_cannot_answer_lets_the_upgrade_pass_and_the_cookie_stay() {
    let (node, fails, _) = troubled();
    let mut browser = Browser::of(&node);
    browser.log_in("ada");

    fails.store(true, Ordering::SeqCst);
    let (mut client, response) = browser.upgrade(FIRST, Some("handfast.v1"));
    assert_eq!(client.receive()["type"], "Unavailable");
    assert_eq!(fate(&set_cookies(&response)), "left");

    fails.store(false, Ordering::SeqCst);
    assert_eq!(browser.connect(FIRST).receive()["generation"], 1);
}
