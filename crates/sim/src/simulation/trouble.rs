//! What goes wrong, when the dice say so.

use super::{
    agenda::Event,
    fault::{Fault, Sabotage},
    node::CLOCK_OFF_S,
    world::{World, millis},
};
use handfast_core::client::ClientInput;
use std::sync::atomic::Ordering;

/// How long something is away or frozen at the most, in milliseconds.
const ABSENCE_MS: u64 = 90_000;
/// How long a client is away at the most, in milliseconds: longer than a token lives.
const JOURNEY_MS: u64 = 9 * 24 * 3_600_000;
/// How late a fan-out is at the most, in milliseconds.
const FAN_OUT_LATE_MS: u64 = 20_000;
/// How late what is sent on a line is at the most, in milliseconds. A request that is later than the rule remembers is
/// beyond what it promises; connections that are that slow are given up before.
const SLOW_MS: u64 = 8_000;
/// How soon a client gives up on a server that does not answer, in milliseconds.
const GIVEN_UP_MS: std::ops::Range<u64> = 100..10_000;

impl World {
    /// How long something that fails now is away.
    pub(super) fn absence(&mut self) -> u64 {
        let absence = self.dice.u64(..ABSENCE_MS);
        if self.is_calm { 0 } else { absence }
    }

    pub(super) fn schedule_trouble(&mut self) {
        let mean = millis(self.plan.between_faults).max(1);
        let wait = self.dice.u64(0..2 * mean);
        self.schedule(wait, Event::Trouble);
    }

    /// One thing goes wrong, and the next is on its way.
    pub(super) fn trouble(&mut self) {
        if self.is_calm {
            return;
        }
        self.schedule_trouble();
        if self.plan_allows(Fault::LostWrites) && self.dice.u8(..) < 16 {
            self.backup = self.storage.backup();
        }
        let fault = Fault::ALL[self.dice.usize(..Fault::ALL.len())];
        if self.plan_allows(fault) && self.goes_wrong(fault) {
            self.counts.note(fault);
        }
    }

    const fn plan_allows(&self, fault: Fault) -> bool {
        let faults = self.plan.faults;
        faults.any
            && match fault {
                Fault::LostWrites => {
                    let in_silence = matches!(self.plan.sabotage, Some(Sabotage::LosesInSilence));
                    faults.lost_writes || in_silence
                }
                Fault::Theft | Fault::DeadToken => faults.thieves,
                Fault::FlushFails | Fault::PowerCut => self.plan.flushes_apart,
                _ => true,
            }
    }

    /// Does it. Says whether it has happened now.
    fn goes_wrong(&mut self, fault: Fault) -> bool {
        let tab = self.dice.usize(..self.tabs.len());
        let client = self.tabs[tab].client;
        let node = self.dice.usize(..self.nodes.len());
        let until = self.now_ms() + self.absence();
        match fault {
            Fault::Disconnect | Fault::HalfOpen | Fault::SlowToServer | Fault::SlowToClient => {
                return self.line_fails(tab, fault);
            }
            Fault::CrashBeforeStoring | Fault::CrashAfterStoring => {
                // It is counted when it happens, and so are those that wait for their moment.
                self.tabs[tab].dies = Some(fault);
                return false;
            }
            Fault::OtherTab => self.other_tab(tab),
            Fault::Logout => {
                if self.dice.u8(..) < 64 {
                    self.log_out(tab);
                }
                return false;
            }
            Fault::Absence => return self.journey(client),
            Fault::NodeCrash => self.node_crashes(node, until),
            Fault::NodeFreeze => self.node_freezes(node, tab, until),
            Fault::NodeDrain => self.node_drains(node),
            Fault::ClockSet => {
                let ahead = self.dice.i64(-CLOCK_OFF_S..=CLOCK_OFF_S);
                self.nodes[node].clock.set(ahead);
            }
            Fault::LedgerDown => self.down_until = until,
            Fault::LedgerStall => self.stalled_until = until,
            Fault::LostWrites => self.lose_writes(),
            Fault::Theft | Fault::DeadToken => return self.thief_strikes(fault, client),
            Fault::PowerCut => {
                self.storage
                    .disk()
                    .is_watched
                    .store(true, Ordering::Relaxed);
                return self.arm(fault);
            }
            Fault::CommitInDoubt | Fault::FlushFails | Fault::FanOutLost | Fault::FanOutLate => {
                return self.arm(fault);
            }
            // It is thrown for whenever somebody leaves.
            Fault::DecidedLate => return false,
        }
        true
    }

    fn arm(&mut self, fault: Fault) -> bool {
        if !self.armed.contains(&fault) {
            self.armed.push(fault);
        }
        false
    }

    /// Whether a fault that waits for its moment has it now.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let waits = self.armed.iter().position(|armed| *armed == fault);
        if let Some(place) = waits {
            self.armed.swap_remove(place);
            // A power cut is counted when it comes.
            if fault != Fault::PowerCut {
                self.counts.note(fault);
            }
        }
        waits.is_some()
    }

    fn line_fails(&mut self, tab: usize, fault: Fault) -> bool {
        let Some(line) = self.tabs[tab].line else {
            return false;
        };
        let until = self.now_ms() + self.dice.u64(..SLOW_MS);
        match fault {
            Fault::SlowToServer | Fault::SlowToClient => {
                self.slow_down(line, until, fault == Fault::SlowToServer);
                self.tell(tab, ClientInput::Refresh);
                if self.dice.bool() {
                    self.give_up_soon(line);
                }
            }
            _ => self.break_line(line, fault == Fault::Disconnect),
        }
        true
    }

    /// A client will not wait for long.
    fn give_up_soon(&mut self, line: u64) {
        let patience = self.dice.u64(GIVEN_UP_MS);
        self.schedule(patience, Event::ClientDrops(line));
    }

    /// A node freezes; now and then while a presentation is on its way to it, whose client soon gives up.
    fn node_freezes(&mut self, node: usize, tab: usize, until: u64) {
        self.nodes[node].frozen_until = until;
        let line = self.tabs[tab].line;
        let of = line.and_then(|line| self.lines.get(&line));
        if let Some(line) = line
            && of.is_some_and(|of| of.node == node)
        {
            self.tell(tab, ClientInput::Refresh);
            self.give_up_soon(line);
        }
    }

    pub(super) fn fan_out_delay(&mut self) -> Option<u64> {
        if self.strikes(Fault::FanOutLost) {
            None
        } else if self.strikes(Fault::FanOutLate) {
            Some(self.dice.u64(..FAN_OUT_LATE_MS))
        } else {
            Some(self.latency())
        }
    }

    /// A client's second tab comes, or comes back; or a person presents.
    fn other_tab(&mut self, tab: usize) {
        let client = self.tabs[tab].client;
        let tabs = self.tabs.iter().filter(|tab| tab.client == client).count();
        if self.people[client].is_away {
            return;
        }
        if tabs < 2 {
            self.open_tab(client);
        } else if self.dice.bool() {
            self.tell(tab, ClientInput::Refresh);
        } else {
            self.tell(tab, ClientInput::Start);
        }
    }

    /// Now and then somebody is away for longer.
    fn journey(&mut self, client: usize) -> bool {
        let is_rare = self.dice.u8(..) < 16;
        if self.people[client].is_away || !is_rare {
            return false;
        }
        let for_ms = match self.dice.u8(..4) {
            0 => self.dice.u64(..JOURNEY_MS),
            _ => self.dice.u64(..JOURNEY_MS / 100),
        };
        self.goes_away(client, for_ms);
        true
    }

    fn lose_writes(&mut self) {
        self.storage.restore(&self.backup);
        if !self.is_sabotaged(Sabotage::LosesInSilence) {
            self.watch.forget();
        }
    }

    /// From now on everything works. Whoever is on a journey stays on it, unless this is the last time.
    pub(super) fn heal(&mut self, is_last: bool) {
        self.is_calm = true;
        let now = self.now_ms();
        (self.down_until, self.stalled_until) = (now, now);
        for node in 0..self.nodes.len() {
            if self.nodes[node].has_stopped {
                self.node_crashes(node, now);
            }
            self.nodes[node].frozen_until = now;
            self.nodes[node].up_at = now;
        }
        for client in (0..self.people.len()).filter(|_| is_last) {
            self.returns(client);
        }
        for tab in &mut self.tabs {
            tab.dies = None;
        }
        self.armed.clear();
        self.storage
            .disk()
            .is_watched
            .store(false, Ordering::Relaxed);
    }
}
