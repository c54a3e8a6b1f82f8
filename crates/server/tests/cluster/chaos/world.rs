//! The surroundings of the browsers, and those who mean them ill.

use super::Run;
use crate::harness::{
    Asker, Cluster, Dead, Dice, Node, PATIENCE, Registry, Surroundings, bare, login, present,
};
use handfast::clock::SystemClock;
use handfast_core::time::{Clock as _, Moment};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

/// How long a browser waits for an answer, as long as things go wrong.
const ROUGH_PATIENCE: Duration = Duration::from_secs(1);
/// How many sessions are revoked in a thousand turns, and how many dead tokens presented.
const MISCHIEF_PER_MILLE: usize = 15;
/// How many of the dead tokens in a hundred are presented although that ends their session.
const ROBBERIES: usize = 10;

/// Nodes, and all that is known of sessions.
pub(super) struct World<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) registry: Registry,
    pub(super) counts: Counts,
    is_rough: AtomicBool,
    clock: SystemClock,
}

/// What happened how often.
#[derive(Debug, Default)]
pub(super) struct Counts {
    presented: AtomicUsize,
    revoked: AtomicUsize,
    robbed: AtomicUsize,
    refused: AtomicUsize,
    pub(super) faults: AtomicUsize,
}

impl<'a> World<'a> {
    pub(super) fn new(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            registry: Registry::default(),
            counts: Counts::default(),
            is_rough: AtomicBool::new(true),
            clock: SystemClock::start(),
        }
    }

    /// From now on nothing goes wrong any more.
    pub(super) fn calm_down(&self) {
        self.is_rough.store(false, Ordering::Relaxed);
    }

    /// Now and then, revokes somebody's session or presents a dead token.
    pub(super) fn do_mischief(&self, dice: &mut Dice) {
        match dice.below(1_000) {
            0..MISCHIEF_PER_MILLE => self.revoke_any(dice),
            chance if chance < 3 * MISCHIEF_PER_MILLE => self.present_any_dead(dice),
            _ => {}
        }
    }

    /// A user ends one of the own sessions from another device.
    fn revoke_any(&self, dice: &mut Dice) {
        let Some((session, subject)) = self.registry.doom_any(dice) else {
            return;
        };
        let node = self.node(dice);
        let Some(mut device) = Asker::try_within(node, self.patience()) else {
            return;
        };
        let Some(own) = device.try_ask(&login(&subject)) else {
            return;
        };
        self.registry.received(&subject, &own);
        let revoked = device.try_ask(&json!({"type": "Revoke", "session": session}));
        if revoked.is_some_and(|answer| answer["type"] == "Revoked") {
            self.registry.ended(&session, "it was revoked");
            self.counts.revoked.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(own) = own["session"].as_str() {
            self.registry.doom(own);
            let left = device.try_ask(&json!({"type": "Logout"}));
            if left.is_some_and(|answer| answer["type"] == "LoggedOut") {
                self.registry.ended(own, "it was logged out");
            }
        }
    }

    fn present_any_dead(&self, dice: &mut Dice) {
        let Some(dead) = self.registry.any_dead(dice) else {
            return;
        };
        if !dead.is_harmless && !dice.percent(ROBBERIES) {
            return;
        }
        let node = self.node(dice);
        self.present_dead(node, &dead, dice.percent(50));
    }

    /// Presents a dead token, which must be refused. Gives the reason, where there was an answer.
    pub(super) fn present_dead(&self, node: &Node, dead: &Dead, is_bare: bool) -> Option<Value> {
        let token = json!(dead.token);
        let message = match &dead.attempt {
            Some(attempt) if dead.is_harmless => present(&token, attempt),
            Some(_) | None if is_bare => bare(&token),
            Some(_) | None => present(&token, "the attempt of a thief"),
        };
        if !dead.is_harmless {
            self.registry.doom(&dead.session);
            self.counts.robbed.fetch_add(1, Ordering::Relaxed);
        }
        let answer = Asker::try_within(node, self.patience())?.try_ask(&message)?;
        if answer["type"] == "Unavailable" {
            return None;
        }
        assert_eq!(
            answer["type"],
            "InvalidToken",
            "a dead token of {} lives: {:?}",
            dead.session,
            self.registry.trail(&dead.session)
        );
        let reason = answer["reason"].clone();
        if reason == "reused" || reason == "revoked" {
            self.registry.ended(&dead.session, "it was robbed");
        } else {
            assert_eq!(reason, "stale", "of {}", dead.session);
        }
        self.counts.refused.fetch_add(1, Ordering::Relaxed);
        Some(reason)
    }

    pub(super) fn node(&self, dice: &mut Dice) -> &'a Node {
        let nodes = &self.cluster.nodes;
        &nodes[dice.below(nodes.len())]
    }

    /// Prints what happened.
    pub(super) fn report(&self, run: &Run<'_>) {
        let (sessions, tokens) = self.registry.size();
        let Counts {
            presented,
            revoked,
            robbed,
            refused,
            faults,
        } = &self.counts;
        println!(
            "{} browsers; {sessions} sessions, {tokens} tokens, \
             {presented:?} presentations; {faults:?} faults; {revoked:?} sessions revoked, {robbed:?} robbed; \
             {refused:?} dead tokens refused; {:?}",
            run.browsers,
            self.clock.now().moment.since(Moment::default()),
        );
    }
}

impl Surroundings for World<'_> {
    fn address(&self, dice: &mut Dice) -> SocketAddr {
        self.node(dice).address()
    }

    fn patience(&self) -> Duration {
        if self.is_rough() {
            ROUGH_PATIENCE
        } else {
            PATIENCE
        }
    }

    fn is_rough(&self) -> bool {
        self.is_rough.load(Ordering::Relaxed)
    }

    fn registry(&self) -> &Registry {
        &self.registry
    }

    fn presents(&self) {
        self.counts.presented.fetch_add(1, Ordering::Relaxed);
    }
}
