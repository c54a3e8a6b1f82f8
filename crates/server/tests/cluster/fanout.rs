//! What one node commits, and what another node's connections hear of it.

use crate::harness::{Asker, Cluster, Plan, Way, present};
use serde_json::{Value, json};

/// So long that no test lives to see the timer.
const NEVER: &str = "1h";
/// The shortest that there is.
const SHORTEST: &str = "1s";

fn cluster(heartbeat: &str) -> Cluster {
    Cluster::start(&Plan {
        heartbeat,
        ..Plan::default()
    })
}

/// Three sessions of `name`: one to revoke with on the first node, and two on the second.
fn on_two_nodes(cluster: &Cluster, name: &str) -> [(Asker, Value); 3] {
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]];
    [one, two, two].map(|node| Asker::logged_in(node, name))
}

fn revoke(answer: &Value) -> Value {
    json!({"type": "Revoke", "session": answer["session"]})
}

#[test]
fn a_session_that_ends_or_moves_on_one_node_closes_at_once_on_another() {
    let cluster = cluster(NEVER);
    let [
        (mut here, _),
        (mut phone, on_phone),
        (mut tablet, on_tablet),
    ] = on_two_nodes(&cluster, "ada");
    assert_eq!(here.ask(&revoke(&on_phone))["type"], "Revoked");
    assert_eq!(phone.closed(), 4403);
    assert!(tablet.is_logged_in());
    let mut elsewhere = Asker::on(&cluster.nodes[0]);
    let moved = elsewhere.ask(&present(&on_tablet["token"], "an attempt key of ada"));
    assert_eq!(moved["type"], "Success");
    assert_eq!(tablet.closed(), 4409);
    let everywhere = json!({"type": "Logout", "everywhere": true});
    assert_eq!(here.ask(&everywhere)["type"], "LoggedOut");
    assert_eq!(elsewhere.closed(), 4403);
}

#[test]
fn what_an_operator_ends_at_one_node_closes_at_once_on_another_and_counts_once() {
    let cluster = cluster(NEVER);
    let [_, (mut phone, on_phone), (mut tablet, _)] = on_two_nodes(&cluster, "ada");
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]];
    let session = on_phone["session"].as_str().unwrap();
    let ended = one.operate("DELETE", &format!("/admin/v1/sessions/{session}"));
    assert_eq!(ended.json(), json!({"revoked": 1}), "{ended:?}");
    assert_eq!(phone.closed(), 4403);
    assert!(tablet.is_logged_in());
    let disabled = one.operate("POST", "/admin/v1/subjects/ada/disable");
    assert_eq!(disabled.json(), json!({"revoked": 2}), "{disabled:?}");
    assert_eq!(tablet.closed(), 4403);
    let counted = |reason: &str| {
        let metric = format!("handfast_revocations_total{{reason=\"{reason}\"}}");
        [one, two].map(|node| node.counted(&metric))
    };
    assert_eq!(counted("admin"), [3.0, 0.0]);
}

#[test]
fn without_fan_out_a_heartbeat_closes_what_ended_or_moved() {
    let cluster = cluster(SHORTEST);
    cluster.set_fanout(Way::Cut);
    let [
        (mut here, _),
        (mut phone, on_phone),
        (mut tablet, on_tablet),
    ] = on_two_nodes(&cluster, "ada");
    assert_eq!(here.ask(&revoke(&on_phone))["type"], "Revoked");
    assert_eq!(phone.closed(), 4403);
    let mut elsewhere = Asker::on(&cluster.nodes[0]);
    let moved = elsewhere.ask(&present(&on_tablet["token"], "an attempt key of ada"));
    assert_eq!(moved["type"], "Success");
    assert_eq!(tablet.closed(), 4409);
    assert!(elsewhere.is_logged_in());
}

#[test]
fn what_ended_while_the_fan_out_was_away_closes_when_it_is_back() {
    let cluster = cluster(NEVER);
    cluster.redis().stop();
    let [(mut here, _), (mut phone, on_phone), _] = on_two_nodes(&cluster, "ada");
    assert_eq!(here.ask(&revoke(&on_phone))["type"], "Revoked");
    cluster.redis().start_again();
    assert_eq!(phone.closed(), 4403);
    assert!(here.is_logged_in());
}

#[test]
fn two_clusters_on_one_redis_do_not_disturb_each_other() {
    let ours = cluster(NEVER);
    let plan = Plan {
        heartbeat: NEVER,
        ..Plan::default()
    };
    let theirs = Cluster::beside(&plan, Some(&ours.redis().url()));
    let [(mut here, _), (mut phone, on_phone), (mut tablet, _)] = on_two_nodes(&ours, "ada");
    let mut their_clients = on_two_nodes(&theirs, "ada");
    assert_eq!(here.ask(&revoke(&on_phone))["type"], "Revoked");
    assert_eq!(phone.closed(), 4403);
    assert!(tablet.is_logged_in());
    for (client, _) in &mut their_clients {
        assert!(client.is_logged_in());
    }
    let [(there, _), (their_phone, on_their_phone), _] = &mut their_clients;
    assert_eq!(there.ask(&revoke(on_their_phone))["type"], "Revoked");
    assert_eq!(their_phone.closed(), 4403);
    assert!(here.is_logged_in() && tablet.is_logged_in());
}
