//! What must be true when all is well again.

use super::{Run, WORKERS, world::World};
use crate::harness::{Browser, Dice, Fate};
use handfast_core::session::SessionId;
use std::{collections::BTreeMap, sync::Mutex, thread};

/// How many dead tokens are presented on every node.
const DEAD: usize = 100;

/// A session as the database has it.
#[derive(Debug)]
struct Row {
    confirmed: u64,
    issued: u64,
    has_owner: bool,
    /// Why it was revoked, if it was.
    revoked: String,
}

/// Lets every browser come to rest, and looks at all sessions.
pub(super) fn examine(run: &Run<'_>, world: &World<'_>, browsers: Vec<Browser<'_>>) {
    for node in &world.cluster.nodes {
        node.until_ready(true);
    }
    world.calm_down();
    let browsers = at_rest(browsers);
    let rows = rows(world);
    for (session, row) in &rows {
        every_session_is_live_or_dead(world, session, row);
    }
    for browser in &browsers {
        is_in_step(browser, &rows);
    }
    if !run.has_mischief {
        let revoked = rows.values().filter(|row| !row.revoked.is_empty());
        assert_eq!(revoked.count(), 0);
    }
    dead_is_dead(run, world);
    // Presenting what is harmless disturbed nobody, and nobody was disturbed before.
    for mut browser in browsers {
        browser.overhear();
        assert!(browser.is_logged_in(), "{}", browser.name);
    }
}

fn at_rest(browsers: Vec<Browser<'_>>) -> Vec<Browser<'_>> {
    let waiting = Mutex::new(browsers);
    let resting = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().pop();
                    let Some(mut browser) = next else { return };
                    browser.come_to_rest();
                    resting.lock().unwrap().push(browser);
                }
            });
        }
    });
    resting.into_inner().unwrap()
}

/// All sessions, by PostgreSQL's own client.
fn rows(world: &World<'_>) -> BTreeMap<String, Row> {
    let sql = "SELECT replace(session::text, '-', ''), confirmed, issued, owner IS NOT NULL, \
        coalesce(revoked_reason, '') FROM handfast.sessions";
    let text = world.cluster.database.query(sql);
    let rows = text.lines().map(|line| {
        let columns: Vec<_> = line.split('|').collect();
        let bytes = u128::from_str_radix(columns[0], 16).unwrap().to_be_bytes();
        let row = Row {
            confirmed: columns[1].parse().unwrap(),
            issued: columns[2].parse().unwrap(),
            has_owner: columns[3] == "t",
            revoked: columns[4].to_owned(),
        };
        (SessionId::from_bytes(bytes).to_string(), row)
    });
    rows.collect()
}

fn every_session_is_live_or_dead(world: &World<'_>, session: &str, row: &Row) {
    let context = || format!("{session}: {row:?}; {:?}", world.registry.trail(session));
    assert!(row.has_owner, "{}", context());
    assert!(
        (row.confirmed..=row.confirmed + 1).contains(&row.issued),
        "{}",
        context()
    );
    // A session of which nobody heard has nobody who could have ended it.
    let fate = world.registry.trail(session).map(|trail| trail.fate);
    match row.revoked.as_str() {
        "" => assert_ne!(fate, Some(Fate::Ended), "{}", context()),
        "logout" | "reused" => {
            assert!(
                matches!(fate, Some(Fate::Doomed | Fate::Ended)),
                "{}",
                context()
            );
        }
        // A login that was withdrawn, before anybody had a token of it, because the accounts could not be looked at again.
        "admin" => assert_eq!((fate, row.issued), (None, 0), "{}", context()),
        _ => panic!("{}", context()),
    }
}

/// A browser holds the newest generation of a session that lives.
fn is_in_step(browser: &Browser<'_>, rows: &BTreeMap<String, Row>) {
    let stored = browser.storage.token().unwrap();
    let row = &rows[&*stored.session];
    let context = format!("{}: {stored:?}, {row:?}", browser.name);
    assert!(browser.is_logged_in(), "{context}");
    assert_eq!(row.revoked, "", "{context}");
    // The heartbeat may have pushed one meanwhile.
    let ahead = row.issued.checked_sub(stored.generation.number());
    assert!(ahead.is_some_and(|ahead| ahead <= 1), "{context}");
}

fn dead_is_dead(run: &Run<'_>, world: &World<'_>) {
    let mut dice = Dice::new(run.seed, u64::MAX - 1);
    let mut presented = 0;
    for _ in 0..DEAD {
        let dead = world.registry.any_dead(&mut dice);
        let Some(dead) = dead.filter(|dead| dead.is_harmless) else {
            continue;
        };
        presented += 1;
        for node in &world.cluster.nodes {
            let reason = world.present_dead(node, &dead, dice.percent(50));
            assert!(reason.is_some(), "no answer:\n{}", node.log());
        }
    }
    assert!(presented > 0, "no token was dead");
}
