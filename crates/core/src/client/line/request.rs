//! What is asked on a connection.

use super::{Asked, Line, Standing};
use crate::{
    client::{Ended, Entropy, memory::Turn, message::Outgoing},
    message::Secret,
};
use core::mem;

impl Line {
    /// Presents the stored token under its attempt key, unless something else is being decided: what comes of that
    /// decides what there is to present.
    pub(super) fn present(&mut self, turn: &mut Turn<'_>) {
        if !self.asked.is_empty() {
            self.retry_at = Some(turn.now.moment);
            return;
        }
        self.retry_at = None;
        self.refresh_at = None;
        let Some(stored) = turn.storage.token().cloned() else {
            // Another tab forgot the session meanwhile.
            return;
        };
        match &mut self.standing {
            // Another tab logged in anew: its session is not this connection's.
            Standing::Authenticated { session } if *session != stored.session => return,
            Standing::Authenticated { .. } => {}
            Standing::LoggedOut { tried } => {
                *tried = Some(stored.session.clone());
                turn.memory.ended = Ended::LoggedOut;
            }
        }
        let Entropy(bytes) = turn.entropy;
        let Some(key) = turn.storage.attempt_key(bytes) else {
            return;
        };
        let asked = Asked::Present {
            session: stored.session,
            generation: stored.generation,
        };
        if let Some(id) = self.asks(turn, asked) {
            turn.send(&Outgoing::RefreshToken {
                id,
                token: stored.token.expose(),
                attempt: key.expose(),
            });
        }
    }

    /// Presents because the host wants it. What was put off has its time already.
    pub(in crate::client) fn refresh(&mut self, turn: &mut Turn<'_>) {
        if self.asked.is_empty() && self.retry_at.is_none() {
            self.present(turn);
        }
    }

    pub(in crate::client) fn log_in(
        &mut self,
        turn: &mut Turn<'_>,
        username: &str,
        password: &Secret,
        register: bool,
    ) {
        let Some(id) = self.asks(turn, Asked::Login) else {
            return;
        };
        let password = password.expose();
        turn.send(&if register {
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

    pub(in crate::client) fn log_out(&mut self, turn: &mut Turn<'_>, everywhere: bool) {
        if let Some(id) = self.asks(turn, Asked::Logout) {
            turn.send(&Outgoing::Logout { id, everywhere });
        }
    }

    /// Logs out on a connection that the server takes for authenticated, and this client does not: nobody could log in
    /// on it otherwise.
    ///
    /// What is on its way already comes first: a logout does the same, a login is answered that somebody is in, and this
    /// one would end what comes of it.
    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) {
        if !self.asked.is_empty() {
            return;
        }
        if let Some(id) = self.asks(turn, Asked::Leave) {
            let everywhere = false;
            turn.send(&Outgoing::Logout { id, everywhere });
        }
    }

    /// An id for a request, unless one of its kind is being answered already.
    fn asks(&mut self, turn: &mut Turn<'_>, asked: Asked) -> Option<u64> {
        let kind = mem::discriminant(&asked);
        let is_asked = |(_, other): &(u64, Asked)| mem::discriminant(other) == kind;
        if self.asked.iter().any(is_asked) {
            return None;
        }
        let id = turn.memory.next_id();
        self.asked.push_back((id, asked));
        Some(id)
    }
}
