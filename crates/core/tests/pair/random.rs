//! Whatever a network, a ledger and impatient people do: once they are good again, everybody is back in.

use crate::{
    WEEK,
    host::{Crash, Host},
    world::World,
};
use handfast_core::{
    client::{ClientInput, ClientState, Initiative},
    limits::ConnectionLimits,
};
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

/// Something that goes wrong, or that a person does.
#[derive(Clone, Debug)]
enum Act {
    Run(u64),
    Cut(usize),
    Vanish(usize),
    Mute(usize, bool),
    Refuse(bool),
    LedgerAway(bool),
    LedgerLosesAnswers(bool),
    LimitPresentations(bool),
    DecideLate(bool),
    BreakAt(&'static str),
    Drain,
    Start(usize),
    Refresh(usize),
    Reopen(usize),
    Crash(usize, Crash),
    LogIn(usize),
    LogOut(usize),
    LoseSessions,
}

fn act(hosts: usize) -> impl Strategy<Value = Act> {
    let kind = prop::sample::select(vec!["Success", "Hello", "InvalidToken", "Closing"]);
    let crash = prop::sample::select(vec![Crash::BeforeStoring, Crash::AfterStoring]);
    prop_oneof![
        3 => (0..100_u64).prop_map(Act::Run),
        3 => (100..3_000_u64).prop_map(Act::Run),
        3 => (3_000..700_000_u64).prop_map(Act::Run),
        3 => (0..hosts).prop_map(Act::Cut),
        1 => (0..hosts).prop_map(Act::Vanish),
        1 => (0..hosts, any::<bool>()).prop_map(|(host, mute)| Act::Mute(host, mute)),
        1 => any::<bool>().prop_map(Act::Refuse),
        1 => any::<bool>().prop_map(Act::LedgerAway),
        1 => any::<bool>().prop_map(Act::LedgerLosesAnswers),
        1 => any::<bool>().prop_map(Act::LimitPresentations),
        1 => any::<bool>().prop_map(Act::DecideLate),
        3 => kind.prop_map(Act::BreakAt),
        1 => Just(Act::Drain),
        3 => (0..hosts).prop_map(Act::Start),
        2 => (0..hosts).prop_map(Act::Refresh),
        2 => (0..hosts).prop_map(Act::Reopen),
        2 => (0..hosts, crash).prop_map(|(host, crash)| Act::Crash(host, crash)),
    ]
}

fn acts(hosts: usize) -> impl Strategy<Value = Vec<Act>> {
    prop::collection::vec(act(hosts), 1..80)
}

/// What people do who log in and out as well, in two tabs, with a ledger that may lose what it knew.
fn restless_acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => act(2),
        1 => (0..2_usize).prop_map(Act::LogIn),
        1 => (0..2_usize).prop_map(Act::LogOut),
        1 => Just(Act::LoseSessions),
    ];
    prop::collection::vec(act, 1..80)
}

fn limits() -> impl Strategy<Value = ConnectionLimits> {
    let heartbeat_interval = prop::sample::select(vec![1, 5, 25]);
    let refresh_after = prop::sample::select(vec![3, 60, 600]);
    (heartbeat_interval, refresh_after).prop_map(|(interval, refresh)| ConnectionLimits {
        heartbeat_interval: Duration::from_secs(interval),
        refresh_after: Duration::from_secs(refresh),
        ..ConnectionLimits::default()
    })
}

fn perform(world: &mut World, act: &Act) {
    match *act {
        Act::Run(ms) => world.run_for(ms),
        Act::Cut(host) => world.cut(host),
        Act::Vanish(host) => world.vanish(host),
        Act::Mute(host, mute) => world.mute(host, mute),
        Act::Refuse(refuses) => world.refuses = refuses,
        Act::LedgerAway(away) => world.ledger.unavailable = away,
        Act::LedgerLosesAnswers(loses) => world.ledger.loses_answers = loses,
        Act::LimitPresentations(limits) => world.ledger.limits_presentations = limits,
        Act::DecideLate(late) => world.decides_late = late,
        Act::BreakAt(kind) => world.breaks_at = Some(kind),
        Act::Drain => world.drain(3),
        Act::Start(host) => world.tell(host, ClientInput::Start),
        Act::Refresh(host) => world.tell(host, ClientInput::Refresh),
        Act::Reopen(host) => world.reopen_tab(host),
        Act::Crash(host, crash) => world.tab(host).crash = Some(crash),
        Act::LogIn(host) => world.log_in(host, "alice", "correct horse"),
        Act::LoseSessions => world.ledger.sessions.clear(),
        Act::LogOut(host) => world.tell(host, ClientInput::Logout { everywhere: false }),
    }
}

/// From now on everything works.
fn heal(world: &mut World) {
    world.refuses = false;
    world.ledger.unavailable = false;
    world.ledger.loses_answers = false;
    world.ledger.limits_presentations = false;
    world.decides_late = false;
    world.breaks_at = None;
    for host in 0..world.hosts.len() {
        world.mute(host, false);
        if let Host::Tab(tab) = &mut world.hosts[host] {
            tab.crash = None;
        }
    }
}

impl World {
    /// Whether a tab holds that it is logged in, if it has made up its mind.
    fn is_in(&mut self, tab: usize) -> Option<bool> {
        match self.state(tab) {
            ClientState::Authenticated => Some(true),
            ClientState::LoggedOut(_) => Some(false),
            ClientState::Waiting { .. } | ClientState::Connecting | ClientState::Authenticating => {
                None
            }
        }
    }

    /// A person wants a tab to be in. Each other tab may take that once for its own echo, and come back.
    fn look_at(&mut self, tab: usize) {
        for _ in 0..self.hosts.len() {
            self.tell(tab, ClientInput::Start);
            self.run_for(10_000);
            if !matches!(self.state(tab), ClientState::Waiting { .. }) {
                return;
            }
        }
    }

    /// Whether both sides agree on who is in, if not now then when a handover that is under way is over.
    fn comes_to_agree(&mut self, tabs: &[usize]) -> bool {
        const HANDOVERS: usize = 5;
        (0..HANDOVERS).any(|_| {
            let agree = tabs.iter().all(|tab| {
                let is_in = self.is_in(*tab);
                is_in.is_none_or(|is_in| is_in == self.is_served(*tab))
            });
            if !agree {
                self.settle();
            }
            agree
        })
    }

    /// Whether the server holds that a tab is logged in.
    fn is_served(&self, tab: usize) -> bool {
        let number = self.hosts[tab].connection();
        let served = number.and_then(|number| self.served.get(&number));
        served.is_some_and(|served| served.session().is_some())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tabs_always_get_back_in_and_their_session_is_never_revoked(
        limits in limits(),
        acts in acts(3),
    ) {
        let mut world = World::new(limits);
        let first = world.logged_in_tab();
        let tabs = [
            first,
            world.open_tab(0, Initiative::Client),
            world.open_tab(0, Initiative::Server),
        ];
        for act in &acts {
            perform(&mut world, act);
            prop_assert_eq!(world.record().revoked, None, "after {:?}", act);
        }
        heal(&mut world);
        world.run_for(60_000);
        for tab in tabs {
            world.look_at(tab);
            prop_assert_eq!(world.state(tab), &ClientState::Authenticated);
            // The newest one may be on its way.
            let (confirmed, _) = world.generations();
            prop_assert!(world.stored(0) >= Some(confirmed));
        }
        prop_assert_eq!(world.record().revoked, None);
    }

    #[test]
    fn whoever_logs_in_and_out_both_sides_agree_and_a_login_always_works(
        limits in limits(),
        acts in restless_acts(),
    ) {
        // A close for want of a login may come at any moment, also while one looks whether both sides agree.
        let mut world = World::new(ConnectionLimits { unauthenticated: WEEK, ..limits });
        let tabs = [world.logged_in_tab(), world.open_tab(0, Initiative::Client)];
        for act in &acts {
            perform(&mut world, act);
            prop_assert!(!world.ledger.was_reused(), "after {:?}", act);
        }
        heal(&mut world);
        world.settle();
        prop_assert!(
            world.comes_to_agree(&tabs),
            "{:?}",
            tabs.map(|tab| (world.is_in(tab), world.is_served(tab)))
        );
        // A tab that waits would take the session from the other one in the middle of what follows.
        world.run_for(400_000);
        for tab in tabs {
            world.look_at(tab);
            prop_assert_eq!(world.is_in(tab), Some(world.is_served(tab)));
            if !world.is_served(tab) {
                world.log_in(tab, "alice", "correct horse");
                world.settle();
            }
            prop_assert_eq!(world.is_in(tab), Some(true));
            prop_assert!(world.is_served(tab));
        }
        prop_assert!(!world.ledger.was_reused());
    }

    #[test]
    fn a_page_always_gets_back_in_and_its_session_is_never_revoked(
        limits in limits(),
        acts in acts(1),
    ) {
        let mut world = World::new(limits);
        let page = world.open_page();
        world.settle();
        world.log_in(page, "alice", "correct horse");
        world.settle();
        for act in acts {
            // A person has no other way to deal with a page than to load it again.
            let act = match act {
                Act::Start(_) | Act::LogIn(_) | Act::LogOut(_) | Act::LoseSessions | Act::Refresh(_) | Act::Reopen(_) | Act::Crash(..) => {
                    Act::Cut(page)
                },
                act => act,
            };
            perform(&mut world, &act);
            prop_assert_eq!(world.record().revoked, None, "after {:?}", act);
        }
        heal(&mut world);
        // A page that was told `Unavailable` waits until it is closed.
        world.run_for(400_000);
        world.messages_to(page);
        world.say(page, &json!({"type": "Logout"}));
        world.settle();
        let kinds = world.kinds_to(page);
        prop_assert_eq!(kinds.last().map(String::as_str), Some("LoggedOut"));
    }
}
