//! The clients: tabs that run the client's machine on a storage, and the people before them.

use super::{
    agenda::{Event, Frame},
    check::Violation,
    clock::WallClock,
    fault::{Fault, Sabotage},
    network::End,
    world::World,
};
use handfast_core::{
    client::{Client, ClientInput, ClientOutput, ClientState, Ended, Entropy, Initiative, Storage},
    close::CloseCode,
    message::Secret,
    session::{Refusal, SessionId},
    time::Clock as _,
};
use std::{collections::VecDeque, sync::Arc};

/// How long a host waits for anything on its connection before it gives it up, in milliseconds: two beats and a little.
const SILENCE_MS: u64 = 60_000;
/// How soon a person logs in again, in milliseconds.
const LOGIN_MS: u64 = 5_000;
/// By how many seconds a client's clock is wrong at the most: one in so many, and the others.
const CLOCK_FAR_OFF_S: i64 = 24 * 3600;
const CLOCKS_FAR_OFF: u8 = 8;
const CLOCK_OFF_S: i64 = 60;
/// How many sessions of a person are remembered, which a tab may still speak of.
const SESSIONS_REMEMBERED: usize = 4;
/// How many tokens of a person a thief may have found.
const TOKENS_REMEMBERED: usize = 8;

/// A tab.
#[derive(Debug)]
pub(super) struct Tab {
    pub(super) machine: Client,
    pub(super) client: usize,
    pub(super) line: Option<u64>,
    heard_at: u64,
    /// How it dies the next time that it has something to send.
    pub(super) dies: Option<Fault>,
    /// When it is to be woken, at the latest.
    wake_at: Option<u64>,
}

/// A client's storage and clock, and what its person did.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) storage: Storage,
    clock: Arc<WallClock>,
    pub(super) is_away: bool,
    /// When they were last back from a journey, in milliseconds.
    pub(super) back_at: u64,
    /// Its last sessions, newest first.
    sessions: VecDeque<SessionId>,
    /// Tokens that it kept, newest first.
    pub(super) tokens: VecDeque<String>,
}

impl World {
    pub(super) fn new_person(&mut self) {
        let is_far_off = self.dice.u8(..CLOCKS_FAR_OFF) == 0;
        let clock = self.new_clock(if is_far_off {
            CLOCK_FAR_OFF_S
        } else {
            CLOCK_OFF_S
        });
        let client = self.people.len();
        self.people.push(Person {
            storage: Storage::default(),
            clock,
            is_away: false,
            back_at: 0,
            sessions: VecDeque::new(),
            tokens: VecDeque::new(),
        });
        self.open_tab(client);
    }

    pub(super) fn open_tab(&mut self, client: usize) {
        let tab = self.new_tab(client);
        self.tabs.push(tab);
        self.tell(self.tabs.len() - 1, ClientInput::Start);
    }

    fn new_tab(&mut self, client: usize) -> Tab {
        let initiative = if self.dice.bool() {
            Initiative::Server
        } else {
            Initiative::Client
        };
        Tab {
            machine: Client::new(initiative),
            client,
            line: None,
            heard_at: 0,
            dies: None,
            wake_at: None,
        }
    }

    /// Gives a tab's machine an input, stores, and does what it says.
    pub(super) fn tell(&mut self, tab: usize, input: ClientInput<'_>) {
        let entropy = Entropy(self.bytes());
        let Tab {
            machine, client, ..
        } = &mut self.tabs[tab];
        let client = *client;
        let person = &mut self.people[client];
        let before = person.storage.clone();
        machine.handle(person.clock.now(), entropy, &mut person.storage, input);
        let outputs: Vec<ClientOutput> = std::iter::from_fn(|| machine.poll()).collect();
        let sends = |output: &ClientOutput| matches!(output, ClientOutput::Send(_));
        if let Some(fault) = self.tabs[tab].dies.take_if(|_| outputs.iter().any(sends)) {
            if fault == Fault::CrashBeforeStoring {
                self.people[client].storage = before;
            } else {
                self.look_at_storage(client, &before);
            }
            self.counts.note(fault);
            if self.is_sabotaged(Sabotage::SendsBeforeStoring) {
                self.carry_out(tab, outputs);
            }
            return self.reopen(tab);
        }
        self.look_at_storage(client, &before);
        self.carry_out(tab, outputs);
        self.look_at(tab);
        self.wake_tab(tab);
    }

    fn carry_out(&mut self, tab: usize, outputs: Vec<ClientOutput>) {
        for output in outputs {
            match output {
                ClientOutput::Connect => {
                    let line = self.connect(End::Tab(tab));
                    self.tabs[tab].line = Some(line);
                    self.tabs[tab].heard_at = self.now_ms();
                }
                ClientOutput::Send(text) => {
                    if let Some(line) = self.tabs[tab].line {
                        self.send_to_server(line, Frame::Text(text));
                    }
                }
                ClientOutput::Application(_) | ClientOutput::LoginRefused { .. } => {}
            }
        }
    }

    /// What a client keeps does not go back, and is not forgotten unless it is right that its session is over.
    fn look_at_storage(&mut self, client: usize, before: &Storage) {
        let person = &mut self.people[client];
        let (before, after) = (before.token(), person.storage.token());
        if let Some(after) = after {
            let is_same = before.is_some_and(|before| before.session == after.session);
            let former = before.filter(|_| is_same).map(|before| before.generation);
            if Some(after.generation) < former {
                self.watch.note(Violation::StoredWentBack { client });
            } else if Some(after.generation) > former
                && let Ok(session) = SessionId::parse(&after.session)
            {
                self.watch.stored(session, after.generation);
                person.tokens.push_front(after.token.expose().to_owned());
                person.tokens.truncate(TOKENS_REMEMBERED);
                if !is_same {
                    person.sessions.push_front(session);
                    person.sessions.truncate(SESSIONS_REMEMBERED);
                }
            }
        } else if let Some(Ok(forgotten)) = before.map(|it| SessionId::parse(&it.session))
            && !self.watch.may_be_over(forgotten, self.agenda.hands.ms())
        {
            let told = "it forgot its session".to_owned();
            self.watch.note(Violation::LockedOut { client, told });
        }
    }

    /// A tab is closed, and another opened on its storage.
    pub(super) fn reopen(&mut self, tab: usize) {
        self.close_tab(tab);
        self.tell(tab, ClientInput::Start);
    }

    /// A tab is closed; there will be another in its place.
    fn close_tab(&mut self, tab: usize) {
        if let Some(line) = self.tabs[tab].line.take() {
            self.hang_up(line);
        }
        self.tabs[tab] = self.new_tab(self.tabs[tab].client);
    }

    /// A client goes away with all its tabs, and comes back with them.
    pub(super) fn goes_away(&mut self, client: usize, for_ms: u64) {
        self.people[client].is_away = true;
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].client == client {
                self.close_tab(tab);
            }
        }
        self.schedule(for_ms, Event::Return(client));
    }

    pub(super) fn returns(&mut self, client: usize) {
        if std::mem::replace(&mut self.people[client].is_away, false) {
            self.people[client].back_at = self.now_ms();
            self.looks(client);
        }
    }

    /// A person looks at all tabs.
    pub(super) fn looks(&mut self, client: usize) {
        for tab in 0..self.tabs.len() {
            if self.tabs[tab].client == client {
                self.tell(tab, ClientInput::Start);
            }
        }
    }

    pub(super) fn hear(&mut self, tab: usize, frame: Frame) {
        self.tabs[tab].heard_at = self.now_ms();
        match frame {
            Frame::Ping => {
                if let Some(line) = self.tabs[tab].line {
                    self.send_to_server(line, Frame::Pong);
                }
                self.wake_tab(tab);
            }
            Frame::Text(text) => self.tell(tab, ClientInput::Text(&text)),
            Frame::Pong => {}
            Frame::Close(code) => self.line_closed(tab, Some(code)),
        }
    }

    pub(super) fn opened(&mut self, tab: usize) {
        self.tabs[tab].heard_at = self.now_ms();
        self.tell(tab, ClientInput::Opened);
    }

    /// A client notices that a line is over.
    pub(super) fn client_drops(&mut self, line: u64) {
        match self.lines.get(&line).map(|line| line.end) {
            Some(End::Tab(tab)) if self.tabs[tab].line == Some(line) => {
                self.line_closed(tab, None);
            }
            Some(End::Thief(theft)) => self.thief_leaves(theft),
            Some(End::Tab(_)) | None => {}
        }
    }

    /// The tab's connection is over.
    fn line_closed(&mut self, tab: usize, code: Option<u16>) {
        if let Some(line) = self.tabs[tab].line.take() {
            self.hang_up(line);
        }
        self.tell(tab, ClientInput::Closed(code));
        let comes_back = self.tabs[tab].machine.deadline().is_some();
        if code == Some(CloseCode::Superseded.number()) && comes_back {
            self.counts.echoes += 1;
        }
    }

    pub(super) fn tab_wakes(&mut self, tab: usize) {
        let now = self.now_ms();
        // An alarm that another was set before has nothing to say.
        if self.tabs[tab].wake_at.take_if(|at| *at <= now).is_none() {
            return;
        }
        if self.tabs[tab].line.is_some() && now >= self.tabs[tab].heard_at + SILENCE_MS {
            return self.line_closed(tab, None);
        }
        let deadline = self.tabs[tab].machine.deadline();
        if deadline.is_some_and(|due| now >= due.as_millis()) {
            self.tell(tab, ClientInput::Tick);
            let again = self.tabs[tab].machine.deadline();
            if again.is_some() && again == deadline {
                self.watch.note(Violation::Spins);
            }
        }
        self.wake_tab(tab);
    }

    fn wake_tab(&mut self, tab: usize) {
        let it = &self.tabs[tab];
        let due = it.machine.deadline().map(|due| due.as_millis());
        let silent = it.line.map(|_| it.heard_at + SILENCE_MS);
        let Some(at) = due.into_iter().chain(silent).min() else {
            return;
        };
        if it.wake_at.is_none_or(|wake_at| at < wake_at) {
            self.tabs[tab].wake_at = Some(at);
            self.agenda.add(at, Event::WakeTab(tab));
        }
    }

    /// Looks at what a tab shows its person, who logs in where nobody is.
    fn look_at(&mut self, tab: usize) {
        let client = self.tabs[tab].client;
        let ClientState::LoggedOut(ended) = self.tabs[tab].machine.state() else {
            return;
        };
        let now = self.now_ms();
        let mut sessions = self.people[client].sessions.iter();
        let is_right = match ended {
            Ended::LoggedOut => true,
            Ended::Refused(Refusal::Malformed | Refusal::ProofRequired) => false,
            Ended::Refused(
                Refusal::Expired
                | Refusal::Stale
                | Refusal::Reused
                | Refusal::Revoked
                | Refusal::Unknown,
            )
            | Ended::Revoked(_)
            | Ended::Expired => sessions.any(|session| self.watch.may_be_over(*session, now)),
        };
        if !is_right {
            let told = format!("{ended:?}");
            self.watch.note(Violation::LockedOut { client, told });
        }
        let wait = self.dice.u64(1..LOGIN_MS);
        self.schedule(wait, Event::LogIn(tab));
    }

    /// A person logs in, if nobody is.
    pub(super) fn log_in(&mut self, tab: usize) {
        let client = self.tabs[tab].client;
        let is_out = matches!(self.tabs[tab].machine.state(), ClientState::LoggedOut(_));
        if !is_out || self.people[client].is_away {
            return;
        }
        let username = format!("client{client}");
        let password = Secret::new("correct horse");
        self.tell(
            tab,
            ClientInput::Login {
                username: &username,
                password: &password,
                register: false,
            },
        );
    }

    /// A person logs out, for good.
    pub(super) fn log_out(&mut self, tab: usize) {
        let person = &self.people[self.tabs[tab].client];
        if *self.tabs[tab].machine.state() != ClientState::Authenticated {
            return;
        }
        // What the tab is in may not be what another tab has stored since.
        for session in &person.sessions {
            self.watch.excuse(*session);
        }
        self.tell(tab, ClientInput::Logout { everywhere: false });
        self.counts.note(Fault::Logout);
    }
}
