use handfast_sim::model::{run::check, rule::AsItRuns, setting::*};
fn main() {
    let any = Copies::AnyTime;
    let all = [
        ("a1f2", Setting::attempts(1, 2)),
        ("a1f3", Setting::attempts(1, 3)),
        ("a1f4", Setting::attempts(1, 4)),
        ("a2f2", Setting::attempts(2, 2)),
        ("a2f3", Setting::attempts(2, 3)),
        ("a1f3r", Setting::attempts(1, 3).repeating()),
        ("p1f3", Setting::proofs(1, 3)),
        ("p2f3", Setting::proofs(2, 3)),
        ("b2", Setting::bare(2)),
        ("b3", Setting::bare(3)),
        ("b4", Setting::bare(4)),
        ("b3cross", Setting::bare(3).pushing(Pushes::ToOwner)),
        ("a2f2 loss", Setting::attempts(2, 2).losing(1, false)),
        ("a2f2 loss roll", Setting::attempts(2, 2).losing(1, true)),
        ("p2f2 loss", Setting::proofs(2, 2).losing(2, false)),
        ("p2f2 loss roll", Setting::proofs(2, 2).losing(2, true)),
        ("b2 loss", Setting::bare(2).losing(1, false)),
        ("b2 loss roll", Setting::bare(2).losing(1, true)),
        ("rest nopush", Setting::attempts(1, 2).pushing(Pushes::None).stolen(Copies::AtRest, 0)),
        ("rest push", Setting::attempts(1, 2).stolen(Copies::AtRest, 0)),
        ("unpres push", Setting::attempts(1, 2).stolen(Copies::Unpresented, 0)),
        ("unpres push 1", Setting::attempts(1, 2).stolen(Copies::Unpresented, 1)),
        ("any nopush", Setting::attempts(1, 2).pushing(Pushes::None).stolen(any, 3)),
        ("any push", Setting::attempts(1, 2).stolen(any, 5)),
        ("any push ack", Setting::attempts(1, 2).stolen(any, 9).acknowledging(true)),
        ("any push ack silent", Setting::attempts(1, 2).stolen(any, 9).acknowledging(false)),
        ("rest push ack", Setting::attempts(1, 2).stolen(Copies::AtRest, 0).acknowledging(false)),
        ("unpr push ack", Setting::attempts(1, 2).stolen(Copies::Unpresented, 1).acknowledging(false)),
        ("bare nopush", Setting::bare(2).pushing(Pushes::None).stolen(any, 2)),
        ("bare push", Setting::bare(2).stolen(any, 4)),
        ("bare push ack", Setting::bare(2).stolen(any, 9).acknowledging(true)),
        ("bare push ack silent", Setting::bare(2).stolen(any, 9).acknowledging(false)),
        ("X rest push 1", Setting::attempts(1, 2).stolen(Copies::AtRest, 1)),
        ("X rest push ack", Setting::attempts(1, 2).stolen(Copies::AtRest, 9).acknowledging(true)),
        ("X unp push ack", Setting::attempts(1, 2).stolen(Copies::Unpresented, 9).acknowledging(true)),
        ("X any push ack", Setting::attempts(1, 2).stolen(any, 9).acknowledging(true)),
        ("X nopush ack", Setting::attempts(1, 2).pushing(Pushes::None).stolen(any, 3).acknowledging(false)),
        ("X bare nopush ack", Setting::bare(2).pushing(Pushes::None).stolen(any, 3).acknowledging(false)),
        ("X a1 loss roll", Setting::attempts(1, 1).losing(1, true)),
        ("X a2 loss roll", Setting::attempts(2, 1).losing(2, true)),
        ("X loss thief", Setting::attempts(1, 2).losing(1, false).stolen(Copies::AtRest, 9)),
        ("X a3f2", Setting::attempts(3, 2)),
        ("X b5", Setting::bare(5)),
        ("proof thief", Setting::proofs(1, 2).stolen(Copies::AgainAndAgain, 0)),
    ];
    let only = std::env::args().nth(1);
    if only.as_deref() == Some("mutants") {
        for m in handfast_sim::model::mutant::seeded() {
            let found = check(m.setting, m.rule, |_, _| {});
            println!("## {} — {} states", m.name, found.states);
            match found.broken { Some(b) => println!("  BROKEN {}\n{}", b.promise, b.told), None => println!("  SURVIVES!") }
        }
        return;
    }
    for (name, setting) in all {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) { continue; }
        let found = check(setting, AsItRuns, |_, _| {});
        println!("{name:20} {:>10} states {:>11} steps depth {:>3} {:>8.2?} changes {}", found.states, found.steps, found.depth, found.took, found.most_changes);
        if let Some(b) = found.broken { println!("  BROKEN {}\n{}", b.promise, b.told); }
    }
}
