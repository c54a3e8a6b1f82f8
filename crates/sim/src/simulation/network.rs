//! Lines between tabs and nodes: late, broken, and broken unnoticed.

use super::{
    agenda::{Event, Frame},
    world::World,
};

/// A connection as the network sees it.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) end: End,
    pub(super) node: usize,
    /// Whether nothing gets through any more.
    pub(super) is_broken: bool,
    /// When the last frame that was sent each way arrives. What is sent after it arrives after it.
    to_server_at: u64,
    to_client_at: u64,
}

/// Who made a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Tab(usize),
    /// A thief, by the number of the theft.
    Thief(usize),
}

/// How long a frame is on its way, in milliseconds.
const LATENCY_MS: std::ops::Range<u64> = 2..60;

impl World {
    pub(super) fn latency(&mut self) -> u64 {
        self.dice.u64(LATENCY_MS)
    }

    /// A new line to any node.
    pub(super) fn connect(&mut self, end: End) -> u64 {
        self.last_line += 1;
        let number = self.last_line;
        let at = self.now_ms();
        let line = Line {
            end,
            node: self.dice.usize(..self.nodes.len()),
            is_broken: false,
            to_server_at: at,
            to_client_at: at,
        };
        self.lines.insert(number, line);
        let latency = self.latency();
        self.schedule(latency, Event::Accept(number));
        number
    }

    pub(super) fn send_to_server(&mut self, number: u64, frame: Frame) {
        let at = self.now_ms() + self.latency();
        if let Some(line) = self.lines.get_mut(&number) {
            line.to_server_at = line.to_server_at.max(at);
            let at = line.to_server_at;
            self.agenda.add(at, Event::ToServer(number, frame));
        }
    }

    pub(super) fn send_to_client(&mut self, number: u64, frame: Frame) {
        let at = self.now_ms() + self.latency();
        if let Some(line) = self.lines.get_mut(&number) {
            line.to_client_at = line.to_client_at.max(at);
            let at = line.to_client_at;
            self.agenda.add(at, Event::ToClient(number, frame));
        }
    }

    /// What is sent from now on waits until then.
    pub(super) fn slow_down(&mut self, number: u64, until: u64, to_server: bool) {
        if let Some(line) = self.lines.get_mut(&number) {
            let at = if to_server {
                &mut line.to_server_at
            } else {
                &mut line.to_client_at
            };
            *at = until.max(*at);
        }
    }

    /// The client has closed its end. The server notices after what was sent before.
    pub(super) fn hang_up(&mut self, number: u64) {
        let at = self.now_ms() + self.latency();
        if let Some(line) = self.lines.get(&number).filter(|line| !line.is_broken) {
            let at = line.to_server_at.max(at);
            self.agenda.add(at, Event::ServerDrops(number));
        }
        self.forget_line(number);
    }

    /// Nothing gets through any more.
    pub(super) fn break_line(&mut self, number: u64, is_noticed: bool) {
        let Some(line) = self.lines.get_mut(&number) else {
            return;
        };
        line.is_broken = true;
        if is_noticed {
            let (server, client) = (self.latency(), self.latency());
            self.schedule(server, Event::ServerDrops(number));
            self.schedule(client, Event::ClientDrops(number));
        }
    }

    /// Takes away a line that both ends have left.
    pub(super) fn forget_line(&mut self, number: u64) {
        let is_over = self.lines.get(&number).is_some_and(|line| {
            let is_served = self.nodes[line.node].served.contains_key(&number);
            let is_used = match line.end {
                End::Tab(tab) => self.tabs[tab].line == Some(number),
                End::Thief(theft) => self.thefts[theft].line == Some(number),
            };
            !is_served && !is_used
        });
        if is_over {
            self.lines.remove(&number);
        }
    }

    /// Who hears what arrives on a line at its client's end.
    pub(super) fn listener(&self, number: u64) -> Option<End> {
        let line = self.lines.get(&number).filter(|line| !line.is_broken)?;
        let listens = match line.end {
            End::Tab(tab) => self.tabs[tab].line == Some(number),
            End::Thief(theft) => self.thefts[theft].line == Some(number),
        };
        listens.then_some(line.end)
    }
}
