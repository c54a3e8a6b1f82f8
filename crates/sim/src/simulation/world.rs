//! The world: its clock, who lives in it, and the order of events.

use super::{
    Outcome, Plan,
    agenda::{Agenda, Event, Run},
    check::{Violation, Watch},
    clock::WallClock,
    fault::{Counts, Fault, Sabotage},
    network::{End, Line},
    node::Node,
    storage::Storage,
    tab::{Person, Tab},
    thief::Theft,
};
use handfast_core::{
    client::ClientState,
    limits::ConnectionLimits,
    session::{ConnectionId, SessionId, TokenPolicy},
};
use handfast_ledger::Memory;
use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// How long after the last fault everybody must be back, in milliseconds: a silent connection is given up after 60 s,
/// and the longest wait before the next is 30 s.
const RECOVERY_MS: u64 = 180_000;
const DAY: u64 = 24 * 3600;

pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) dice: fastrand::Rng,
    pub(super) agenda: Agenda,
    pub(super) limits: Arc<ConnectionLimits>,
    pub(super) policy: TokenPolicy,
    pub(super) storage: Storage,
    pub(super) backup: Memory,
    /// Until when the ledger refuses everything, and decides nothing.
    pub(super) down_until: u64,
    pub(super) stalled_until: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) lines: BTreeMap<u64, Line>,
    pub(super) last_line: u64,
    pub(super) tabs: Vec<Tab>,
    pub(super) people: Vec<Person>,
    pub(super) thefts: Vec<Theft>,
    /// Faults that wait for their moment.
    pub(super) armed: Vec<Fault>,
    pub(super) watch: Watch,
    pub(super) counts: Counts,
    /// Whether nothing goes wrong now.
    pub(super) is_calm: bool,
}

impl World {
    pub(super) fn new(plan: &Plan) -> Self {
        let storage = Storage::new(plan.flushes_apart);
        let lies = plan.sabotage == Some(Sabotage::FlushLies);
        storage.disk().flush_lies.store(lies, Ordering::Relaxed);
        Self {
            plan: *plan,
            dice: fastrand::Rng::with_seed(plan.seed ^ 0x5EED),
            agenda: Agenda::default(),
            limits: Arc::new(ConnectionLimits::default()),
            policy: TokenPolicy {
                lifetime: Duration::from_secs(7 * DAY),
                session_lifetime: Duration::from_secs(30 * DAY),
                roll_forward: false,
            },
            backup: storage.backup(),
            storage,
            down_until: 0,
            stalled_until: 0,
            nodes: Vec::new(),
            lines: BTreeMap::new(),
            last_line: 0,
            tabs: Vec::new(),
            people: Vec::new(),
            thefts: Vec::new(),
            armed: Vec::new(),
            watch: Watch::default(),
            counts: Counts::default(),
            is_calm: true,
        }
    }

    pub(super) fn is_sabotaged(&self, sabotage: Sabotage) -> bool {
        self.plan.sabotage == Some(sabotage)
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.agenda.hands.ms()
    }

    pub(super) fn bytes(&mut self) -> [u8; 16] {
        self.dice.u128(..).to_be_bytes()
    }

    pub(super) fn schedule(&mut self, after_ms: u64, event: Event) {
        self.agenda.add(self.now_ms() + after_ms, event);
    }

    /// A clock that is wrong by up to `seconds`.
    pub(super) fn new_clock(&mut self, seconds: i64) -> Arc<WallClock> {
        let ahead = self.dice.i64(-seconds..=seconds);
        Arc::new(WallClock::new(Arc::clone(&self.agenda.hands), ahead))
    }

    /// Runs until a promise is broken, or all rounds are over.
    pub(super) fn run(mut self) -> Outcome {
        for node in 0..self.plan.nodes {
            let begun = self.new_node();
            self.nodes.push(begun);
            self.node_begins(node);
        }
        for _ in 0..self.plan.clients {
            self.new_person();
        }
        for round in 1..=self.plan.rounds {
            self.round(round == self.plan.rounds);
            if self.watch.violation.is_some() {
                break;
            }
        }
        let now = Duration::from_millis(self.now_ms());
        Outcome {
            counts: self.counts,
            lived: now * u32::try_from(self.plan.clients).unwrap_or(u32::MAX),
            violation: self.watch.violation.map(|violation| (now, violation)),
        }
    }

    /// Trouble, and then everybody must be back.
    fn round(&mut self, is_last: bool) {
        let trouble_until = self.now_ms() + millis(self.plan.trouble);
        if self.plan.faults.any {
            self.is_calm = false;
            self.schedule_trouble();
        }
        self.run_until(trouble_until);
        self.heal(is_last);
        self.run_until(trouble_until + RECOVERY_MS);
        let mut quiet_until = trouble_until + RECOVERY_MS;
        if self.watch.ledger_lost() {
            // Whose session the ledger has never heard of, or gave back to a former owner, finds that out when it is pushed
            // to.
            quiet_until += RECOVERY_MS + millis(self.limits.refresh_after);
            self.run_until(quiet_until);
        }
        if self.watch.violation.is_none() && self.may_be_supplanted() && self.people_look() {
            self.run_until(quiet_until + RECOVERY_MS);
        }
        if self.watch.violation.is_none() {
            self.check_back();
        }
        self.counts.calms += 1;
        self.sweep();
    }

    /// Whether a connection that is no client's may have a client's session: a thief's, or a former owner's that the ledger
    /// went back to.
    const fn may_be_supplanted(&self) -> bool {
        self.plan.faults.thieves || self.watch.ledger_lost()
    }

    /// Whoever is told that another connection has the session stays away until a person looks.
    fn people_look(&mut self) -> bool {
        let mut somebody = false;
        for client in 0..self.plan.clients {
            let tabs = self.tabs.iter().filter(|tab| tab.client == client);
            let stays = |tab: &Tab| *tab.machine.state() == ClientState::Waiting { until: None };
            if !self.people[client].is_away && tabs.clone().all(stays) {
                self.counts.stayed_away += 1;
                somebody = true;
                self.looks(client);
            }
        }
        somebody
    }

    fn run_until(&mut self, until: u64) {
        while self.watch.violation.is_none()
            && let Some(entry) = self.agenda.next(until)
        {
            match self.thaws_at(&entry.event) {
                Some(thaw) => self.agenda.put_off(entry, thaw),
                None => {
                    self.counts.events += 1;
                    self.happen(entry.event);
                }
            }
        }
    }

    /// When the node that an event is about goes on, if it does nothing now.
    fn thaws_at(&self, event: &Event) -> Option<u64> {
        let node = match event {
            Event::Accept(line)
            | Event::ToServer(line, _)
            | Event::ServerDrops(line)
            | Event::WakeServed(line) => self.lines.get(line)?.node,
            Event::Decide(run)
            | Event::Conclude(run)
            | Event::ReadChanges(run)
            | Event::FanOut(run, _) => run.node,
            Event::Opened(_)
            | Event::ToClient(..)
            | Event::ClientDrops(_)
            | Event::WakeTab(_)
            | Event::LogIn(_)
            | Event::Return(_)
            | Event::Restart(_)
            | Event::PowerCut
            | Event::Present(_)
            | Event::Trouble => return None,
        };
        let thaw = self.nodes[node].frozen_until;
        (thaw > self.now_ms()).then_some(thaw)
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Accept(line) => self.accept(line),
            Event::Opened(line) => match self.listener(line) {
                Some(End::Tab(tab)) => self.opened(tab),
                Some(End::Thief(theft)) => self.thief_presents(theft, line),
                None => {}
            },
            Event::ToServer(line, frame) => {
                if self.lines.get(&line).is_some_and(|line| !line.is_broken) {
                    self.server_hears(line, frame);
                }
            }
            Event::ToClient(line, frame) => match self.listener(line) {
                Some(End::Tab(tab)) => self.hear(tab, frame),
                Some(End::Thief(theft)) => self.thief_hears(theft, &frame),
                None => {}
            },
            Event::ServerDrops(line) => self.server_drops(line),
            Event::ClientDrops(line) => self.client_drops(line),
            Event::WakeServed(line) => self.served_wakes(line),
            Event::WakeTab(tab) => self.tab_wakes(tab),
            Event::LogIn(tab) => self.log_in(tab),
            Event::Return(client) => self.returns(client),
            Event::Decide(run) if self.is_running(run) => self.decide(run),
            Event::Conclude(run) if self.is_running(run) => self.conclude(run),
            Event::ReadChanges(run) if self.is_running(run) => self.read_changes(run),
            Event::FanOut(run, changes) if self.is_running(run) => self.hear_of(run.node, &changes),
            Event::Restart(run) if self.is_running(run) => self.node_crashes(run.node, 0),
            Event::Decide(_)
            | Event::Conclude(_)
            | Event::ReadChanges(_)
            | Event::FanOut(..)
            | Event::Restart(_) => {}
            Event::PowerCut => self.power_is_cut(),
            Event::Present(theft) => self.thief_dials(theft),
            Event::Trouble => self.trouble(),
        }
    }

    fn is_running(&self, Run { node, run }: Run) -> bool {
        self.nodes[node].run == run
    }

    /// Whether a client has had the time to come back in that anybody needs who was not away.
    fn is_home(&self, client: usize) -> bool {
        let person = &self.people[client];
        !person.is_away && person.back_at + RECOVERY_MS <= self.now_ms()
    }

    /// Everybody must be in by now, on the one connection that the ledger says, and the ledger must have all that was
    /// told.
    fn check_back(&mut self) {
        for client in 0..self.plan.clients {
            if !self.is_home(client) {
                continue;
            }
            let tabs = self.tabs.iter().filter(|tab| tab.client == client);
            let is_in = |tab: &Tab| {
                let bound = tab.line.and_then(|line| self.session_on(line));
                *tab.machine.state() == ClientState::Authenticated && bound.is_some()
            };
            if !tabs.clone().any(is_in) {
                let states: Vec<_> = tabs.map(|tab| tab.machine.state()).collect();
                let states = format!("{states:?}");
                self.watch.note(Violation::NotBack { client, states });
            }
        }
        let mut owners = BTreeMap::new();
        let lines: Vec<u64> = self.lines.keys().copied().collect();
        for line in lines {
            let Some((session, connection)) = self.session_on(line) else {
                continue;
            };
            if owners.insert(session, line).is_some() {
                self.watch.note(Violation::TwoOwners(session));
            }
            let stored = self.storage.look_at(session);
            if stored.and_then(|stored| stored.record.owner) != Some(connection) {
                self.watch.note(Violation::WrongOwner(session));
            }
        }
        self.compare();
    }

    /// Whether the ledger has what was told.
    pub(super) fn compare(&mut self) {
        let (now, storage) = (self.now_ms(), self.storage.clone());
        self.watch.compare(now, |session| {
            let record = storage.look_at(session)?.record;
            Some((record.issued, record.confirmed, record.revoked.is_some()))
        });
    }

    /// The session that the server's side of a connection owns, and the connection's name.
    fn session_on(&self, line: u64) -> Option<(SessionId, ConnectionId)> {
        let node = &self.nodes[self.lines.get(&line)?.node];
        let (grant, _) = node.served.get(&line)?.machine.bound()?;
        let connection = ConnectionId {
            node: node.run,
            number: line,
        };
        Some((grant.session, connection))
    }
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
