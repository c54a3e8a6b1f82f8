//! What goes wrong with servers and the ways between them.

use super::{Run, TURNS_PER_ROUND, world::World};
use crate::harness::{Dice, Progress, Way};
use handfast_ledger::conformance::service::Shutdown;
use std::{sync::atomic::Ordering, time::Duration};

/// How late everything is on a slow way.
const DELAY: Duration = Duration::from_millis(20);

/// One thing that goes wrong, and is put right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A node is killed.
    Kill,
    /// A node does nothing for a while, and goes on as if nothing had been.
    Freeze,
    /// The database is restarted as after a crash.
    Crash,
    /// No node hears from the others.
    Silence,
    /// A node is told to stop, and started again.
    Drain,
    /// A node cannot reach the database.
    Cut,
    /// A node gets no answers from the database.
    Stall,
    /// A node gets its answers from the database late.
    Slow,
}

impl Fault {
    pub(crate) const ALL: [Self; 8] = [
        Self::Kill,
        Self::Freeze,
        Self::Crash,
        Self::Silence,
        Self::Drain,
        Self::Cut,
        Self::Stall,
        Self::Slow,
    ];

    fn begin(self, world: &World<'_>, victim: usize) {
        let cluster = world.cluster;
        let node = &cluster.nodes[victim];
        match self {
            Self::Kill => node.kill(),
            Self::Freeze => node.freeze(),
            Self::Crash => cluster.postgres().stop(Shutdown::Immediate),
            Self::Silence => cluster.set_fanout(Way::Cut),
            Self::Drain => assert!(node.stop(), "{}", node.log()),
            Self::Cut => cluster.to_ledger[victim].set(Way::Cut),
            Self::Stall => cluster.to_ledger[victim].set(Way::Stalled),
            Self::Slow => cluster.to_ledger[victim].set(Way::Slow(DELAY)),
        }
    }

    fn end(self, world: &World<'_>, victim: usize) {
        let cluster = world.cluster;
        let node = &cluster.nodes[victim];
        match self {
            Self::Kill | Self::Drain => node.start_again(),
            Self::Freeze => node.thaw(),
            Self::Crash => cluster.postgres().start_again(),
            Self::Silence => cluster.set_fanout(Way::Open),
            Self::Cut | Self::Stall | Self::Slow => cluster.to_ledger[victim].set(Way::Open),
        }
    }
}

/// Lets one fault after the other happen. All is well again when it ends.
pub(super) fn happen(run: &Run<'_>, world: &World<'_>, progress: &Progress) {
    let mut dice = Dice::new(run.seed, u64::MAX);
    let round = run.browsers * TURNS_PER_ROUND;
    let span = round / run.faults.len();
    let first = dice.below(world.cluster.nodes.len());
    for number in 0..run.rounds * run.faults.len() {
        let fault = run.faults[number % run.faults.len()];
        // Every node has its turn.
        let victim = (first + number) % world.cluster.nodes.len();
        // Less than one turn of each browser.
        let lasts = if fault == Fault::Freeze || fault == Fault::Stall {
            run.browsers / 4
        } else {
            span / 2
        };
        if !progress.wait_for(number * span + span / 3) {
            return;
        }
        println!("{fault:?} of node {victim}");
        fault.begin(world, victim);
        let goes_on = progress.wait_for(number * span + span / 3 + lasts);
        fault.end(world, victim);
        world.counts.faults.fetch_add(1, Ordering::Relaxed);
        if !goes_on {
            return;
        }
    }
}
