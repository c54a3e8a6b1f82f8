//! A host with a client and its storage.

use handfast_core::{
    client::{
        Client, ClientInput, ClientOutput, ClientState, Entropy, Initiative, Storage, Stored,
    },
    message::Secret,
    session::Generation,
    time::{Moment, Now, Timestamp},
};
use serde_json::{Value, json};

const START: u64 = 1_800_000_000;

/// A client on its storage.
pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) storage: Storage,
    pub(crate) now_ms: u64,
    pub(crate) dice: u8,
}

pub(crate) fn stored(session: &str, generation: u64) -> Stored {
    Stored {
        session: session.into(),
        generation: Generation::new(generation).expect("a small number"),
        token: Secret::new(&format!("{session}/{generation}")),
        expires_at: Timestamp::from_unix(START + 604_800),
        refresh_at: Timestamp::from_unix(START + 600),
    }
}

pub(crate) fn success(session: &str, generation: u64) -> Value {
    json!({
        "type": "Success",
        "token": format!("{session}/{generation}"),
        "expires_at": START + 604_800,
        "session": session,
        "generation": generation,
        "refresh_at": START + 600,
    })
}

pub(crate) fn answering(id: u64, mut message: Value) -> Value {
    message["id"] = id.into();
    message
}

pub(crate) fn refused(id: u64, reason: &str) -> Value {
    json!({"type": "InvalidToken", "id": id, "reason": reason})
}

impl Host {
    pub(crate) fn new(storage: Storage) -> Self {
        Self {
            client: Client::new(Initiative::Server),
            storage,
            now_ms: 0,
            dice: 0,
        }
    }

    /// A host that is connected, with generation 3 of session A stored and presented as request 1.
    pub(crate) fn presenting() -> Self {
        let mut storage = Storage::default();
        storage.begin(stored("A", 3));
        let mut host = Self::new(storage);
        host.put(ClientInput::Start);
        let sent = host.put(ClientInput::Opened);
        assert_eq!(sent.len(), 1, "{sent:?}");
        host
    }

    /// A host that goes on with session A at generation 4.
    pub(crate) fn authenticated(initiative: Initiative) -> Self {
        let mut host = Self::presenting();
        let mut client = Client::new(initiative);
        std::mem::swap(&mut host.client, &mut client);
        host.put(ClientInput::Start);
        host.put(ClientInput::Opened);
        host.hear(&answering(1, success("A", 4)));
        assert_eq!(*host.client.state(), ClientState::Authenticated);
        host
    }

    /// Gives the client an input, and says what it did: `"connect"`, a refused login, or what it sent.
    pub(crate) fn put(&mut self, input: ClientInput<'_>) -> Vec<Value> {
        self.dice = self.dice.wrapping_add(1);
        let now = Now {
            moment: Moment::from_millis(self.now_ms),
            unix: Timestamp::from_unix(START + self.now_ms / 1000),
        };
        let entropy = Entropy([self.dice; 16]);
        self.client.handle(now, entropy, &mut self.storage, input);
        let mut did = Vec::new();
        while let Some(output) = self.client.poll() {
            did.push(match output {
                ClientOutput::Connect => json!("connect"),
                ClientOutput::Send(text) => {
                    let json = text.strip_prefix('@').expect("a message");
                    serde_json::from_str(json).expect("JSON")
                }
                ClientOutput::Application(_) => json!("frame"),
                ClientOutput::LoginRefused { retry_after } => json!({"refused": retry_after}),
            });
            assert!(did.len() <= 4, "one input, endless outputs: {did:?}");
        }
        did
    }

    pub(crate) fn hear(&mut self, message: &Value) -> Vec<Value> {
        self.put(ClientInput::Text(&format!("@{message}")))
    }

    pub(crate) fn log_in(&mut self) -> Vec<Value> {
        self.put(ClientInput::Login {
            username: "ann",
            password: &Secret::new("secret"),
            register: false,
        })
    }

    pub(crate) fn kept(&self) -> Option<(&str, u64)> {
        let stored = self.storage.token();
        stored.map(|stored| (&*stored.session, stored.generation.number()))
    }
}
