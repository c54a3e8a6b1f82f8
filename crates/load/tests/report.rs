//! A whole report, as small as can be, of the program that this workspace builds.
#![expect(
    clippy::unwrap_used,
    reason = "what cannot be set up or read has failed its test"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A few of everything. A server is told to beat every second, which is the least.
const SIZES: &str = "--rounds 1 --seconds 0.05 --idle-connections 4 --heartbeat-connections 4 --heartbeat-interval 1 \
                     --clients 2,4 --login-clients 1 --resume-rates 40,80 --refresh-rates 40,80 --nodes 2 \
                     --storm-clients 24";

/// The program, where Cargo puts it beside the load generator. It is another package's, so that Cargo does not build it
/// for this test alone.
fn server() -> PathBuf {
    let server = Path::new(env!("CARGO_BIN_EXE_handfast-load")).with_file_name("handfast");
    assert!(
        server.exists(),
        "{} is not there: `cargo build` makes it, and so do the tests of the whole workspace",
        server.display()
    );
    server
}

/// What the links and pictures of a page lead to.
fn targets(page: &str) -> BTreeSet<&str> {
    page.split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap())
        .collect()
}

#[test]
fn a_report_has_a_page_whose_links_lead_to_its_plots_and_rounds() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report");
    let output = Command::new(env!("CARGO_BIN_EXE_handfast-load"))
        .args(["bench", "--server"])
        .arg(server())
        .arg("--report")
        .arg(&report)
        .args(SIZES.split_whitespace())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );

    let page = fs::read_to_string(report.join("README.md")).unwrap();
    let expected = [
        "heartbeat.svg",
        "latency-refresh.svg",
        "latency-resume.svg",
        "login.svg",
        "memory.svg",
        "nodes.svg",
        "refresh.svg",
        "report.json",
        "resume.svg",
        "revocation.svg",
        "storm-time.svg",
        "storm.svg",
    ];
    assert_eq!(Vec::from_iter(targets(&page)), expected);
    for file in expected {
        let text = fs::read_to_string(report.join(file)).unwrap();
        assert!(
            !text.contains("NaN") && !text.contains("inf"),
            "{file}: {text}"
        );
    }

    let rounds = fs::read(report.join("report.json")).unwrap();
    let rounds: serde_json::Value = serde_json::from_slice(&rounds).unwrap();
    let measurements = rounds["measurements"].as_array().unwrap();
    for measurement in measurements {
        let name = measurement["name"].as_str().unwrap();
        assert!(page.contains(name), "{name} is not on the page");
    }
    let all_back = measurements
        .iter()
        .find(|one| one["name"] == "storm of 24 clients, all back")
        .unwrap();
    assert_eq!(all_back["rounds"][0]["operations"], 24);
}
