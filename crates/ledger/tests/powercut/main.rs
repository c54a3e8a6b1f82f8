//! The power fails: what was written and not flushed is on the disk in part, or not at all.
//!
//! A server works on the embedded ledger while a library between it and the C library writes down what it does to its
//! files (`journal.c`). That is replayed up to any moment: what was flushed by then is there, and of each sector that
//! was written since, the dice say whether it is. The ledger must open on that, and every answer that had been given by
//! then must hold.
//!
//! It is a test program of its own for the same reason as `killed.rs`.
#![expect(clippy::unwrap_used, reason = "these are tests")]

mod disk;

use disk::{Dice, Disk, Flushes, Journal};
use handfast_core::session::{Evidence, Presented};
use handfast_ledger::{
    Sqlite,
    conformance::{attempt, create, present, start},
};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

const LEDGER: &str = "ledger.db";
/// What the server has told, one line an answer. It is no file of the ledger: whoever was told knows.
const TOLD: &str = "told";
const FOLDER: &str = "POWERCUT_FOLDER";

const SESSIONS: u64 = 1_000;
/// How often every session presents: enough for the log to be copied into the database and begun anew.
const ROUNDS: u64 = 60;
/// At how many moments the power fails.
const CUTS: u64 = 60;
const SEED: u64 = 6;

/// The newest generation that the client of each session was told of.
type Told = BTreeMap<u64, u64>;

fn key(number: u64, generation: u64) -> Evidence {
    attempt(number << 32 | generation)
}

/// Lets a server work, and gives what it did to its files.
fn work(folder: &Path) -> Journal {
    let library = folder.join("journal.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/powercut/journal.c");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([library.as_os_str(), source.as_ref(), "-ldl".as_ref()])
        .status();
    assert!(built.unwrap().success());
    let (files, journal) = (folder.join("files"), folder.join("journal"));
    std::fs::create_dir(&files).unwrap();
    let served = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "server_whose_power_fails", "--ignored"])
        .env("LD_PRELOAD", &library)
        .env(FOLDER, std::fs::canonicalize(&files).unwrap())
        .env("POWERCUT_JOURNAL", &journal)
        .stdout(Stdio::null())
        .status();
    assert!(served.unwrap().success());
    Journal::read(&journal)
}

#[test]
#[ignore = "this is the server that other tests start"]
#[expect(
    clippy::disallowed_methods,
    reason = "the test that starts it says where"
)]
fn server_whose_power_fails() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let ledger = start(Sqlite::open(&Path::new(&folder).join(LEDGER)).unwrap());
    let mut told = File::create(Path::new(&folder).join(TOLD)).unwrap();
    let made: Vec<_> = (0..SESSIONS)
        .map(|number| ledger.create(create(number, &format!("user-{number}"))))
        .collect();
    for (number, receipt) in made.into_iter().enumerate() {
        receipt.wait().unwrap();
        told.write_all(format!("{number} 0\n").as_bytes()).unwrap();
    }
    for generation in 0..ROUNDS {
        let asked: Vec<_> = (0..SESSIONS)
            .map(|number| ledger.present(present(number, generation, key(number, generation), 1)))
            .collect();
        for (number, receipt) in (0..).zip(asked) {
            let issued = receipt.wait().unwrap().record.unwrap().issued.number();
            told.write_all(format!("{number} {issued}\n").as_bytes())
                .unwrap();
        }
    }
    // It does not end in order: nothing is tidied up on a disk whose power fails.
    std::process::exit(0);
}

/// Opens the ledger on what the disk has, and holds it to what was told. What does not hold is described.
fn check(disk: &Disk, folder: &Path) -> Result<(), String> {
    disk.write_to(folder);
    let file = folder.join(LEDGER);
    let ledger = start(Sqlite::open(&file).map_err(|error| error.to_string())?);
    let told = told(disk);
    // All at once: what is asked together is decided in one transaction.
    let asked: Vec<_> = told
        .iter()
        .map(|(&number, &generation)| {
            let asked = present(number, generation, key(number, generation), 1);
            ((number, generation), ledger.present(asked))
        })
        .collect();
    for ((number, generation), receipt) in asked {
        match receipt.wait().unwrap().presented {
            Presented::Advanced | Presented::AnsweredAgain => {}
            other => {
                return Err(format!(
                    "session {number}, generation {generation}: {other:?}"
                ));
            }
        }
    }
    Ok(())
}

fn told(disk: &Disk) -> Told {
    let text = String::from_utf8(disk.file(TOLD)).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(number, generation)| (number.parse().unwrap(), generation.parse().unwrap()))
        .collect()
}

/// What did not hold, over many moments.
fn cut(journal: &Journal, flushes: Flushes, folder: &Path) -> Vec<String> {
    let mut dice = Dice::new(SEED);
    let opened = journal.first_told(TOLD);
    let mut broken = Vec::new();
    for number in 0..CUTS {
        let moment = opened + dice.below(journal.len() - opened);
        let disk = journal.replay(moment, flushes, TOLD, &mut dice);
        let scratch = folder.join(format!("cut-{number}"));
        std::fs::create_dir(&scratch).unwrap();
        if let Err(what) = check(&disk, &scratch) {
            broken.push(format!(
                "seed {SEED}, cut {number} after {moment} records: {what}"
            ));
        }
        std::fs::remove_dir_all(&scratch).unwrap();
    }
    broken
}

#[test]
fn what_was_answered_outlives_a_power_cut_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let journal = work(folder.path());
    let broken = cut(&journal, Flushes::Kept, folder.path());
    assert!(broken.is_empty(), "{broken:#?}");
    // That it can fail: a disk that forgets to flush loses what was answered.
    let broken = cut(&journal, Flushes::Forgotten, folder.path());
    assert!(!broken.is_empty(), "nothing was lost without a flush");
}
