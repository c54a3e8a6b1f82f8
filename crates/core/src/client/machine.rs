//! The machine itself.

use super::{
    ClientInput, ClientOutput, ClientState, Ended, Entropy, Initiative, Storage,
    message::{Incoming, Outgoing},
};
use crate::{
    close::{AfterClose, CloseCode},
    framing::{Frame, Framing, TextFrame},
    message::Secret,
    session::{Generation, Refusal, RevocationReason},
    time::{Moment, Now},
};
use alloc::{boxed::Box, collections::VecDeque, string::String};
use core::{mem, time::Duration};

/// The first wait before connecting again; each failure doubles it.
const BACKOFF_FIRST: Duration = Duration::from_millis(500);
/// The longest wait before connecting again.
const BACKOFF_LAST: Duration = Duration::from_secs(30);
/// How often the wait doubles at the most.
const BACKOFF_DOUBLINGS: u32 = 6;
/// The shortest time after which a client in charge presents again, however late its clock says that it is. A wall
/// clock that is ahead of the server's would otherwise make it present as fast as the network goes.
const REFRESH_FIRST: Duration = Duration::from_secs(10);
/// How long to wait with a login where there is no connection, in seconds.
const CONNECT_WAIT: u64 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Login,
    Present {
        generation: Generation,
        renewed: bool,
    },
    Logout,
}

/// One client on one connection after the other.
#[derive(Debug)]
pub struct Client {
    initiative: Initiative,
    state: ClientState,
    /// What the server has not answered yet, oldest first; one of each kind at the most.
    asked: VecDeque<(u64, Asked)>,
    last_id: u64,
    failures: u32,
    /// What the server said about the next connection.
    reconnect_after: Option<Duration>,
    /// When to present on the live connection.
    present_at: Option<Moment>,
    ended: Option<Ended>,
    session: Option<Box<str>>,
    outputs: VecDeque<ClientOutput>,
}

impl Client {
    /// A client that has not connected yet.
    #[must_use]
    pub const fn new(initiative: Initiative) -> Self {
        Self {
            initiative,
            state: ClientState::Waiting { until: None },
            asked: VecDeque::new(),
            last_id: 0,
            failures: 0,
            reconnect_after: None,
            present_at: None,
            ended: None,
            session: None,
            outputs: VecDeque::new(),
        }
    }

    /// What a person would be shown.
    #[must_use]
    pub const fn state(&self) -> &ClientState {
        &self.state
    }

    /// What the host must do next, oldest first.
    pub fn poll(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    /// When to wake the machine with [`ClientInput::Tick`].
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        match self.state {
            ClientState::Waiting { until } => until,
            ClientState::Connecting => None,
            ClientState::LoggedOut(_)
            | ClientState::Authenticating
            | ClientState::Authenticated => self.present_at,
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
        if self.fits(&input) {
            self.take(now, entropy, storage, input);
        }
    }

    /// Whether `input` can happen in this state.
    fn fits(&self, input: &ClientInput<'_>) -> bool {
        match (&self.state, input) {
            (_, ClientInput::Tick | ClientInput::Login { .. })
            | (ClientState::Waiting { .. }, ClientInput::Start)
            | (ClientState::Connecting, ClientInput::Opened | ClientInput::Closed(_)) => true,
            (ClientState::Waiting { .. } | ClientState::Connecting, _) => false,
            (
                ClientState::LoggedOut(_)
                | ClientState::Authenticating
                | ClientState::Authenticated,
                input,
            ) => !matches!(input, ClientInput::Start | ClientInput::Opened),
        }
    }

    fn take(&mut self, now: Now, entropy: Entropy, storage: &mut Storage, input: ClientInput<'_>) {
        match input {
            ClientInput::Start => self.connect(),
            ClientInput::Opened => self.opened(entropy, storage),
            ClientInput::Text(text) => match Framing::V1.read(text) {
                TextFrame::Application(text) => {
                    self.outputs
                        .push_back(ClientOutput::Application(Frame::Text(String::from(text))));
                }
                TextFrame::Message(json) => self.message(now, entropy, storage, json),
            },
            ClientInput::Binary(bytes) => {
                self.outputs
                    .push_back(ClientOutput::Application(Frame::Binary(bytes.into())));
            }
            ClientInput::Closed(code) => self.closed(now, entropy, storage, code),
            ClientInput::Tick => self.tick(now, entropy, storage),
            ClientInput::Login {
                username,
                password,
                register,
            } => self.login(username, password, register),
            ClientInput::Logout { everywhere } => {
                if let Some(id) = self.asks(Asked::Logout) {
                    self.send(&Outgoing::Logout { id, everywhere });
                }
            }
            ClientInput::Refresh => self.present(entropy, storage, false),
        }
    }

    fn connect(&mut self) {
        self.state = ClientState::Connecting;
        self.outputs.push_back(ClientOutput::Connect);
    }

    fn opened(&mut self, entropy: Entropy, storage: &mut Storage) {
        self.present_at = None;
        self.reconnect_after = None;
        if storage.token().is_some() {
            self.present(entropy, storage, false);
        } else {
            self.state = ClientState::LoggedOut(self.ended.take().unwrap_or(Ended::LoggedOut));
        }
    }

    fn tick(&mut self, now: Now, entropy: Entropy, storage: &mut Storage) {
        if self.deadline().is_none_or(|due| now.moment < due) {
            return;
        }
        match self.state {
            ClientState::Waiting { .. } => self.connect(),
            ClientState::Connecting => {}
            ClientState::LoggedOut(_)
            | ClientState::Authenticating
            | ClientState::Authenticated => {
                self.present_at = None;
                self.present(entropy, storage, false);
            }
        }
    }

    /// Presents the stored token under its attempt key: a new one if it is its first presentation, or if someone else
    /// got ahead with it.
    fn present(&mut self, entropy: Entropy, storage: &mut Storage, renewed: bool) {
        let Entropy(bytes) = entropy;
        if self.state == ClientState::Authenticated && self.is_left_behind(storage) {
            return;
        }
        let key = if renewed {
            storage.renew_attempt_key(bytes)
        } else {
            storage.attempt_key(bytes)
        };
        let (Some(key), Some(stored)) = (key, storage.token()) else {
            // Another tab forgot the session meanwhile.
            if self.state == ClientState::Authenticating {
                self.state = ClientState::LoggedOut(Ended::LoggedOut);
            }
            return;
        };
        if self.state != ClientState::Authenticated {
            self.state = ClientState::Authenticating;
        }
        let Some(id) = self.asks(Asked::Present {
            generation: stored.generation,
            renewed,
        }) else {
            return;
        };
        self.session = Some(stored.session.clone());
        self.send(&Outgoing::RefreshToken {
            id,
            token: stored.token.expose(),
            attempt: key.expose(),
        });
    }

    /// Whether storage holds another session than this connection's, because another tab logged in anew.
    fn is_left_behind(&self, storage: &Storage) -> bool {
        storage
            .token()
            .is_some_and(|stored| Some(&stored.session) != self.session.as_ref())
    }

    fn login(&mut self, username: &str, password: &Secret, register: bool) {
        if matches!(
            self.state,
            ClientState::Waiting { .. } | ClientState::Connecting
        ) {
            return self.outputs.push_back(ClientOutput::LoginRefused {
                retry_after: Some(CONNECT_WAIT),
            });
        }
        let Some(id) = self.asks(Asked::Login) else {
            return;
        };
        self.state = ClientState::Authenticating;
        let password = password.expose();
        self.send(&if register {
            Outgoing::Register {
                id,
                username,
                password,
            }
        } else {
            Outgoing::Login {
                id,
                username,
                password,
            }
        });
    }

    fn message(&mut self, now: Now, entropy: Entropy, storage: &mut Storage, json: &str) {
        let Ok(message) = serde_json::from_str::<Incoming<'_>>(json) else {
            return;
        };
        let place = self
            .asked
            .iter()
            .position(|(id, _)| message.id == Some(*id));
        let answered = place
            .and_then(|place| self.asked.remove(place))
            .map(|(_, asked)| asked);
        match &*message.kind {
            "Success" | "Registered" => self.granted(now, storage, answered, &message),
            "InvalidToken" => self.token_refused(entropy, storage, answered, &message),
            "TooManyRequests" | "Unavailable" => self.put_off(now, answered, &message),
            "LoggedOut" => self.forget(storage, Ended::LoggedOut),
            "NotLoggedIn" if answered == Some(Asked::Logout) => {
                self.forget(storage, Ended::LoggedOut);
            }
            "AlreadyAuthorized" if answered == Some(Asked::Login) => {
                self.login_refused(ClientState::Authenticated, None);
            }
            "Ended" => {
                let reason = message.reason.as_deref();
                let revoked = Ended::Revoked(reason.and_then(RevocationReason::parse));
                self.ended = Some(if reason == Some("expired") {
                    Ended::Expired
                } else {
                    revoked
                });
            }
            "Closing" => self.reconnect_after = message.reconnect_after.map(Duration::from_secs),
            // Whatever else answers a login or a first presentation refuses it. What this client does not know, it
            // ignores.
            _ => match answered {
                Some(Asked::Login) => {
                    self.login_refused(ClientState::LoggedOut(Ended::LoggedOut), None);
                }
                Some(Asked::Present { .. }) if self.state == ClientState::Authenticating => {
                    self.state = ClientState::LoggedOut(Ended::LoggedOut);
                }
                Some(Asked::Present { .. } | Asked::Logout) | None => {}
            },
        }
    }

    fn granted(
        &mut self,
        now: Now,
        storage: &mut Storage,
        answered: Option<Asked>,
        message: &Incoming<'_>,
    ) {
        let Some(granted) = message.stored() else {
            return;
        };
        let (generation, refresh_at) = (granted.generation, granted.refresh_at);
        self.session = Some(granted.session.clone());
        let is_kept = if answered == Some(Asked::Login) {
            storage.begin(granted);
            true
        } else {
            storage.offer(granted)
        };
        if is_kept {
            self.send(&Outgoing::Ack {
                generation: generation.number(),
            });
        }
        self.failures = 0;
        self.ended = None;
        self.present_at = match self.initiative {
            Initiative::Server => None,
            Initiative::Client => {
                let first = now.moment.after(REFRESH_FIRST);
                Some(now.moment_of(refresh_at).max(first))
            }
        };
        self.state = ClientState::Authenticated;
    }

    fn token_refused(
        &mut self,
        entropy: Entropy,
        storage: &mut Storage,
        answered: Option<Asked>,
        message: &Incoming<'_>,
    ) {
        let Some(Asked::Present {
            generation,
            renewed,
        }) = answered
        else {
            return;
        };
        let refusal = message
            .reason
            .as_deref()
            .and_then(Refusal::parse)
            .unwrap_or(Refusal::Malformed);
        let is_dead = matches!(refusal, Refusal::Reused | Refusal::Revoked);
        let newest = storage.token().map(|stored| stored.generation);
        if self.is_left_behind(storage) {
            // Another tab logged in anew: its session is the one to go on with.
            if is_dead || self.state != ClientState::Authenticated {
                self.state = ClientState::Authenticating;
                self.present(entropy, storage, false);
            }
        } else if !is_dead && newest > Some(generation) {
            // Another tab stored a newer one meanwhile.
            self.present(entropy, storage, false);
        } else if refusal == Refusal::Stale && !renewed {
            // Nothing newer is here, so someone else is ahead: a new attempt makes that known.
            self.present(entropy, storage, true);
        } else {
            self.forget(storage, Ended::Refused(refusal));
        }
    }

    /// The server has no answer yet.
    fn put_off(&mut self, now: Now, answered: Option<Asked>, message: &Incoming<'_>) {
        match answered {
            Some(Asked::Present { .. }) => {
                let wait = Duration::from_secs(message.retry_after.unwrap_or(1).max(1));
                self.present_at = Some(now.moment.after(wait));
            }
            Some(Asked::Login) => self.login_refused(
                ClientState::LoggedOut(Ended::LoggedOut),
                message.retry_after,
            ),
            Some(Asked::Logout) | None => {}
        }
    }

    fn login_refused(&mut self, state: ClientState, retry_after: Option<u64>) {
        self.state = state;
        self.outputs
            .push_back(ClientOutput::LoginRefused { retry_after });
    }

    fn forget(&mut self, storage: &mut Storage, ended: Ended) {
        if let Some(session) = self.session.take() {
            storage.forget(&session);
        }
        self.present_at = None;
        self.state = ClientState::LoggedOut(ended);
    }

    fn closed(&mut self, now: Now, entropy: Entropy, storage: &mut Storage, code: Option<u16>) {
        self.asked.clear();
        self.present_at = None;
        let wait = match CloseCode::after_number(code) {
            AfterClose::Stay => None,
            AfterClose::Reconnect => Some(self.backoff(entropy)),
            AfterClose::Forget => {
                let fallback = if code == Some(CloseCode::Expired.number()) {
                    Ended::Expired
                } else {
                    Ended::Revoked(None)
                };
                let ended = self.ended.take().unwrap_or(fallback);
                self.forget(storage, ended.clone());
                self.ended = Some(ended);
                Some(self.backoff(entropy))
            }
        };
        self.state = ClientState::Waiting {
            until: wait.map(|wait| now.moment.after(wait)),
        };
    }

    /// How long to wait before connecting again: what the server said, and a random part of a wait that doubles with
    /// every failure ("full jitter"), so that clients that lost one server do not come back as one.
    fn backoff(&mut self, Entropy(bytes): Entropy) -> Duration {
        let longest = BACKOFF_FIRST
            .saturating_mul(1 << self.failures.min(BACKOFF_DOUBLINGS))
            .min(BACKOFF_LAST);
        self.failures = self.failures.saturating_add(1);
        let [a, b, c, d, ..] = bytes;
        let chance = u64::from(u32::from_be_bytes([a, b, c, d]));
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
        let jitter = Duration::from_millis(millis.saturating_mul(chance) >> 32);
        self.reconnect_after
            .take()
            .unwrap_or_default()
            .saturating_add(jitter)
    }

    /// An id for a request, unless one of its kind is being answered already.
    fn asks(&mut self, asked: Asked) -> Option<u64> {
        let kind = mem::discriminant(&asked);
        if self
            .asked
            .iter()
            .any(|(_, other)| mem::discriminant(other) == kind)
        {
            return None;
        }
        self.last_id = self.last_id.saturating_add(1);
        self.asked.push_back((self.last_id, asked));
        Some(self.last_id)
    }

    fn send(&mut self, message: &Outgoing<'_>) {
        self.outputs.push_back(ClientOutput::Send(
            Framing::V1.write_message(message.to_json()),
        ));
    }
}
