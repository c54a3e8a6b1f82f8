//! What the commands print.

mod model;
mod simulate;
mod watch;

pub(crate) use model::model;
pub(crate) use simulate::{simulate, simulate_one};

/// A number that somebody reads.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups = groups.map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(",")
}
