//! How a node follows what others change: it reads the log on a timer, hears fan-out, and puts what concerns its
//! connections to the ledger before it believes it. What `handfast` has a task for is a machine here.

use super::{
    agenda::{Event, Run},
    ask::polled,
    fault::Sabotage,
    world::{World, millis},
};
use handfast_core::{
    connection::{Input, Signal},
    session::ConnectionId,
};
use handfast_ledger::{Change, Changes, Cursor, LedgerError, Ownership, Receipt};
use std::task::Poll;

/// How far a node has followed.
#[derive(Default)]
pub(super) struct Follower {
    cursor: Option<Cursor>,
    doing: Doing,
    /// The timer has gone off.
    is_due: bool,
    heard: Vec<Change>,
}

#[derive(Default)]
enum Doing {
    #[default]
    Nothing,
    Reading(Receipt<Changes>),
    /// And what was read, where that is why.
    Examining(Receipt<Vec<Ownership>>, Option<Read>),
}

/// How far the log was read.
#[derive(Clone, Copy)]
struct Read {
    cursor: Cursor,
    more: bool,
}

impl World {
    /// What every node does on a timer, because a fan-out may be lost.
    pub(super) fn read_changes(&mut self, run: Run) {
        if self.is_sabotaged(Sabotage::HearsNothing) {
            return;
        }
        let interval = millis(self.limits.heartbeat_interval);
        self.schedule(interval, Event::ReadChanges(run));
        self.nodes[run.node].follower.is_due = true;
        self.follow_on(run.node);
    }

    /// Another node says what changed.
    pub(super) fn hear_of(&mut self, node: usize, changes: &[Change]) {
        self.nodes[node].follower.heard.extend_from_slice(changes);
        self.follow_on(node);
    }

    /// Goes on as far as the ledger has answered.
    pub(super) fn follow_on(&mut self, node: usize) {
        loop {
            let doing = std::mem::take(&mut self.nodes[node].follower.doing);
            let next = match doing {
                Doing::Nothing => self.follow_next(node),
                Doing::Reading(mut receipt) => match polled(&mut receipt) {
                    Poll::Pending => Err(Doing::Reading(receipt)),
                    Poll::Ready(read) => Ok(self.was_read(node, read)),
                },
                Doing::Examining(mut receipt, read) => match polled(&mut receipt) {
                    Poll::Pending => Err(Doing::Examining(receipt, read)),
                    Poll::Ready(of_none) => Ok(self.was_examined(node, of_none, read)),
                },
            };
            match next {
                Ok(doing) => self.nodes[node].follower.doing = doing,
                Err(waiting) => {
                    self.nodes[node].follower.doing = waiting;
                    return;
                }
            }
        }
    }

    /// What is to be done next; `Err` where that is nothing.
    fn follow_next(&mut self, node: usize) -> Result<Doing, Doing> {
        let follower = &mut self.nodes[node].follower;
        if std::mem::take(&mut follower.is_due) {
            return Ok(self.read_log(node));
        }
        let heard = std::mem::take(&mut follower.heard);
        if heard.is_empty() {
            return Err(Doing::Nothing);
        }
        let concerned = self.concerned(node, &heard);
        Ok(self.examine(node, concerned, None))
    }

    fn read_log(&mut self, node: usize) -> Doing {
        let it = &self.nodes[node];
        let from = it.follower.cursor.unwrap_or(Cursor::END);
        let receipt = it.ledger.changes_since(from);
        self.decide_soon(node);
        Doing::Reading(receipt)
    }

    /// What could not be read is read the next time.
    fn was_read(&mut self, node: usize, read: Result<Changes, LedgerError>) -> Doing {
        let Ok(read) = read else {
            return Doing::Nothing;
        };
        let knows_all = self.nodes[node].follower.cursor.is_some() && read.complete;
        let concerned = if knows_all {
            self.concerned(node, &read.changes)
        } else {
            self.ownerships(node)
        };
        let Changes { cursor, more, .. } = read;
        self.examine(node, concerned, Some(Read { cursor, more }))
    }

    /// Puts to the ledger what connections are taken to own, and lets it tell them.
    fn examine(&mut self, node: usize, ownerships: Vec<Ownership>, read: Option<Read>) -> Doing {
        if ownerships.is_empty() {
            return self.was_examined(node, Ok(ownerships), read);
        }
        let receipt = self.nodes[node].ledger.examine(ownerships);
        self.decide_soon(node);
        Doing::Examining(receipt, read)
    }

    fn was_examined(
        &mut self,
        node: usize,
        of_none: Result<Vec<Ownership>, LedgerError>,
        read: Option<Read>,
    ) -> Doing {
        let Ok(of_none) = of_none else {
            return Doing::Nothing;
        };
        for ownership in of_none {
            let line = ownership.connection.number;
            let served = self.nodes[node].served.get(&line);
            // A session that is only about to be made is not there yet.
            if served.is_some_and(|served| served.pending.is_none()) {
                self.signal(node, ownership, Signal::Forgotten);
            }
        }
        let Some(read) = read else {
            return Doing::Nothing;
        };
        self.nodes[node].follower.cursor = Some(read.cursor);
        if read.more {
            self.read_log(node)
        } else {
            Doing::Nothing
        }
    }

    /// The connections of a node that seem to have lost their sessions.
    fn concerned(&self, node: usize, changes: &[Change]) -> Vec<Ownership> {
        let losers = changes.iter().flat_map(Change::losers);
        let mut concerned: Vec<_> = losers.filter(|loser| self.owns(node, *loser)).collect();
        concerned.sort_unstable();
        concerned.dedup();
        concerned
    }

    fn owns(&self, node: usize, ownership: Ownership) -> bool {
        let it = &self.nodes[node];
        let Ownership {
            session,
            connection,
        } = ownership;
        let served = it.served.get(&connection.number);
        connection.node == it.run && served.is_some_and(|served| served.session == Some(session))
    }

    fn ownerships(&self, node: usize) -> Vec<Ownership> {
        let it = &self.nodes[node];
        let owners = it.served.iter().filter_map(|(number, served)| {
            let connection = ConnectionId {
                node: it.run,
                number: *number,
            };
            Some(Ownership {
                session: served.session?,
                connection,
            })
        });
        owners.collect()
    }

    /// The owners on a node hear of changes that concern them: what `handfast`'s hub does.
    pub(super) fn tell_owners(&mut self, node: usize, changes: &[Change]) {
        for change in changes {
            let session = change.session;
            let of = |connection| Ownership {
                session,
                connection,
            };
            if let Some((owner, reason)) = change.ended() {
                self.signal(node, of(owner), Signal::Ended(reason));
            }
            if let Some(former) = change.superseded() {
                self.signal(node, of(former), Signal::Superseded);
            }
            // Whoever got its session back is not superseded any more.
            if let Some(owner) = change.owner.filter(|_| change.former_owner.is_some())
                && self.owns(node, of(owner))
                && let Some(served) = self.served(owner.number)
            {
                served.is_superseded = false;
            }
        }
    }

    fn signal(&mut self, node: usize, to: Ownership, signal: Signal) {
        if !self.owns(node, to) {
            return;
        }
        let line = to.connection.number;
        let Some(served) = self.served(line) else {
            return;
        };
        let is_presenting = served
            .pending
            .as_ref()
            .is_some_and(super::ask::Pending::is_presentation);
        if signal == Signal::Superseded && is_presenting {
            served.is_superseded = true;
        } else {
            self.feed(line, Input::Signalled(signal));
        }
    }
}
