//! An honest browser: tabs that run the project's own client machine on one storage.

use super::{Connection, Dice, Heard, Registry};
use handfast::clock::SystemClock;
use handfast_core::{
    client::{Client, ClientInput, ClientOutput, ClientState, Entropy, Initiative, Storage},
    message::Secret,
    time::{Clock as _, Moment, Now},
};
use serde_json::Value;
use std::{net::SocketAddr, time::Duration};

/// The password of every browser's account.
pub(crate) const PASSWORD: &str = "correct horse";
/// How many messages may come before the one that is waited for.
const MESSAGES_MAX: usize = 64;
/// How many connections in a hundred break after some bytes.
const BREAKS: usize = 15;
/// After how many bytes at the latest.
const BREAKS_WITHIN: usize = 3_000;

/// Where browsers are.
pub(crate) trait Surroundings: Sync {
    /// An address to connect to.
    fn address(&self, dice: &mut Dice) -> SocketAddr;
    /// How long a browser waits for an answer before it gives the connection up.
    fn patience(&self) -> Duration;
    /// Whether connections break.
    fn is_rough(&self) -> bool;
    /// Who notes what browsers see.
    fn registry(&self) -> &Registry;
    /// Notes that a token is presented.
    fn presents(&self);
}

/// Tabs that share a storage. Its time passes when it waits for something, and at no other time.
pub(crate) struct Browser<'a> {
    surroundings: &'a dyn Surroundings,
    pub(crate) name: String,
    pub(crate) storage: Storage,
    tabs: Vec<Tab>,
    dice: Dice,
    now: Moment,
}

struct Tab {
    client: Client,
    link: Option<Connection>,
    /// The session that this connection was given a token of.
    session: Option<String>,
    /// The session that was presented on this connection.
    presented: Option<String>,
    /// How many requests on this connection wait for their answers.
    asked: usize,
}

impl Tab {
    fn new(dice: &mut Dice) -> Self {
        let initiative = if dice.percent(50) {
            Initiative::Server
        } else {
            Initiative::Client
        };
        Self {
            client: Client::new(initiative),
            link: None,
            session: None,
            presented: None,
            asked: 0,
        }
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(surroundings: &'a dyn Surroundings, number: u64, mut dice: Dice) -> Self {
        Self {
            surroundings,
            name: format!("browser-{number}"),
            storage: Storage::default(),
            tabs: vec![Tab::new(&mut dice)],
            dice,
            now: Moment::default(),
        }
    }

    /// Does something. `may_log_out` is whether it may end its session.
    pub(crate) fn turn(&mut self, may_log_out: bool) {
        self.overhear();
        let tab = self.dice.below(self.tabs.len());
        match self.dice.below(100) {
            0..45 => self.advance(tab),
            45..60 => {
                self.hang_up(tab);
                self.advance(tab);
            }
            60..68 => {
                self.crash(tab);
                self.advance(tab);
            }
            68..84 => self.refresh(tab),
            84..90 if self.tabs.len() == 1 => {
                self.open_tab();
                self.advance(1);
            }
            84..90 => drop(self.tabs.remove(tab)),
            90..97 => self.present_in_all_tabs(),
            97.. if may_log_out => self.log_out(tab),
            _ => {}
        }
    }

    /// Comes back when all is well again, in one tab and then in another, and stays. Whoever was logged out logs in.
    pub(crate) fn come_to_rest(&mut self) {
        self.overhear();
        for tab in 0..self.tabs.len() {
            self.crash(tab);
        }
        self.tabs.truncate(1);
        self.reach_rest(0);
        self.open_tab();
        self.reach_rest(1);
        self.is_superseded(0);
        self.tabs.remove(0);
    }

    /// Whoever had the session before is told that it has not any more.
    fn is_superseded(&mut self, tab: usize) {
        for _ in 0..MESSAGES_MAX {
            let Some(link) = &mut self.tabs[tab].link else {
                return;
            };
            let heard = link.hear();
            match &heard {
                Heard::Closed(code) => assert_eq!(*code, Some(4409), "{}", self.name),
                Heard::Silence => panic!("{} has two owners", self.name),
                Heard::Text(_) => {}
            }
            self.take(tab, heard);
        }
        panic!("{} has two owners", self.name);
    }

    /// Whether its first tab is logged in.
    pub(crate) fn is_logged_in(&self) -> bool {
        let state = self.tabs[0].client.state();
        *state == ClientState::Authenticated
    }

    fn reach_rest(&mut self, tab: usize) {
        for _ in 0..MESSAGES_MAX {
            match self.tabs[tab].client.state() {
                ClientState::Authenticated => return,
                ClientState::Waiting { .. }
                | ClientState::Connecting
                | ClientState::LoggedOut(_)
                | ClientState::Authenticating => self.advance(tab),
            }
        }
        panic!(
            "{} is kept out: {:?}",
            self.name,
            self.tabs[tab].client.state()
        );
    }

    fn open_tab(&mut self) {
        let tab = Tab::new(&mut self.dice);
        self.tabs.push(tab);
    }

    /// Takes the next step to being logged in.
    fn advance(&mut self, tab: usize) {
        let client = &self.tabs[tab].client;
        match (client.state().clone(), client.deadline()) {
            (ClientState::Waiting { until: None }, _) => self.put(tab, ClientInput::Start),
            // Another tab has logged in meanwhile.
            (ClientState::LoggedOut(_), _) if self.storage.token().is_some() => {
                self.crash(tab);
                self.put(tab, ClientInput::Start);
            }
            (ClientState::LoggedOut(_), _) => {
                let password = Secret::new(PASSWORD);
                let username = &self.name.clone();
                let login = ClientInput::Login {
                    username,
                    password: &password,
                    register: false,
                };
                self.put(tab, login);
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                self.put(tab, ClientInput::Tick);
            }
            (_, None) => {}
        }
        self.settle(tab);
    }

    /// Listens until all is answered that was asked on a connection.
    fn settle(&mut self, tab: usize) {
        for _ in 0..MESSAGES_MAX {
            let Tab { asked, link, .. } = &mut self.tabs[tab];
            match link {
                Some(link) if *asked > 0 => {
                    let heard = link.hear();
                    self.take(tab, heard);
                }
                Some(_) | None => return,
            }
        }
        panic!("{} hears everything but an answer", self.name);
    }

    fn refresh(&mut self, tab: usize) {
        self.put(tab, ClientInput::Refresh);
        self.settle(tab);
    }

    /// All tabs present before any of them hears an answer.
    fn present_in_all_tabs(&mut self) {
        for tab in 0..self.tabs.len() {
            match self.tabs[tab].client.state() {
                ClientState::Authenticated => self.put(tab, ClientInput::Refresh),
                ClientState::Waiting { .. } => self.put(tab, ClientInput::Start),
                ClientState::Connecting
                | ClientState::LoggedOut(_)
                | ClientState::Authenticating => {}
            }
        }
        for tab in (0..self.tabs.len()).rev() {
            self.settle(tab);
        }
    }

    fn log_out(&mut self, tab: usize) {
        let everywhere = false;
        self.put(tab, ClientInput::Logout { everywhere });
        self.settle(tab);
    }

    /// Closes the connection without a word.
    fn hang_up(&mut self, tab: usize) {
        if self.tabs[tab].link.take().is_some() {
            self.put(tab, ClientInput::Closed(None));
        }
    }

    /// Ends the tab's program and starts it again; what was stored is stored.
    fn crash(&mut self, tab: usize) {
        self.tabs[tab] = Tab::new(&mut self.dice);
    }

    /// Takes what came to any tab since it was listened to last.
    pub(crate) fn overhear(&mut self) {
        for tab in 0..self.tabs.len() {
            for _ in 0..MESSAGES_MAX {
                let Some(link) = &mut self.tabs[tab].link else {
                    break;
                };
                match link.overhear() {
                    Heard::Silence => break,
                    heard @ (Heard::Text(_) | Heard::Closed(_)) => self.take(tab, heard),
                }
            }
        }
    }

    fn take(&mut self, tab: usize, heard: Heard) {
        match heard {
            Heard::Text(text) => {
                let message: Value = serde_json::from_str(text.trim_start_matches('@')).unwrap();
                self.note(tab, &message);
                self.put(tab, ClientInput::Text(&text));
            }
            Heard::Closed(code) => {
                self.tabs[tab].link = None;
                self.put(tab, ClientInput::Closed(code));
            }
            Heard::Silence => self.hang_up(tab),
        }
    }

    /// Notes what a message says about sessions, before the client acts on it.
    fn note(&mut self, tab: usize, message: &Value) {
        let registry = self.surroundings.registry();
        registry.received(&self.name, message);
        let Tab {
            session,
            presented,
            asked,
            ..
        } = &mut self.tabs[tab];
        *asked -= usize::from(message["id"].is_u64());
        if let Some(named) = message["session"].as_str() {
            *session = Some(named.to_owned());
        }
        let is_dead = message["reason"] == "reused" || message["reason"] == "revoked";
        let ended = match message["type"].as_str() {
            Some("LoggedOut" | "Ended") => session.take(),
            Some("InvalidToken") if is_dead => presented.take(),
            _ => None,
        };
        if let Some(ended) = ended {
            registry.ended(&ended, &message.to_string());
        }
    }

    fn put(&mut self, tab: usize, input: ClientInput<'_>) {
        let context = format!("{input:?}");
        let before = self.storage.session();
        let now = Now {
            moment: self.now,
            unix: SystemClock::start().now().unix,
        };
        let entropy = Entropy(self.dice.bytes());
        let client = &mut self.tabs[tab].client;
        client.handle(now, entropy, &mut self.storage, input);
        self.note_end(before, &context);
        let mut connects = false;
        while let Some(output) = self.tabs[tab].client.poll() {
            match output {
                ClientOutput::Connect => connects = true,
                ClientOutput::Send(text) => self.send(tab, &text),
                ClientOutput::Application(frame) => panic!("{}: {frame:?}", self.name),
                ClientOutput::LoginRefused { retry_after } => {
                    assert!(
                        retry_after.is_some(),
                        "{} may not log in: {context}",
                        self.name
                    );
                }
            }
        }
        if connects {
            self.connect(tab);
        }
    }

    /// Whoever forgets a session was told that it has ended.
    fn note_end(&self, before: Option<String>, why: &str) {
        if let Some(session) = before
            && self.storage.session().as_ref() != Some(&session)
        {
            self.surroundings.registry().is_left(&session, why);
        }
    }

    fn send(&mut self, tab: usize, text: &str) {
        let message: Value = serde_json::from_str(text.trim_start_matches('@')).unwrap();
        let registry = self.surroundings.registry();
        let stored = self.storage.token();
        match (message["type"].as_str(), stored) {
            (Some("RefreshToken"), Some(stored)) => {
                let attempt = message["attempt"].as_str().unwrap();
                registry.presented(&stored.session, stored.generation.number(), attempt);
                self.surroundings.presents();
                self.tabs[tab].presented = self.storage.session();
            }
            (Some("Logout"), _) => {
                let own = self.tabs[tab].session.as_deref();
                for session in own.into_iter().chain(stored.map(|stored| &*stored.session)) {
                    registry.doom(session);
                }
            }
            _ => {}
        }
        self.tabs[tab].asked += usize::from(message["id"].is_u64());
        if let Some(link) = &mut self.tabs[tab].link {
            link.send(text);
        }
    }

    fn connect(&mut self, tab: usize) {
        let address = self.surroundings.address(&mut self.dice);
        let patience = self.surroundings.patience();
        self.tabs[tab].session = None;
        self.tabs[tab].presented = None;
        self.tabs[tab].asked = 0;
        match Connection::open(address, false, patience) {
            Ok(mut link) => {
                if self.surroundings.is_rough() && self.dice.percent(BREAKS) {
                    link.break_after(self.dice.below(BREAKS_WITHIN));
                }
                self.tabs[tab].link = Some(link);
                self.put(tab, ClientInput::Opened);
            }
            Err(_) => self.put(tab, ClientInput::Closed(None)),
        }
    }
}
