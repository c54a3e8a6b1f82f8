//! What `simulate` prints.

use super::thousands;
use crate::simulation::{
    Outcome, Plan,
    fault::{Counts, Fault},
};
use anstream::{eprint, println};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);
const YEAR_DAYS: u32 = 365;

/// Runs one seed after the other until clients have lived through `years`, all together. Says whether nothing broke.
pub(crate) fn simulate(years: u32, first_seed: u64) -> bool {
    let wanted = DAY.saturating_mul(YEAR_DAYS).saturating_mul(years);
    let mut sum = Sum::default();
    for seed in first_seed.. {
        sum.add(&Plan::long(seed));
        eprint!("\r{}", sum.progress());
        if sum.lived >= wanted {
            break;
        }
    }
    eprint!("\r\x1b[K");
    sum.print();
    sum.broken == 0
}

/// Runs one seed, as the long run and as the tests do.
pub(crate) fn simulate_one(seed: u64) -> bool {
    let mut sum = Sum::default();
    for plan in [Plan::of_seed(seed), Plan::long(seed)] {
        println!("{plan:?}");
        sum.add(&plan);
    }
    sum.print();
    sum.broken == 0
}

#[derive(Default)]
struct Sum {
    runs: u64,
    broken: u64,
    lived: Duration,
    counts: Counts,
}

impl Sum {
    fn add(&mut self, plan: &Plan) {
        let Outcome {
            counts,
            lived,
            violation,
        } = plan.run();
        self.runs += 1;
        self.lived += lived;
        self.counts.add(&counts);
        if let Some((at, violation)) = violation {
            self.broken += 1;
            let rounds = plan.rounds;
            println!(
                "\r\x1b[Kseed {}, {rounds} rounds, after {at:?}: {violation}",
                plan.seed
            );
        }
    }

    fn years(&self) -> f64 {
        self.lived.as_secs_f64() / (DAY * YEAR_DAYS).as_secs_f64()
    }

    fn progress(&self) -> String {
        let (years, events) = (self.years(), thousands(self.counts.events));
        let Self { runs, broken, .. } = self;
        format!("{years:.2} years of sessions in {runs} runs, {events} events, {broken} broken ")
    }

    fn print(&self) {
        println!("{}", self.progress());
        let counts = &self.counts;
        let done = [
            ("logins", counts.logins),
            ("presentations accepted", counts.presentations),
            ("tokens pushed", counts.pushes),
            ("thieves who got in", counts.break_ins),
            ("sessions ended as stolen", counts.robbed),
            ("clients that knew their own echo", counts.echoes),
            ("clients that stayed away", counts.stayed_away),
            (
                "times that all was well and everybody looked at",
                counts.calms,
            ),
        ];
        let faults = Fault::ALL.map(|fault| (fault.name(), counts.of(fault)));
        for (name, count) in done.into_iter().chain(faults) {
            println!("  {name:<52} {:>12}", thousands(count));
        }
    }
}
