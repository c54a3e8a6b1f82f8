mod examples;
mod file;
mod ring;
mod rotation;
mod set;
mod wycheproof;

use super::{Algorithm, KeyFault, KeyFile, KeyFileError, KeyFileFault, KeyRing, LiveKeys};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use handfast_core::time::Timestamp;
use serde_json::{Value, json};
use std::{
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Barrier,
    thread,
    time::Duration,
};
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// The 256-bit secret `000102…1f`.
const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

struct Folder {
    folder: TempDir,
    file: KeyFile,
}

impl Folder {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = KeyFile::new(folder.path().join("keys.jwks"));
        Self { folder, file }
    }

    fn with(text: &str) -> Self {
        let folder = Self::empty();
        fs::write(folder.file.path(), text).unwrap();
        folder.chmod(0o600);
        folder
    }

    fn with_keys(keys: &[Value]) -> Self {
        Self::with(&json!({ "keys": keys }).to_string())
    }

    fn chmod(&self, mode: u32) {
        fs::set_permissions(self.file.path(), Permissions::from_mode(mode)).unwrap();
    }

    fn mode(&self) -> u32 {
        let metadata = fs::metadata(self.file.path()).unwrap();
        metadata.permissions().mode() & 0o7777
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file.path()).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    #[track_caller]
    fn fault(&self) -> KeyFileFault {
        self.file.load().expect_err("it was loaded").fault
    }
}

fn secret(kid: &str) -> Value {
    json!({ "kty": "oct", "kid": kid, "alg": "HS256", "use": "sig", "k": SECRET })
}

fn with(mut key: Value, member: &str, value: Value) -> Value {
    key[member] = value;
    key
}

/// A key as handfast makes them.
fn made(algorithm: Algorithm) -> Value {
    let folder = Folder::empty();
    folder.file.load_or_create(algorithm, NOW).unwrap();
    folder.json()["keys"][0].take()
}

#[track_caller]
fn key_fault(key: Value, expected: KeyFault) {
    let folder = Folder::with_keys(std::slice::from_ref(&key));
    match folder.fault() {
        KeyFileFault::Key { fault, .. } => assert_eq!(fault, expected, "{key}"),
        fault => panic!("{key}: {fault:?}"),
    }
}

fn kids(ring: &KeyRing) -> Vec<&str> {
    ring.keys().iter().map(super::Key::id).collect()
}
