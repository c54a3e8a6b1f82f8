//! As a service of systemd.

use crate::{client::PATIENCE, server::Server};
use std::{fs, os::unix::net::UnixDatagram, process::Command};

const UNIT: &str = include_str!("../../../../deploy/systemd/handfast.service");
/// How exposed the service may be, in tenths of what `systemd-analyze security` says; it calls 2.0 OK, and 10.0 is the most.
const EXPOSURE_MAX: u32 = 14;

#[test]
fn a_service_manager_is_told_when_the_server_is_ready_reloads_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let told = || {
        let mut message = [0; 256];
        let length = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    let server = Server::start(folder.path(), &[("NOTIFY_SOCKET", path.to_str().unwrap())]);
    assert_eq!(told(), "READY=1\n");
    server.signal("HUP");
    let reloading = told();
    let since = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    assert!(since.unwrap().trim_end().parse::<u64>().is_ok());
    assert_eq!(told(), "READY=1\n");
    server.signal("TERM");
    assert_eq!(told(), "STOPPING=1\n");
    assert!(server.ended());
}

#[test]
fn the_unit_file_is_one_that_systemd_takes_and_finds_confined() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("handfast.service");
    let installed = "/usr/bin/handfast";
    assert!(UNIT.contains(installed));
    fs::write(
        &file,
        UNIT.replace(installed, env!("CARGO_BIN_EXE_handfast")),
    )
    .unwrap();

    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&file)
        .output()
        .unwrap();
    // Of a line that it does not know it only speaks.
    let complaints = String::from_utf8(verified.stderr).unwrap();
    assert!(
        verified.status.success() && complaints.is_empty(),
        "{complaints}"
    );

    let judged = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .arg(format!("--threshold={EXPOSURE_MAX}"))
        .arg(&file)
        .output()
        .unwrap();
    let judgement = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "{judgement}");
}
