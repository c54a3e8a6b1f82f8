//! The session that the connection owns, as the hub, the address's count and the application see it.

use super::{Driver, Phase, codec};
use crate::session::{Application, Link};
use handfast_core::{
    close::{CloseCode, Closing},
    framing::{Frame, Framing},
    message::{Answer, InvalidReason, InvalidRequest},
    time::Now,
};
use std::{collections::VecDeque, mem, sync::Arc};
use tokio::io::{AsyncRead, AsyncWrite};

impl<S: AsyncRead + AsyncWrite + Unpin> Driver<S> {
    /// Lets the hub, the address's count and the application know whether a session is bound.
    pub(super) fn follow_session(&mut self) {
        let bound = self
            .machine
            .bound()
            .map(|(grant, subject)| (grant.session, subject));
        self.place.set_authenticated(bound.is_some());
        let is_counted = bound.is_some() && self.phase == Phase::Open;
        self.node
            .tally
            .authenticated(mem::replace(&mut self.is_counted, is_counted), is_counted);
        if self.answering.is_none() {
            match bound {
                Some((session, _)) => self.caller.slot.settle(session),
                None => self.caller.slot.leave(),
            }
        }
        match (bound, &self.link) {
            (None, Some(link)) => {
                link.end();
                self.link = None;
            }
            (Some((session, subject)), None) if self.framing == Framing::V1 => {
                if let Application::Program(program) = &self.node.application {
                    let outgoing_bytes = self.node.settings.current().transport.outgoing_bytes;
                    let (link, session) = Link::new(
                        session,
                        subject,
                        Arc::clone(&self.caller.slot),
                        outgoing_bytes,
                    );
                    self.link = Some(link);
                    drop(tokio::spawn(program(session)));
                }
            }
            (None | Some(_), None | Some(_)) => {}
        }
    }

    /// Hands the application's frame over.
    pub(super) fn deliver(&mut self, frame: Frame) {
        let delivered = self.link.as_ref().is_some_and(|link| link.deliver(frame));
        if !delivered {
            let invalid = InvalidRequest::because(InvalidReason::ApplicationFrame);
            self.send(None, &Answer::InvalidRequest(invalid));
        }
    }

    /// Takes what the application sends.
    pub(super) fn pump_application(&mut self, now: Now) {
        let Some(link) = &self.link else { return };
        // Before what it sent is taken, behind which it can send nothing then.
        let failed = match self.phase {
            Phase::Failing(mistake, _) => link.finish().then_some(mistake),
            Phase::Open | Phase::Closing(_) | Phase::Lingering(_) | Phase::Done => None,
        };
        match link.take_outgoing() {
            Some(frames) => self.write_frames(frames),
            None => self.close(Closing::new(CloseCode::TryAgainLater, "slow_consumer"), now),
        }
        if let Some(mistake) = failed {
            self.close(mistake.closing(), now);
        }
    }
}

impl<S> Driver<S> {
    /// What the program sends ends before this answer, if that says that the session has ended here.
    pub(super) fn part_with_application(&mut self, answer: &Answer) {
        if let Answer::Closing { .. } = answer {
            // The session goes on elsewhere, so what its program was let send is still for it.
            self.end_application();
        } else if self.machine.bound().is_none()
            && let Some(link) = self.link.take()
        {
            link.end();
        }
    }

    /// Lets the program send nothing more, and takes all that it was let send.
    pub(super) fn end_application(&mut self) {
        if let Some(link) = &self.link {
            link.end();
            let frames = link.take_outgoing().unwrap_or_default();
            self.write_frames(frames);
        }
    }

    fn write_frames(&mut self, frames: VecDeque<Frame>) {
        for frame in frames {
            match frame {
                Frame::Text(text) => {
                    if let Some(text) = self.framing.write_application(&text) {
                        codec::write_text(&text, &mut self.outgoing);
                    }
                }
                Frame::Binary(bytes) => codec::write_binary(&bytes, &mut self.outgoing),
            }
        }
    }

    /// Nothing that concerns a session concerns this connection any more.
    pub(super) fn leave_session(&mut self) {
        self.caller.slot.leave();
        self.node
            .tally
            .authenticated(mem::take(&mut self.is_counted), false);
        if let Some(link) = self.link.take() {
            link.end();
        }
    }
}
