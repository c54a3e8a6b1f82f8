//! The life of a client: away, dialing, on a line, and away again.

use super::{
    ClientInput, ClientOutput, ClientState, Entropy, Initiative, Storage,
    line::{Line, Next},
    memory::{Memory, Turn},
};
use crate::{
    close::{AfterClose, CloseCode},
    framing::Frame,
    time::{Moment, Now},
};

/// How long to wait with a login where there is no connection, in seconds.
const CONNECT_WAIT: u64 = 1;

/// One client on one connection after the other.
#[derive(Debug)]
pub struct Client {
    link: Link,
    memory: Memory,
    /// What the link amounts to for a person.
    state: ClientState,
}

#[derive(Debug)]
enum Link {
    /// No connection; the next one is tried at this moment, or when the host says so.
    Away { until: Option<Moment> },
    /// No connection, and none is wanted before somebody logs in.
    Resting,
    /// A connection is being made.
    Dialing,
    /// The one connection.
    Open(Line),
}

impl Client {
    /// A client that has not connected yet.
    #[must_use]
    pub const fn new(initiative: Initiative) -> Self {
        Self {
            link: Link::Away { until: None },
            memory: Memory::new(initiative),
            state: ClientState::Waiting { until: None },
        }
    }

    /// What a person would be shown.
    #[must_use]
    pub const fn state(&self) -> &ClientState {
        &self.state
    }

    /// What the host must do next, oldest first.
    pub fn poll(&mut self) -> Option<ClientOutput> {
        self.memory.outputs.pop_front()
    }

    /// When to wake the machine with [`ClientInput::Tick`].
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        match &self.link {
            Link::Away { until } => *until,
            Link::Resting | Link::Dialing => None,
            Link::Open(line) => line.deadline(),
        }
    }

    /// Takes in what happened. Store `storage` if it changed, then drain [`Self::poll`].
    pub fn handle(
        &mut self,
        now: Now,
        entropy: Entropy,
        storage: &mut Storage,
        input: ClientInput<'_>,
    ) {
        let turn = &mut Turn {
            now,
            entropy,
            storage,
            memory: &mut self.memory,
        };
        let next = match &mut self.link {
            Link::Away { until } => while_away(*until, turn, input),
            Link::Resting => while_away(None, turn, input),
            Link::Dialing => while_dialing(turn, input),
            Link::Open(line) => while_open(line, turn, input),
        };
        if let Some(next) = next {
            self.link = next;
        }
        self.state = match &self.link {
            Link::Away { until } => ClientState::Waiting { until: *until },
            Link::Resting => ClientState::LoggedOut(self.memory.ended.clone()),
            Link::Dialing => ClientState::Connecting,
            Link::Open(line) => line.state(&self.memory),
        };
    }
}

fn while_away(until: Option<Moment>, turn: &mut Turn<'_>, input: ClientInput<'_>) -> Option<Link> {
    match input {
        ClientInput::Start => Some(dial(turn)),
        ClientInput::Tick => until
            .is_some_and(|due| turn.now.moment >= due)
            .then(|| dial(turn)),
        ClientInput::Login { .. } => {
            // Who stays away until somebody asks has just been asked. Who waits is not hurried by it, or impatience
            // would undo the backoff.
            let next = until.is_none().then(|| dial(turn));
            turn.refuse_login(Some(CONNECT_WAIT));
            next
        }
        ClientInput::Opened
        | ClientInput::Text(_)
        | ClientInput::Binary(_)
        | ClientInput::Closed(_)
        | ClientInput::Logout { .. }
        | ClientInput::Refresh => None,
    }
}

fn dial(turn: &mut Turn<'_>) -> Link {
    turn.memory.outputs.push_back(ClientOutput::Connect);
    Link::Dialing
}

fn while_dialing(turn: &mut Turn<'_>, input: ClientInput<'_>) -> Option<Link> {
    match input {
        ClientInput::Opened => Some(Link::Open(Line::open(turn))),
        ClientInput::Closed(code) => {
            Some(match CloseCode::after_number(code) {
                AfterClose::Stay => Link::Away { until: None },
                AfterClose::Resume if turn.storage.token().is_none() => Link::Resting,
                // Nothing was presented that could have ended.
                AfterClose::Reconnect | AfterClose::Resume | AfterClose::Forget => Link::Away {
                    until: Some(turn.back_at(None)),
                },
            })
        }
        ClientInput::Login { .. } => {
            turn.refuse_login(Some(CONNECT_WAIT));
            None
        }
        ClientInput::Start
        | ClientInput::Text(_)
        | ClientInput::Binary(_)
        | ClientInput::Tick
        | ClientInput::Logout { .. }
        | ClientInput::Refresh => None,
    }
}

fn while_open(line: &mut Line, turn: &mut Turn<'_>, input: ClientInput<'_>) -> Option<Link> {
    match input {
        ClientInput::Text(text) => line.hear(turn, text),
        ClientInput::Binary(bytes) => turn.hand_on(Frame::Binary(bytes.into())),
        ClientInput::Tick => line.tick(turn),
        ClientInput::Login {
            username,
            password,
            register,
        } => line.log_in(turn, username, password, register),
        ClientInput::Logout { everywhere } => line.log_out(turn, everywhere),
        ClientInput::Refresh => line.refresh(turn),
        ClientInput::Closed(code) => {
            return Some(match line.close(turn, code) {
                Next::Connect(at) => Link::Away { until: Some(at) },
                Next::Stay => Link::Away { until: None },
                Next::Rest => Link::Resting,
            });
        }
        ClientInput::Start | ClientInput::Opened => {}
    }
    None
}
