//! One token, presented on two nodes at once.

use crate::harness::{Asker, Cluster, Dice, Node, Plan, bare, present};
use serde_json::{Value, json};
use std::thread;

/// How many threads present.
const PRESENTERS: usize = 4;

/// What comes with the token on the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pair {
    /// The same attempt key: one client, and a request that came twice.
    Equal,
    /// Two attempt keys: two parties hold the token.
    Distinct,
    /// Nothing.
    Bare,
    /// An attempt key on one of them.
    Mixed,
}

const PAIRS: [Pair; 4] = [Pair::Equal, Pair::Distinct, Pair::Bare, Pair::Mixed];

#[test]
fn what_is_presented_on_two_nodes_at_once_comes_to_what_the_rule_says() {
    present_twice(200);
}

#[test]
#[ignore = "takes minutes; `cargo xtask cluster` runs it"]
fn what_is_presented_on_two_nodes_at_once_comes_to_what_the_rule_says_ten_thousand_times() {
    present_twice(10_000);
}

/// Does it so many times in each way.
fn present_twice(times: usize) {
    let cluster = Cluster::start(&Plan {
        nodes: 3,
        ..Plan::default()
    });
    for pair in PAIRS {
        thread::scope(|scope| {
            for presenter in 0..PRESENTERS {
                let cluster = &cluster;
                let times = times / PRESENTERS;
                scope.spawn(move || Presenter::new(cluster, pair, presenter).run(times));
            }
        });
    }
    let questions = "SELECT count(*), count(*) FILTER (WHERE revoked_reason = 'reused'), \
        count(*) FILTER (WHERE revoked_at IS NULL AND owner IS NULL), \
        count(*) FILTER (WHERE issued NOT BETWEEN confirmed AND confirmed + 2) \
        FROM handfast.sessions";
    let survivors = 2 * PRESENTERS;
    let reused = 2 * times;
    assert_eq!(
        cluster.database.query(questions),
        format!("{}|{reused}|0|0", survivors + reused)
    );
    println!("{times} tokens for each of {PAIRS:?}: {reused} sessions ended, {survivors} live");
}

/// Logs in and presents, in one way, over and over.
struct Presenter<'a> {
    cluster: &'a Cluster,
    pair: Pair,
    name: String,
    dice: Dice,
}

impl<'a> Presenter<'a> {
    fn new(cluster: &'a Cluster, pair: Pair, number: usize) -> Self {
        Self {
            cluster,
            pair,
            name: format!("{pair:?}-{number}").to_lowercase(),
            dice: Dice::new(1, u64::try_from(number).unwrap()),
        }
    }

    fn run(mut self, times: usize) {
        let mut last = self.log_in();
        for time in 0..times {
            let nodes = self.cluster.two(&mut self.dice);
            let outcomes = self.at_once(nodes, &last["token"], time);
            let context = format!("{} at time {time}: {outcomes:?}", self.name);
            last = match self.pair {
                Pair::Equal => one_new_generation(&last, answers(outcomes, &context), &context),
                Pair::Bare => two_new_generations(&last, answers(outcomes, &context), &context),
                Pair::Distinct | Pair::Mixed => {
                    self.is_revoked(&last, &outcomes, &context);
                    if time + 1 == times {
                        return;
                    }
                    self.log_in()
                }
            };
        }
    }

    fn log_in(&mut self) -> Value {
        let [node, _] = self.cluster.two(&mut self.dice);
        Asker::logged_in(node, &self.name).1
    }

    fn at_once(&self, nodes: [&Node; 2], token: &Value, time: usize) -> [Outcome; 2] {
        let keys = [0, 1].map(|which| format!("the attempt {which} of {} at {time}", self.name));
        let messages = match self.pair {
            Pair::Equal => [present(token, &keys[0]), present(token, &keys[0])],
            Pair::Distinct => [present(token, &keys[0]), present(token, &keys[1])],
            Pair::Bare => [bare(token), bare(token)],
            Pair::Mixed => [present(token, &keys[0]), bare(token)],
        };
        let mut clients = nodes.map(Asker::on);
        for (client, message) in clients.iter_mut().zip(&messages) {
            client.send(message);
        }
        clients.each_mut().map(|client| client.receive_or_end())
    }

    /// The first of the two wins, and the second ends the session for both: before the first has its answer, or after.
    fn is_revoked(&mut self, last: &Value, outcomes: &[Outcome; 2], context: &str) {
        let (refused, accepted): (Vec<_>, Vec<_>) = outcomes
            .iter()
            .partition(|outcome| matches!(outcome, Ok(answer) if answer["type"] == "InvalidToken"));
        let ([Ok(refused)], [accepted]) = (&refused[..], &accepted[..]) else {
            panic!("{context}");
        };
        assert_eq!(refused["reason"], "reused", "{context}");
        let mut tokens = vec![&last["token"]];
        match accepted {
            Ok(answer) => {
                assert_eq!(answer["type"], "Success", "{context}");
                assert_eq!(answer["generation"], 1, "{context}");
                tokens.push(&answer["token"]);
            }
            Err(code) => assert_eq!(*code, Some(4403), "{context}"),
        }
        for token in tokens {
            let [node, _] = self.cluster.two(&mut self.dice);
            let answer = Asker::on(node).ask(&present(token, "the attempt of a third party"));
            assert_eq!(answer["reason"], "revoked", "{context}");
        }
    }
}

/// What came of a presentation: an answer, or the code that the connection was closed with.
type Outcome = Result<Value, Option<u16>>;

/// The answers, older generation first. Both must have come.
fn answers(outcomes: [Outcome; 2], context: &str) -> [Value; 2] {
    let mut answers = outcomes.map(|outcome| outcome.unwrap_or_else(|_| panic!("{context}")));
    answers.sort_by_key(|answer| answer["generation"].as_u64());
    answers
}

/// One of them advances, and the other is answered the same again.
fn one_new_generation(last: &Value, answers: [Value; 2], context: &str) -> Value {
    let next = json!(last["generation"].as_u64().unwrap() + 1);
    for answer in &answers {
        assert_eq!(answer["type"], "Success", "{context}");
        assert_eq!(answer["generation"], next, "{context}");
    }
    let [answer, _] = answers;
    answer
}

/// One of them advances; the other is taken for the same client, whose answer was lost.
fn two_new_generations(last: &Value, answers: [Value; 2], context: &str) -> Value {
    let generation = last["generation"].as_u64().unwrap();
    for (step, answer) in (1..).zip(&answers) {
        assert_eq!(answer["type"], "Success", "{context}");
        assert_eq!(answer["generation"], json!(generation + step), "{context}");
    }
    let [_, answer] = answers;
    answer
}
