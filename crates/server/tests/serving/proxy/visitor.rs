//! An honest client: the project's own client machine, behind a proxy.

use super::front::{Front, Tls};
use crate::client::Client;
use handfast::{clock::SystemClock, random};
use handfast_core::{
    client::{
        Client as Machine, ClientInput, ClientOutput, ClientState, Entropy, Initiative, Storage,
    },
    framing::V1,
    message::Secret,
    time::Clock as _,
};
use std::net::Ipv4Addr;
use tungstenite::Message;

/// How many messages may come before what is waited for.
const MESSAGES_MAX: usize = 64;

/// One tab with a storage of its own.
pub(crate) struct Visitor<'a> {
    front: &'a Front,
    machine: Machine,
    storage: Storage,
    link: Option<Client<Tls>>,
    clock: SystemClock,
}

impl<'a> Visitor<'a> {
    pub(crate) fn new(front: &'a Front) -> Self {
        Self {
            front,
            machine: Machine::new(Initiative::Server),
            storage: Storage::default(),
            link: None,
            clock: SystemClock::start(),
        }
    }

    /// Makes an account and logs in.
    pub(crate) fn log_in(&mut self, username: &str) {
        self.put(ClientInput::Start);
        self.put(ClientInput::Login {
            username,
            password: &Secret::new("correct horse"),
            register: false,
        });
        self.until(|visitor| *visitor.machine.state() == ClientState::Authenticated);
    }

    /// Loses its connection without a word, and comes back.
    pub(crate) fn come_back(&mut self) {
        self.link = None;
        self.put(ClientInput::Closed(None));
        self.put(ClientInput::Start);
        self.until(|visitor| *visitor.machine.state() == ClientState::Authenticated);
    }

    /// Waits until it stores a token of this generation.
    pub(crate) fn until_generation(&mut self, generation: u64) {
        self.until(|visitor| visitor.generation() == Some(generation));
    }

    /// The generation of its token.
    pub(crate) fn generation(&self) -> Option<u64> {
        let token = self.storage.token()?;
        Some(token.generation.number())
    }

    fn until(&mut self, is_there: impl Fn(&Self) -> bool) {
        for _ in 0..MESSAGES_MAX {
            if is_there(self) {
                return;
            }
            match self.link.as_mut().unwrap().hear().unwrap() {
                Message::Text(text) => self.put(ClientInput::Text(&text)),
                Message::Close(frame) => panic!("closed with {frame:?}"),
                Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
            }
        }
        panic!("it does not come: {:?}", self.machine.state());
    }

    fn put(&mut self, input: ClientInput<'_>) {
        let entropy = Entropy(random::bytes());
        let now = self.clock.now();
        self.machine.handle(now, entropy, &mut self.storage, input);
        while let Some(output) = self.machine.poll() {
            match output {
                ClientOutput::Connect => {
                    let offer = [("sec-websocket-protocol", V1)];
                    let connected = self.front.connect(Ipv4Addr::LOCALHOST, &offer);
                    self.link = Some(connected.unwrap().0);
                    self.put(ClientInput::Opened);
                }
                ClientOutput::Send(text) => self.link.as_mut().unwrap().send(text).unwrap(),
                ClientOutput::Application(frame) => panic!("{frame:?} of no application"),
                ClientOutput::LoginRefused { retry_after } => panic!("refused: {retry_after:?}"),
            }
        }
    }
}
