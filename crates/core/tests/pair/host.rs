//! The clients' side of the world: tabs that run the client's machine, and pages that know only the plain framing.

use crate::world::{Frame, World};
use handfast_core::{
    client::{Client, ClientInput, ClientOutput, ClientState, Entropy, Initiative},
    framing::Framing,
    message::Secret,
    time::Moment,
};
use serde_json::{Value, json};

/// How long a page waits before it connects again.
const PAGE_WAITS_MS: u64 = 1000;

#[derive(Debug)]
pub(crate) enum Host {
    Tab(Tab),
    Page(Page),
}

/// A tab of a client that speaks `handfast.v1`.
#[derive(Debug)]
pub(crate) struct Tab {
    pub(crate) client: Client,
    storage: usize,
    connection: Option<u64>,
    opened: bool,
    /// Whether it answers no pings.
    mute: bool,
    /// How it dies the next time that it wants to send something.
    pub(crate) crash: Option<Crash>,
    pub(crate) logins_refused: usize,
    pub(crate) frames: Vec<handfast_core::framing::Frame>,
}

/// When a tab dies, of what it does with an input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Crash {
    BeforeStoring,
    AfterStoring,
}

/// A page that is older than `handfast.v1`: it stores what each `Success` brings and connects again after any close.
#[derive(Debug)]
pub(crate) struct Page {
    connection: Option<u64>,
    dials_at: Option<Moment>,
    pub(crate) token: Option<String>,
    mute: bool,
    /// Messages that it does not know, and would show as errors.
    pub(crate) errors: Vec<Value>,
}

/// What such a page knows.
const KNOWN_TO_PAGES: [&str; 8] = [
    "Success",
    "Registered",
    "InvalidPassword",
    "InvalidToken",
    "InvalidRequest",
    "LoggedOut",
    "NotLoggedIn",
    "AlreadyAuthorized",
];

impl Host {
    pub(crate) fn deadline(&self) -> Option<Moment> {
        match self {
            Self::Tab(tab) => tab.client.deadline(),
            Self::Page(page) => page.dials_at,
        }
    }

    pub(crate) const fn connection(&self) -> Option<u64> {
        match self {
            Self::Tab(tab) => tab.connection,
            Self::Page(page) => page.connection,
        }
    }

    pub(crate) const fn framing(&self) -> Framing {
        match self {
            Self::Tab(_) => Framing::V1,
            Self::Page(_) => Framing::Plain,
        }
    }

    const fn is_mute(&self) -> bool {
        match self {
            Self::Tab(tab) => tab.mute,
            Self::Page(page) => page.mute,
        }
    }
}

impl World {
    /// A new tab on a storage. It connects at once.
    pub(crate) fn open_tab(&mut self, storage: usize, initiative: Initiative) -> usize {
        self.hosts.push(Host::Tab(Tab {
            client: Client::new(initiative),
            storage,
            connection: None,
            opened: false,
            mute: false,
            crash: None,
            logins_refused: 0,
            frames: Vec::new(),
        }));
        let host = self.hosts.len() - 1;
        self.tell(host, ClientInput::Start);
        host
    }

    /// A tab of a client that logs in, with the server in charge of its token.
    pub(crate) fn logged_in_tab(&mut self) -> usize {
        let tab = self.open_tab(0, Initiative::Server);
        self.settle();
        self.log_in(tab, "alice", "correct horse");
        self.settle();
        assert_eq!(*self.state(tab), ClientState::Authenticated);
        self.heard.clear();
        tab
    }

    pub(crate) fn log_in(&mut self, host: usize, username: &str, password: &str) {
        let login = json!({"type": "Login", "username": username, "password": password});
        match self.hosts[host] {
            Host::Tab(_) => self.tell(
                host,
                ClientInput::Login {
                    username,
                    password: &Secret::new(password),
                    register: false,
                },
            ),
            Host::Page(_) => self.say(host, &login),
        }
    }

    /// A page that connects at once.
    pub(crate) fn open_page(&mut self) -> usize {
        self.hosts.push(Host::Page(Page {
            connection: None,
            dials_at: Some(Moment::from_millis(self.now_ms)),
            token: None,
            mute: false,
            errors: Vec::new(),
        }));
        self.hosts.len() - 1
    }

    pub(crate) fn tab(&mut self, host: usize) -> &mut Tab {
        match &mut self.hosts[host] {
            Host::Tab(tab) => tab,
            Host::Page(_) => panic!("{host} is a page"),
        }
    }

    pub(crate) fn page(&mut self, host: usize) -> &mut Page {
        match &mut self.hosts[host] {
            Host::Page(page) => page,
            Host::Tab(_) => panic!("{host} is a tab"),
        }
    }

    pub(crate) fn state(&mut self, host: usize) -> &ClientState {
        self.tab(host).client.state()
    }

    /// The generation that a storage keeps.
    pub(crate) fn stored(&self, storage: usize) -> Option<u64> {
        let stored = self.storages[storage].token();
        stored.map(|stored| stored.generation.number())
    }

    /// Gives a tab's machine an input and does what it says.
    pub(crate) fn tell(&mut self, host: usize, input: ClientInput<'_>) {
        let (now, entropy) = (self.now(), Entropy(self.entropy()));
        let Host::Tab(tab) = &mut self.hosts[host] else {
            panic!("{host} is a page");
        };
        let storage = &mut self.storages[tab.storage];
        let saved = storage.clone();
        tab.client.handle(now, entropy, storage, input);
        if let (Some(before), Some(stored)) = (saved.token(), storage.token()) {
            let newer = stored.session != before.session || stored.generation >= before.generation;
            assert!(newer, "a stored generation never goes back");
        }
        let outputs: Vec<_> = std::iter::from_fn(|| tab.client.poll()).take(5).collect();
        assert!(outputs.len() <= 4, "one input, endless outputs");
        let sends = outputs
            .iter()
            .any(|output| matches!(output, ClientOutput::Send(_)));
        if let Some(crash) = tab.crash.take_if(|_| sends) {
            match crash {
                Crash::BeforeStoring => *storage = saved,
                Crash::AfterStoring => {}
            }
            return self.reopen_tab(host);
        }
        for output in outputs {
            self.carry_out(host, output);
        }
    }

    fn carry_out(&mut self, host: usize, output: ClientOutput) {
        let connection = self.hosts[host].connection();
        match output {
            ClientOutput::Connect => {
                assert_eq!(connection, None, "one connection at a time");
                let number = self.connect(host, Framing::V1);
                self.tab(host).connection = Some(number);
            }
            ClientOutput::Send(text) => {
                assert!(self.tab(host).opened, "not open, but: {text}");
                let number = connection.expect("connected");
                self.send_to_server(number, Frame::Text(text));
            }
            ClientOutput::Application(frame) => self.tab(host).frames.push(frame),
            ClientOutput::LoginRefused { .. } => self.tab(host).logins_refused += 1,
        }
    }

    pub(crate) fn host_ticks(&mut self, host: usize) {
        let before = self.hosts[host].deadline();
        match &mut self.hosts[host] {
            Host::Tab(_) => self.tell(host, ClientInput::Tick),
            Host::Page(page) => {
                page.dials_at = None;
                let number = self.connect(host, Framing::Plain);
                self.page(host).connection = Some(number);
            }
        }
        let after = self.hosts[host].deadline();
        assert_ne!(before, after, "a deadline that stays makes a host spin");
    }

    pub(crate) fn host_opened(&mut self, host: usize) {
        match &self.hosts[host] {
            Host::Tab(_) => {
                self.tab(host).opened = true;
                self.tell(host, ClientInput::Opened);
            }
            Host::Page(page) => {
                if let Some(token) = page.token.clone() {
                    self.say(host, &json!({"type": "RefreshToken", "token": token}));
                }
            }
        }
    }

    pub(crate) fn host_closed(&mut self, host: usize, code: Option<u16>) {
        let again = Moment::from_millis(self.now_ms + PAGE_WAITS_MS);
        match &mut self.hosts[host] {
            Host::Tab(tab) => {
                tab.connection = None;
                tab.opened = false;
                self.tell(host, ClientInput::Closed(code));
            }
            Host::Page(page) => {
                page.connection = None;
                page.dials_at = Some(again);
            }
        }
    }

    pub(crate) fn host_hears(&mut self, host: usize, frame: Frame) {
        match (&frame, &mut self.hosts[host]) {
            (Frame::Ping, it) => {
                if !it.is_mute() {
                    let number = it.connection().expect("connected");
                    self.send_to_server(number, Frame::Pong);
                }
            }
            (Frame::Text(text), Host::Tab(_)) => self.tell(host, ClientInput::Text(text)),
            (Frame::Binary(bytes), Host::Tab(_)) => self.tell(host, ClientInput::Binary(bytes)),
            (Frame::Text(text), Host::Page(page)) => {
                page.hear(&serde_json::from_str(text).expect("JSON"));
            }
            (Frame::Binary(_) | Frame::Pong | Frame::Close(..), _) => {}
        }
    }

    /// A person closes a tab: its machine hears of nothing any more.
    pub(crate) fn close_tab(&mut self, host: usize) {
        self.tab(host).client = Client::new(Initiative::Server);
        self.cut(host);
        self.tab(host).client = Client::new(Initiative::Server);
    }

    /// A tab is closed, and a new one opened on the same storage.
    pub(crate) fn reopen_tab(&mut self, host: usize) {
        self.close_tab(host);
        self.tell(host, ClientInput::Start);
    }

    /// Whether a host answers no pings.
    pub(crate) fn mute(&mut self, host: usize, mute: bool) {
        match &mut self.hosts[host] {
            Host::Tab(tab) => tab.mute = mute,
            Host::Page(page) => page.mute = mute,
        }
    }

    /// Sends a message as it is.
    pub(crate) fn say(&mut self, host: usize, message: &Value) {
        let text = self.hosts[host]
            .framing()
            .write_message(message.to_string());
        self.send(host, Frame::Text(text));
    }

    pub(crate) fn send(&mut self, host: usize, frame: Frame) {
        let number = self.hosts[host].connection().expect("connected");
        self.send_to_server(number, frame);
    }
}

impl Page {
    fn hear(&mut self, message: &Value) {
        let kind = message["type"].as_str().unwrap_or_default();
        if !KNOWN_TO_PAGES.contains(&kind) {
            self.errors.push(message.clone());
        }
        match kind {
            "Success" | "Registered" => {
                self.token = message["token"].as_str().map(str::to_owned);
            }
            "InvalidToken" | "LoggedOut" => self.token = None,
            _ => {}
        }
    }
}
