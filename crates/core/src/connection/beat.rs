//! What time alone brings about: pings, pushes and closes.

use super::{Connection, Delivery, Kind, Output, Question, State};
use crate::{
    close::{CloseCode, Closing},
    message::{Answer, Envelope, Grant},
    time::{Moment, Now},
};
use core::time::Duration;

impl Connection {
    /// How long a connection may be silent.
    fn patience(&self) -> Duration {
        self.limits
            .heartbeat_interval
            .saturating_add(self.limits.heartbeat_timeout)
    }

    /// When a connection that stays silent is given up. Never while it is not read: its pongs wait unseen then, behind
    /// what the ledger has to decide first, and a slow ledger is not the client's silence.
    pub(super) fn silent_until(&self) -> Option<Moment> {
        self.takes_frames()
            .then(|| self.heard_at.after(self.patience()))
    }

    pub(super) fn tick(&mut self, now: Now) {
        if self.silent_until().is_some_and(|until| now.moment >= until) {
            return self.close(Closing::new(CloseCode::HeartbeatMissed, "heartbeat"));
        }
        match &self.state {
            State::Unauthenticated { until } if now.moment >= *until => {
                return self.close(Closing::new(
                    CloseCode::NotAuthenticatedInTime,
                    "not_authenticated",
                ));
            }
            State::Bound(bound) if now.moment >= bound.expires => return self.expire(),
            State::Unauthenticated { .. } | State::Bound(_) | State::Closed => {}
        }
        if now.moment >= self.beat_at {
            self.beat_at = now.moment.after(self.limits.heartbeat_interval);
            self.outputs.push_back(Output::Ping);
            if !self.takes_frames() {
                self.unread_pings = self.unread_pings.saturating_add(1);
            }
            self.freshen(now);
        }
    }

    /// Sees to it that the client holds a token that will not grow old.
    fn freshen(&mut self, now: Now) {
        let State::Bound(bound) = &self.state else {
            return;
        };
        let grant = bound.grant;
        let due = now.moment >= bound.refresh;
        if due && self.asked.is_none() {
            // Also where the client does not confirm the token that it was sent: nobody is issued another while the one
            // before it may be lost (stop and wait), but whether the session is still this connection's is asked anew.
            self.ask(
                None,
                Kind::Push,
                Question::Push {
                    session: grant.session,
                },
            );
        } else if matches!(bound.delivery, Delivery::Pushed { .. }) {
            self.send_unasked(grant);
        }
    }

    /// A `Success` that answers nothing.
    pub(super) fn send_unasked(&mut self, grant: Grant) {
        let success = Envelope {
            id: None,
            body: grant,
        };
        self.outputs.push_back(Output::Success(success));
    }

    /// The session or its token is past its time.
    pub(super) fn expire(&mut self) {
        self.announce(Answer::Ended(None));
        self.close(Closing::new(CloseCode::Expired, "expired"));
    }
}
