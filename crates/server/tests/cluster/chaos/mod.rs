//! Many browsers on three nodes, and everything that can go wrong.
//!
//! What happens when is counted in turns of the browsers, never in time. A node is frozen for less than a turn of each
//! browser: the rule bears with a request that is served seven generations late, and no more.

mod end;
mod fault;
mod world;

use crate::harness::{Browser, Cluster, Dice, FanoutWay, Plan, Progress};
use fault::Fault;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError, atomic::Ordering},
    thread,
};
use world::World;

/// The seed of the run that every run of the tests makes.
const SEED: u64 = 4;
/// How many threads do the browsers' turns.
const WORKERS: usize = 24;
/// How many turns a browser has between two rounds of faults.
const TURNS_PER_ROUND: usize = 12;

/// A run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    seed: u64,
    browsers: usize,
    /// How often all the faults happen.
    rounds: usize,
    faults: &'a [Fault],
    /// Whether sessions are revoked, robbed and logged out.
    has_mischief: bool,
    plan: Plan<'a>,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self {
            seed: SEED,
            browsers: 200,
            rounds: 1,
            faults: &Fault::ALL,
            has_mischief: true,
            plan: Plan {
                nodes: 3,
                heartbeat: "1s",
                fanout: FanoutWay::OfLedger,
                variables: &[("HANDFAST_TOKEN__REFRESH_AFTER", "1s")],
                clocks: &[],
            },
        }
    }
}

#[test]
fn whatever_fails_nobody_is_logged_out_and_no_dead_token_lives() {
    run(&Run::default());
}

#[test]
fn whatever_fails_it_is_the_same_where_fan_out_is_by_redis() {
    let run_of = Run::default();
    run(&Run {
        seed: SEED + 1,
        browsers: 60,
        plan: Plan {
            fanout: FanoutWay::Redis,
            ..run_of.plan
        },
        ..run_of
    });
}

#[test]
fn in_a_rolling_restart_nobody_is_logged_out_and_no_rotation_is_lost() {
    run(&Run {
        browsers: 60,
        faults: &[Fault::Drain, Fault::Drain, Fault::Drain],
        has_mischief: false,
        ..Run::default()
    });
}

#[test]
fn nodes_whose_clocks_are_a_minute_apart_lock_nobody_out() {
    let run_of = Run::default();
    run(&Run {
        browsers: 60,
        faults: &[Fault::Drain],
        has_mischief: false,
        plan: Plan {
            clocks: &["-60s", "+0s", "+60s"],
            ..run_of.plan
        },
        ..run_of
    });
}

#[test]
#[ignore = "takes minutes; `cargo xtask cluster` runs it"]
fn whatever_fails_and_however_often_nobody_of_thousands_is_logged_out_and_no_dead_token_lives() {
    let run_of = Run::default();
    run(&Run {
        seed: number("HANDFAST_CLUSTER_SEED", SEED),
        browsers: usize::try_from(number("HANDFAST_CLUSTER_CLIENTS", 3_000)).unwrap(),
        rounds: usize::try_from(number("HANDFAST_CLUSTER_ROUNDS", 3)).unwrap(),
        plan: Plan {
            heartbeat: "5s",
            ..run_of.plan
        },
        ..run_of
    });
}

/// A number that `cargo xtask cluster` sets.
fn number(name: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test has no configuration")]
    let text = std::env::var(name);
    text.map_or(default, |text| text.parse().unwrap())
}

fn run(run: &Run<'_>) {
    println!("seed {}, {} browsers", run.seed, run.browsers);
    raise_open_files();
    let cluster = Cluster::start(&run.plan);
    let world = World::new(&cluster);
    let browsers = (0_u64..).take(run.browsers);
    let browsers = browsers.map(|number| Browser::new(&world, number, Dice::new(run.seed, number)));
    let waiting = Mutex::new(browsers.collect::<VecDeque<_>>());
    let progress = Progress::up_to(run.browsers * TURNS_PER_ROUND * run.rounds);
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (world, waiting, progress) = (&world, &waiting, &progress);
            let dice = Dice::new(!run.seed, u64::try_from(worker).unwrap());
            scope.spawn(move || {
                let _watch = progress.watch();
                play(world, waiting, progress, (dice, run.has_mischief));
            });
        }
        let _watch = progress.watch();
        fault::happen(run, &world, &progress);
    });
    let browsers = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
    end::examine(run, &world, browsers.into());
    // A run in which nothing fails would prove nothing.
    let faults = world.counts.faults.load(Ordering::Relaxed);
    assert_eq!(faults, run.rounds * run.faults.len());
    world.report(run);
}

/// Lets one browser after the other have its turn.
fn play(
    world: &World<'_>,
    waiting: &Mutex<VecDeque<Browser<'_>>>,
    progress: &Progress,
    (mut dice, has_mischief): (Dice, bool),
) {
    let queue = || waiting.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if has_mischief {
            world.do_mischief(&mut dice);
        }
        let next = queue().pop_front();
        let Some(mut browser) = next else { return };
        browser.turn(has_mischief);
        queue().push_back(browser);
        if !progress.turn() {
            return;
        }
    }
}

/// A browser's connection is two open files, one here and one at a node, which inherits our limit.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}
