//! One open connection: who is logged in on it, what was asked on it, and what is to be asked.

mod answer;
mod request;

use super::{
    ClientState, Ended,
    memory::{Memory, Turn},
};
use crate::{
    close::{AfterClose, CloseCode},
    session::Generation,
    time::Moment,
};
use alloc::{boxed::Box, collections::VecDeque};
use core::time::Duration;

#[derive(Debug)]
pub(super) struct Line {
    standing: Standing,
    /// What the server has not answered yet, oldest first; one of each kind at the most.
    asked: VecDeque<(u64, Asked)>,
    /// When to present what was put off.
    retry_at: Option<Moment>,
    /// When a client in charge presents.
    refresh_at: Option<Moment>,
    /// How the session ended, if the server said so. A close follows.
    ended: Option<Ended>,
    /// What the server said about the next connection.
    reconnect_after: Option<Duration>,
}

/// Who is logged in, as the server sees it.
#[derive(Debug)]
enum Standing {
    LoggedOut {
        /// The session that was presented last, which a logout forgets.
        tried: Option<Box<str>>,
    },
    Authenticated {
        session: Box<str>,
    },
}

/// What follows a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one, at this moment.
    Connect(Moment),
    /// Another one when the host says so.
    Stay,
    /// Another one when somebody wants to log in.
    Rest,
}

#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Login,
    Present {
        session: Box<str>,
        generation: Generation,
    },
    /// What a person wants.
    Logout,
    /// A logout that only makes both sides agree that nobody is logged in.
    Leave,
}

impl Line {
    /// A connection that has just been opened. It goes on with what is stored.
    pub(super) fn open(turn: &mut Turn<'_>) -> Self {
        let mut line = Self {
            standing: Standing::LoggedOut { tried: None },
            asked: VecDeque::new(),
            retry_at: None,
            refresh_at: None,
            ended: None,
            reconnect_after: None,
        };
        line.present(turn);
        line
    }

    /// What a person would be shown.
    pub(super) fn state(&self, memory: &Memory) -> ClientState {
        let decides = |(_, asked): &(u64, Asked)| match asked {
            Asked::Login | Asked::Present { .. } => true,
            Asked::Logout | Asked::Leave => false,
        };
        match &self.standing {
            Standing::Authenticated { .. } => ClientState::Authenticated,
            Standing::LoggedOut { .. }
                if self.retry_at.is_some() || self.asked.iter().any(decides) =>
            {
                ClientState::Authenticating
            }
            Standing::LoggedOut { .. } => ClientState::LoggedOut(memory.ended.clone()),
        }
    }

    /// When to present next. While something is being decided, nothing is due.
    pub(super) fn deadline(&self) -> Option<Moment> {
        if self.asked.is_empty() {
            self.retry_at.or(self.refresh_at)
        } else {
            None
        }
    }

    pub(super) fn tick(&mut self, turn: &mut Turn<'_>) {
        if self.deadline().is_some_and(|due| turn.now.moment >= due) {
            self.present(turn);
        }
    }

    /// Ends with the connection.
    pub(super) fn close(&mut self, turn: &mut Turn<'_>, code: Option<u16>) -> Next {
        let is_echo = code == Some(CloseCode::Superseded.number()) && turn.may_be_echo();
        self.leave_unanswered(turn);
        let after = match self.ended {
            // The close frame may be lost; the session has ended all the same.
            Some(_) => AfterClose::Forget,
            None if is_echo => AfterClose::Reconnect,
            None => CloseCode::after_number(code),
        };
        match after {
            AfterClose::Stay => Next::Stay,
            AfterClose::Resume if turn.storage.token().is_none() => Next::Rest,
            AfterClose::Reconnect | AfterClose::Resume => {
                Next::Connect(turn.back_at(self.reconnect_after))
            }
            AfterClose::Forget => {
                let fallback = if code == Some(CloseCode::Expired.number()) {
                    Ended::Expired
                } else {
                    Ended::Revoked(None)
                };
                let ended = self.ended.take().unwrap_or(fallback);
                self.forget(turn, ended);
                Next::Connect(turn.back_at(self.reconnect_after))
            }
        }
    }

    /// Remembers the presentation that nobody will answer any more, if there is one.
    fn leave_unanswered(&mut self, turn: &mut Turn<'_>) {
        let presented = self.asked.drain(..).find_map(|(_, asked)| match asked {
            Asked::Present {
                session,
                generation,
            } => Some((session, generation)),
            Asked::Login | Asked::Logout | Asked::Leave => None,
        });
        if presented.is_some() {
            turn.memory.unanswered = presented;
        }
    }

    /// Nobody is logged in any more, and the session is not to come back.
    fn forget(&mut self, turn: &mut Turn<'_>, ended: Ended) {
        if let Standing::LoggedOut {
            tried: Some(session),
        }
        | Standing::Authenticated { session } = &self.standing
        {
            turn.storage.forget(session);
        }
        self.standing = Standing::LoggedOut { tried: None };
        self.retry_at = None;
        self.refresh_at = None;
        turn.memory.ended = ended;
    }

    /// Whether the connection is authenticated, for `session`.
    fn is_of(&self, session: &str) -> bool {
        match &self.standing {
            Standing::Authenticated { session: own } => **own == *session,
            Standing::LoggedOut { .. } => false,
        }
    }
}
