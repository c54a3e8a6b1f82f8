//! What the server says on a connection.

use super::{Asked, Line, Standing};
use crate::{
    client::{
        Ended, Entropy, Initiative, Stored,
        memory::Turn,
        message::{Incoming, Outgoing},
    },
    framing::{Frame, Framing, TextFrame},
    session::{Generation, Refusal, RevocationReason},
    time::Moment,
};
use alloc::{boxed::Box, string::String};
use core::time::Duration;

/// The shortest time after which a client in charge presents again, however late its clock says that it is. A wall
/// clock that is ahead of the server's would otherwise make it present as fast as the network goes.
const REFRESH_FIRST: Duration = Duration::from_secs(10);
/// How long to wait with a login until a connection is logged out, in seconds.
const LEAVE_WAIT: u64 = 1;

impl Line {
    /// Takes in a text frame.
    pub(in crate::client) fn hear(&mut self, turn: &mut Turn<'_>, text: &str) {
        match Framing::V1.read(text) {
            TextFrame::Application(text) => turn.hand_on(Frame::Text(String::from(text))),
            TextFrame::Message(json) => {
                if let Some(message) = Incoming::read(json) {
                    let answered = self.answered(&message);
                    self.take(turn, answered, &message);
                }
            }
        }
    }

    /// The request that a message answers.
    fn answered(&mut self, message: &Incoming<'_>) -> Option<Asked> {
        let mut ids = self.asked.iter();
        let place = ids.position(|(id, _)| message.id == Some(*id))?;
        self.asked.remove(place).map(|(_, asked)| asked)
    }

    fn take(&mut self, turn: &mut Turn<'_>, answered: Option<Asked>, message: &Incoming<'_>) {
        match (&*message.kind, answered) {
            ("Success" | "Registered", answered) => match message.stored() {
                Some(granted) => self.granted(turn, answered, granted),
                None => refuse(turn, answered, None),
            },
            (
                "InvalidToken",
                Some(Asked::Present {
                    session,
                    generation,
                }),
            ) => self.token_refused(turn, (session, generation), message),
            ("TooManyRequests" | "Unavailable", answered) => self.put_off(turn, answered, message),
            // What ended stays said where a logout only made both sides agree.
            ("LoggedOut" | "NotLoggedIn", Some(Asked::Leave)) => {}
            ("LoggedOut", _) | ("NotLoggedIn", Some(Asked::Logout)) => {
                self.forget(turn, Ended::LoggedOut);
            }
            ("Revoked", None) if message.session.as_deref().is_some_and(|it| self.is_of(it)) => {
                self.forget(turn, Ended::LoggedOut);
            }
            ("AlreadyAuthorized", Some(Asked::Login)) => self.already_authorized(turn),
            ("Ended", None) => self.ended = Some(ended(message)),
            ("Closing", None) => {
                self.reconnect_after = message.reconnect_after.map(Duration::from_secs);
            }
            // Whatever else answers a login or a presentation refuses it. What this client does not know, it ignores.
            (_, answered) => refuse(turn, answered, None),
        }
    }

    fn granted(&mut self, turn: &mut Turn<'_>, answered: Option<Asked>, granted: Stored) {
        let (session, generation) = (granted.session.clone(), granted.generation);
        let is_kept = if answered == Some(Asked::Login) {
            turn.storage.begin(granted);
            true
        } else {
            turn.storage.offer(granted)
        };
        if is_kept {
            turn.send(&Outgoing::Ack {
                generation: generation.number(),
            });
        }
        match answered {
            Some(Asked::Login | Asked::Present { .. }) => {
                turn.memory.backoff.reset();
                turn.memory.ended = Ended::LoggedOut;
                self.retry_at = None;
                self.refresh_at = refresh_at(turn, &session);
                self.standing = Standing::Authenticated { session };
            }
            // What nobody asked for brings a token, but logs nobody in.
            Some(Asked::Logout | Asked::Leave) | None => {
                if is_kept && self.is_of(&session) {
                    self.refresh_at = refresh_at(turn, &session);
                }
            }
        }
    }

    fn token_refused(
        &mut self,
        turn: &mut Turn<'_>,
        presented: (Box<str>, Generation),
        message: &Incoming<'_>,
    ) {
        let (session, generation) = &presented;
        let reason = message.reason.as_deref();
        let refusal = reason
            .and_then(Refusal::parse)
            .unwrap_or(Refusal::Malformed);
        let is_dead = matches!(refusal, Refusal::Reused | Refusal::Revoked);
        match &self.standing {
            // It speaks of a session that this connection has left.
            Standing::Authenticated { session: own } if own != session => return,
            Standing::Authenticated { .. } if is_dead => {
                // The server has ended the session on this connection as well.
                let tried = Some(session.clone());
                self.standing = Standing::LoggedOut { tried };
            }
            Standing::Authenticated { .. } | Standing::LoggedOut { .. } => {}
        }
        match turn.storage.token() {
            // Another tab logged in anew: its session is the one to go on with, on a connection that has none.
            Some(stored) if stored.session != *session => {
                if let Standing::LoggedOut { .. } = self.standing {
                    self.present(turn);
                }
            }
            // Another tab stored a newer one meanwhile.
            Some(stored) if !is_dead && stored.generation > *generation => self.present(turn),
            Some(_)
                if refusal == Refusal::Stale
                    && turn.memory.renewed.as_ref() != Some(&presented) =>
            {
                // Nothing newer is here, so someone else is ahead: a new attempt makes that known.
                let Entropy(bytes) = turn.entropy;
                turn.storage.renew_attempt_key(bytes);
                turn.memory.renewed = Some(presented);
                self.present(turn);
            }
            // Another tab forgot the session meanwhile; a connection that is authenticated stays so.
            None if refusal == Refusal::Stale => {}
            Some(_) | None => self.give_up(turn, session, refusal),
        }
    }

    fn give_up(&mut self, turn: &mut Turn<'_>, session: &str, refusal: Refusal) {
        let is_authenticated = self.is_of(session);
        self.forget(turn, Ended::Refused(refusal));
        if is_authenticated {
            self.leave(turn);
        }
    }

    /// The server has no answer yet.
    fn put_off(&mut self, turn: &mut Turn<'_>, answered: Option<Asked>, message: &Incoming<'_>) {
        match answered {
            Some(Asked::Present { .. }) => {
                let wait = Duration::from_secs(message.retry_after.unwrap_or(1).max(1));
                self.retry_at = Some(turn.now.moment.after(wait));
            }
            Some(Asked::Login | Asked::Logout | Asked::Leave) | None => {
                refuse(turn, answered, message.retry_after);
            }
        }
    }

    fn already_authorized(&mut self, turn: &mut Turn<'_>) {
        let retry_after = match self.standing {
            Standing::Authenticated { .. } => None,
            Standing::LoggedOut { .. } => {
                self.leave(turn);
                Some(LEAVE_WAIT)
            }
        };
        refuse(turn, Some(Asked::Login), retry_after);
    }
}

/// A login is refused, to be repeated by the person; or something else that nothing comes of.
fn refuse(turn: &mut Turn<'_>, answered: Option<Asked>, retry_after: Option<u64>) {
    match answered {
        Some(Asked::Login) => {
            turn.memory.ended = Ended::LoggedOut;
            turn.refuse_login(retry_after);
        }
        Some(Asked::Present { .. } | Asked::Logout | Asked::Leave) | None => {}
    }
}

/// When a client in charge presents next: when the stored token says so.
fn refresh_at(turn: &Turn<'_>, session: &str) -> Option<Moment> {
    let stored = turn.storage.token().filter(|it| *it.session == *session)?;
    match turn.memory.initiative {
        Initiative::Server => None,
        Initiative::Client => {
            let first = turn.now.moment.after(REFRESH_FIRST);
            Some(turn.now.moment_of(stored.refresh_at).max(first))
        }
    }
}

fn ended(message: &Incoming<'_>) -> Ended {
    match message.reason.as_deref() {
        Some("expired") => Ended::Expired,
        reason => Ended::Revoked(reason.and_then(RevocationReason::parse)),
    }
}
