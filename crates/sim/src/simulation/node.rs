//! The nodes: how they begin and end, and how their ledgers are driven.

use super::{
    agenda::{Event, Run},
    ask::Pending,
    check::Violation,
    clock::WallClock,
    fault::{Fault, Sabotage},
    follow::Follower,
    serve::Served,
    storage::Storage,
    world::World,
};
use handfast_core::{
    connection::{Input, Signal},
    rate::Taken,
    session::{RevocationReason, SessionId},
    time::{Clock as _, Timestamp},
};
use handfast_ledger::{ByHand, Change, Ledger, Observer, Settings};
use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

/// How many batches may wait for their flush, the one that is being flushed included: as many as the ledger's own
/// threads let wait.
const BATCHES_WAITING: u8 = 3;
/// How long a batch and a flush take at the most, in milliseconds.
const LEDGER_MS: u64 = 20;
/// By how many seconds the clock of a node is wrong at the most.
pub(super) const CLOCK_OFF_S: i64 = 60;
/// How long a client is asked to stay away from a node that drains, in seconds.
const RECONNECT_AFTER: u64 = 3;
/// How long after its end a session is kept, in seconds.
const KEPT_S: u64 = 8 * 24 * 3600;

/// A node.
pub(super) struct Node {
    /// What its connections are named by: another number each time that it starts.
    pub(super) run: u64,
    pub(super) clock: Arc<WallClock>,
    pub(super) ledger: Ledger,
    by_hand: ByHand<Storage>,
    committed: Arc<Committed>,
    is_deciding: bool,
    is_concluding: bool,
    batches_waiting: u8,
    /// Whether a flush has failed, so that its ledger takes nothing more.
    pub(super) has_stopped: bool,
    pub(super) served: BTreeMap<u64, Served>,
    /// What was asked for connections that are gone, and is decided all the same.
    pub(super) orphans: Vec<Pending>,
    pub(super) follower: Follower,
    pub(super) presentations: HashMap<SessionId, Taken>,
    pub(super) frozen_until: u64,
    pub(super) up_at: u64,
}

/// What one node's ledger committed, until the world looks.
#[derive(Debug, Default)]
struct Committed(Mutex<Vec<Change>>);

impl Observer for Committed {
    fn committed(&self, changes: &[Change]) {
        let mut committed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        committed.extend_from_slice(changes);
    }
}

impl Committed {
    fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl World {
    pub(super) fn new_node(&mut self) -> Node {
        let clock = self.new_clock(CLOCK_OFF_S);
        let committed = Arc::<Committed>::default();
        let settings = Settings {
            policy: self.policy,
        };
        let observer = Arc::clone(&committed);
        let (ledger, by_hand) = Ledger::by_hand(
            self.storage.clone(),
            settings,
            Arc::<WallClock>::clone(&clock),
            observer,
        );
        Node {
            run: self.dice.u64(..),
            clock,
            ledger,
            by_hand,
            committed,
            is_deciding: false,
            is_concluding: false,
            batches_waiting: 0,
            has_stopped: false,
            served: BTreeMap::new(),
            orphans: Vec::new(),
            follower: Follower::default(),
            presentations: HashMap::new(),
            frozen_until: 0,
            up_at: 0,
        }
    }

    pub(super) fn run_of(&self, node: usize) -> Run {
        Run {
            node,
            run: self.nodes[node].run,
        }
    }

    /// A node begins to read what others change.
    pub(super) fn node_begins(&mut self, node: usize) {
        let (first, run) = (self.nodes[node].up_at, self.run_of(node));
        self.agenda.add(first, Event::ReadChanges(run));
    }

    /// A node dies, and is there again at `up_at`. Half of its clients notice at once.
    pub(super) fn node_crashes(&mut self, node: usize, up_at: u64) {
        let begun = Node {
            up_at,
            ..self.new_node()
        };
        let died = std::mem::replace(&mut self.nodes[node], begun);
        self.storage.recover();
        self.node_begins(node);
        for line in died.served.into_keys() {
            if let Some(of) = self.lines.get_mut(&line) {
                of.is_broken = true;
            }
            if self.dice.bool() {
                self.schedule(1, Event::ClientDrops(line));
            }
            self.forget_line(line);
        }
    }

    pub(super) fn node_drains(&mut self, node: usize) {
        let lines: Vec<u64> = self.nodes[node].served.keys().copied().collect();
        for line in lines {
            let reconnect_after = RECONNECT_AFTER;
            let signal = Signal::GoingAway { reconnect_after };
            self.feed(line, Input::Signalled(signal));
        }
    }

    /// Every node dies at once, and some of what was committed and not flushed is gone. What was said must be there.
    pub(super) fn power_is_cut(&mut self) {
        let kept = self.dice.usize(..=self.storage.at_stake());
        self.storage.lose_power(kept);
        self.storage
            .disk()
            .is_watched
            .store(false, Ordering::Relaxed);
        for node in 0..self.nodes.len() {
            let up_at = self.now_ms() + self.absence();
            self.node_crashes(node, up_at);
        }
        self.counts.note(Fault::PowerCut);
        self.compare();
    }

    /// Something was asked of a node's ledger.
    pub(super) fn decide_soon(&mut self, node: usize) {
        if !std::mem::replace(&mut self.nodes[node].is_deciding, true) {
            let wait = self.dice.u64(1..LEDGER_MS);
            let at = (self.now_ms() + wait).max(self.stalled_until);
            self.agenda.add(at, Event::Decide(self.run_of(node)));
        }
    }

    /// A node's ledger decides and commits what waits.
    pub(super) fn decide(&mut self, run: Run) {
        let node = run.node;
        self.nodes[node].is_deciding = false;
        if self.nodes[node].batches_waiting >= BATCHES_WAITING {
            return self.decide_soon(node);
        }
        let is_down = self.down_until > self.now_ms();
        let is_in_doubt = !is_down && self.strikes(Fault::CommitInDoubt);
        let disk = self.storage.disk();
        disk.is_down.store(is_down, Ordering::Relaxed);
        disk.is_in_doubt.store(is_in_doubt, Ordering::Relaxed);
        let it = &mut self.nodes[node];
        let decided = it.by_hand.decide();
        it.orphans.clear();
        // What only failed has been answered; to conclude nothing does no harm.
        if decided > 0 {
            it.batches_waiting += 1;
            if !std::mem::replace(&mut it.is_concluding, true) {
                let wait = self.dice.u64(0..LEDGER_MS);
                self.schedule(wait, Event::Conclude(run));
            }
            if self.storage.at_stake() > 0 && self.strikes(Fault::PowerCut) {
                let wait = self.dice.u64(0..LEDGER_MS);
                self.schedule(wait, Event::PowerCut);
            }
        }
        self.answer_all(node);
    }

    /// What a node's ledger decided is flushed and told; answers and changes go where they belong.
    pub(super) fn conclude(&mut self, run: Run) {
        let node = run.node;
        let flush_fails = self.plan.flushes_apart && self.strikes(Fault::FlushFails);
        self.storage
            .disk()
            .flush_fails
            .store(flush_fails, Ordering::Relaxed);
        let it = &mut self.nodes[node];
        it.is_concluding = false;
        it.batches_waiting = 0;
        it.by_hand.conclude();
        let changes = it.committed.take();
        // A batch that failed had nothing to flush.
        self.storage
            .disk()
            .flush_fails
            .store(false, Ordering::Relaxed);
        if flush_fails {
            // Until somebody has looked after the disk.
            self.nodes[node].has_stopped = true;
            let wait = self.absence();
            self.schedule(wait, Event::Restart(run));
        }
        for change in &changes {
            if change.revoked == Some(RevocationReason::Reused) {
                self.counts.robbed += 1;
                if !self.watch.may_be_reused(change.session) {
                    self.watch.note(Violation::HonestRevoked(change.session));
                }
            }
        }
        self.fan_out(node, &changes);
        self.tell_owners(node, &changes);
        self.answer_all(node);
        for change in changes.iter().filter(|change| change.revoked.is_some()) {
            self.watch.ended(change.session);
        }
    }

    /// Tells the other nodes, as far as it concerns them.
    fn fan_out(&mut self, node: usize, changes: &[Change]) {
        let run = self.nodes[node].run;
        let concerns_others =
            |change: &&Change| change.losers().any(|loser| loser.connection.node != run);
        let told: Rc<[Change]> = changes.iter().filter(concerns_others).copied().collect();
        if told.is_empty() || self.is_sabotaged(Sabotage::HearsNothing) {
            return;
        }
        for other in (0..self.nodes.len()).filter(|other| *other != node) {
            if let Some(delay) = self.fan_out_delay() {
                let event = Event::FanOut(self.run_of(other), Rc::clone(&told));
                self.schedule(delay, event);
            }
        }
    }

    /// What a server does now and then: it removes what ended long ago.
    pub(super) fn sweep(&mut self) {
        for node in 0..self.nodes.len() {
            let now = self.nodes[node].clock.now().unix;
            let before = now.as_unix().saturating_sub(KEPT_S);
            let before = Timestamp::from_unix(before);
            drop(self.nodes[node].ledger.sweep(before));
            self.decide_soon(node);
        }
    }
}
