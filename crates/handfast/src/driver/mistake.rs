//! What becomes of a connection whose client broke RFC 6455.

use super::{Driver, Phase};
use handfast_core::{
    close::{CloseCode, Closing},
    time::Now,
};
use tokio::io::{AsyncRead, AsyncWrite};

/// How a client broke it. What comes behind makes no sense any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// A frame, or an order of frames, that is none (section 5).
    Protocol,
    /// A text that is none (section 8.1).
    NotUtf8,
    /// A message longer than its limit (section 10.4).
    TooBig,
    /// A message in more frames than its limit (section 10.4).
    Fragments,
}

impl Mistake {
    /// How the connection is closed for it (section 7.4.1).
    pub(super) const fn closing(self) -> Closing {
        match self {
            Self::Protocol => Closing::new(CloseCode::ProtocolError, "protocol_error"),
            Self::NotUtf8 => Closing::new(CloseCode::NotUtf8, "not_utf8"),
            Self::TooBig => Closing::new(CloseCode::TooBig, "too_big"),
            Self::Fragments => Closing::new(CloseCode::Misuse, "fragments"),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// The client broke a rule: whatever else it sends is thrown away, and what it asked for and has no answer yet is
    /// withdrawn. The program may still answer what came right before, for as long as a close may take and the session
    /// lasts.
    pub(super) fn fail(&mut self, mistake: Mistake, now: Now) {
        if self.link.is_none() || self.phase != Phase::Open {
            self.close(mistake.closing(), now);
            return self.linger(now);
        }
        self.codec = None;
        self.answering = None;
        let patience = self.node.settings.current().transport.close_handshake;
        let patient_until = now.moment.after(patience);
        let due = self.machine.bound().map_or(now.moment, |(grant, _)| {
            patient_until.min(now.moment_of(grant.expires_at))
        });
        self.phase = Phase::Failing(mistake, due);
    }
}
