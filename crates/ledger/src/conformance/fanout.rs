//! What every medium of a fan-out must do.

use super::bench::{connection, session};
use crate::{
    Change,
    fanout::{Fanout, Heard, Inbox, Listener as _, Medium, PILE_CHANGES, Publisher, Speaker as _},
};
use std::{pin::pin, time::Duration};

/// How long a case waits for what must come before it fails. None asserts how long anything took.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server for one case.
pub trait FanoutFixture: Sized + Sync {
    /// What is tested.
    type Medium: Medium;

    /// Starts a server that nobody else uses.
    fn start() -> Self;

    /// A medium on the channel of this name.
    fn medium(&self, channel: &str) -> Self::Medium;

    /// Stops the server, as a crash does.
    fn stop(&self);

    /// Starts the server that was stopped, at the same address.
    fn start_again(&self);

    /// Publishes a text without blanks on a channel as somebody does who is no node. When it returns, the server has
    /// taken it.
    fn shout(&self, channel: &str, text: &str);
}

/// A node that does nothing but hear and tell.
struct Node {
    publisher: Publisher,
    inbox: Inbox,
}

impl Node {
    fn join<F: FanoutFixture>(fixture: &F, channel: &str, number: u64) -> Self {
        let fanout = Fanout::over(fixture.medium(channel));
        let (publisher, inbox) = fanout.join(number, |bound| bound.min(10));
        Self { publisher, inbox }
    }

    async fn connected<F: FanoutFixture>(fixture: &F, channel: &str, number: u64) -> Self {
        let mut node = Self::join(fixture, channel, number);
        node.hear_that_it_is_connected().await;
        node
    }

    /// Whoever is connected may have missed something before.
    async fn hear_that_it_is_connected(&mut self) {
        self.publisher.until_connected(true).await;
        assert!(self.hear().await.read_log);
    }

    /// A message counts once the server has answered for it, which others may hear before.
    async fn counted_as_sent(&self, count: u64) {
        while self.publisher.status().sent < count {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.publisher.status().sent, count);
    }

    async fn hear(&mut self) -> Heard {
        self.inbox.recv().await.unwrap()
    }

    /// The next changes, of which nothing is missing.
    async fn hear_changes(&mut self, count: usize) -> Vec<Change> {
        let mut heard = Vec::new();
        while heard.len() < count {
            let more = self.hear().await;
            assert!(!more.read_log, "nothing was missed");
            heard.extend(more.changes);
        }
        heard
    }
}

/// Takeovers of sessions in a row.
fn changes(numbers: std::ops::Range<u64>) -> Vec<Change> {
    let takeover = |number| Change {
        session: session(number),
        owner: Some(connection(number)),
        former_owner: Some(connection(number + 1)),
        revoked: None,
        by: Some(connection(number)),
    };
    numbers.map(takeover).collect()
}

/// On one thread, so that what does not wait is not interrupted.
fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let case = async { tokio::time::timeout(PATIENCE, case).await };
    runtime.unwrap().block_on(case).unwrap();
}

pub fn what_one_node_publishes_every_other_hears_in_its_order<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let one = Node::connected(&fixture, "cluster", 1).await;
        let mut two = Node::connected(&fixture, "cluster", 2).await;
        let mut three = Node::connected(&fixture, "cluster", 3).await;
        let all = changes(0..2_000);
        for some in all.chunks(7) {
            one.publisher.publish(some);
            tokio::task::yield_now().await;
        }
        assert_eq!(two.hear_changes(2_000).await, all);
        assert_eq!(three.hear_changes(2_000).await, all);
        one.counted_as_sent(2_000).await;
        assert_eq!(two.publisher.status().heard, 2_000);
        assert_eq!(two.publisher.status().left_to_log, 0);
    });
}

pub fn nobody_hears_oneself<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let mut one = Node::connected(&fixture, "cluster", 1).await;
        let mut two = Node::connected(&fixture, "cluster", 2).await;
        one.publisher.publish(&changes(0..1));
        assert_eq!(two.hear_changes(1).await, changes(0..1));
        two.publisher.publish(&changes(1..2));
        assert_eq!(one.hear_changes(1).await, changes(1..2));
    });
}

pub fn a_burst_that_does_not_fit_is_left_to_the_log<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let one = Node::connected(&fixture, "cluster", 1).await;
        let mut two = Node::connected(&fixture, "cluster", 2).await;
        let burst = changes(0..100_000);
        for some in burst.chunks(100) {
            // This thread is the one that would send, so nothing leaves until all of it was published.
            one.publisher.publish(some);
        }
        assert_eq!(one.publisher.status().left_to_log, 100_000);
        let heard = two.hear().await;
        assert!(heard.read_log && heard.changes.is_empty());
        let fits = changes(0..PILE_CHANGES.try_into().unwrap());
        one.publisher.publish(&fits);
        assert_eq!(two.hear_changes(PILE_CHANGES).await, fits);
        assert_eq!(one.publisher.status().left_to_log, 100_000);
    });
}

pub fn a_connection_that_broke_comes_back_and_asks_for_the_log<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let mut one = Node::connected(&fixture, "cluster", 1).await;
        let mut two = Node::connected(&fixture, "cluster", 2).await;
        fixture.stop();
        one.publisher.until_connected(false).await;
        two.publisher.until_connected(false).await;
        one.publisher.publish(&changes(0..1));
        fixture.start_again();
        one.hear_that_it_is_connected().await;
        two.hear_that_it_is_connected().await;
        one.publisher.publish(&changes(1..2));
        let mut heard = two.hear_changes(1).await;
        if heard == changes(0..1) {
            heard = two.hear_changes(1).await;
        }
        assert_eq!(heard.last(), changes(1..2).last());
        assert_eq!(two.publisher.status().connections, 2);
    });
}

pub fn a_server_that_is_not_there_yet_disturbs_nobody<F: FanoutFixture>() {
    let fixture = F::start();
    fixture.stop();
    run(async {
        let mut one = Node::join(&fixture, "cluster", 1);
        let mut two = Node::join(&fixture, "cluster", 2);
        one.publisher.publish(&changes(0..1));
        assert!(!one.publisher.status().connected);
        fixture.start_again();
        one.hear_that_it_is_connected().await;
        two.hear_that_it_is_connected().await;
        two.publisher.publish(&changes(1..2));
        assert_eq!(one.hear_changes(1).await, changes(1..2));
    });
}

pub fn what_is_no_message_is_ignored_and_counted<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let one = Node::connected(&fixture, "cluster", 1).await;
        let mut two = Node::connected(&fixture, "cluster", 2).await;
        fixture.shout("cluster", "hello?");
        let mut medium = fixture.medium("cluster");
        let (mut speaker, mut listener) = medium.connect().await.unwrap();
        let newer_version = vec![u8::MAX; 100];
        // What sends may need what hears to go on, also when that has heard.
        let mut sending = pin!(speaker.send(newer_version.clone()));
        let (mut is_sent, mut heard) = (false, None);
        while !is_sent || heard.is_none() {
            tokio::select! {
                sent = &mut sending, if !is_sent => is_sent = sent.is_ok(),
                message = listener.next() => heard = Some(message.unwrap()),
            }
        }
        assert_eq!(heard, Some(newer_version), "the server has taken it");
        one.publisher.publish(&changes(0..1));
        assert_eq!(two.hear_changes(1).await, changes(0..1));
        let status = two.publisher.status();
        assert_eq!((status.ignored, status.connections), (2, 1));
    });
}

pub fn two_clusters_on_one_server_do_not_hear_each_other<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let one = Node::connected(&fixture, "cluster", 1).await;
        let other = Node::connected(&fixture, "other-cluster", 2).await;
        let mut its_peer = Node::connected(&fixture, "other-cluster", 3).await;
        let mut peer = Node::connected(&fixture, "cluster", 4).await;
        one.publisher.publish(&changes(0..1));
        assert_eq!(peer.hear_changes(1).await, changes(0..1));
        other.publisher.publish(&changes(1..2));
        assert_eq!(its_peer.hear_changes(1).await, changes(1..2));
    });
}

pub fn a_dropped_publisher_sends_what_waits_and_ends_its_task<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let one = Node::connected(&fixture, "cluster", 1).await;
        let mut two = Node::connected(&fixture, "cluster", 2).await;
        let Node {
            publisher,
            mut inbox,
        } = one;
        publisher.publish(&changes(0..1_000));
        drop(publisher);
        assert_eq!(inbox.recv().await, None);
        assert_eq!(two.hear_changes(1_000).await, changes(0..1_000));
    });
}

pub fn it_is_told_whether_and_why_not_others_can_be_reached<F: FanoutFixture>() {
    let fixture = F::start();
    run(async {
        let fanout = || Fanout::over(fixture.medium("cluster"));
        fanout().reach(1).await.unwrap();
        fixture.stop();
        fanout().reach(1).await.unwrap_err();
    });
}
