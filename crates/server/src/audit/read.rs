//! Reading the record back: the newest records that fit a question, from the files that there are.

use super::listing::Listing;
use crate::time::parse;
use handfast::{SessionId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, fs::File, io, os::unix::fs::FileExt as _, path::Path};
use utoipa::ToSchema;

/// How much of the files one question looks at, in bytes, from their end.
const LOOKED_AT_BYTES: u64 = 64 << 20;
/// How much is read at once, in bytes.
const CHUNK_BYTES: usize = 256 << 10;
/// A longer line is none of ours, in bytes.
const LINE_BYTES: usize = 64 << 10;
/// How far times in a file may be out of order, in seconds, because somebody set the clock.
const DISORDER: u64 = 60;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    /// Records of this subject only, in canonical form.
    pub(crate) subject: Option<Box<str>>,
    /// Records of this session only.
    pub(crate) session: Option<SessionId>,
    /// From this time on.
    pub(crate) since: Option<Timestamp>,
    /// Until this time, which is part of it.
    pub(crate) until: Option<Timestamp>,
    /// How many at most.
    pub(crate) limit: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The newest records that fit, the newest last.
    pub(crate) records: VecDeque<RecordBody>,
    /// Whether there are no others in the files: no older ones, and none in a file that got another name meanwhile.
    pub(crate) complete: bool,
}

/// Something that happened. What is not known, or does not fit the event, is left out.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = Record)]
pub(crate) struct RecordBody {
    /// When, in UTC (RFC 3339).
    #[schema(example = "2026-02-03T04:05:06Z")]
    pub(crate) time: String,
    /// On which node.
    pub(crate) node: String,
    /// What: `logged_in`, `registered`, `login_refused`, `presented`, `password_changed`, `password_refused`, `revoked`,
    /// `operated`, `operator_refused`, `started`, `stopped` or `lost`.
    pub(crate) event: String,
    /// What a presented token came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) outcome: Option<String>,
    /// Why something was refused or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) reason: Option<String>,
    /// Who ended a session: `self`, `device`, `operator`, `rule` or `limit`. How an operator asked: `token` or `command`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) by: Option<String>,
    /// Whom it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) subject: Option<String>,
    /// To which session.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) session: Option<String>,
    /// The number of the token that was presented.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) generation: Option<u64>,
    /// Whether the session is bound to a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) key_bound: Option<bool>,
    /// From which address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) address: Option<String>,
    /// What the client calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) agent: Option<String>,
    /// What an operator asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) request: Option<String>,
    /// The status that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) status: Option<u16>,
    /// How many records were lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) records: Option<u64>,
    /// The version that started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) version: Option<String>,
}

/// Looks through the file at `path`, and through those that were renamed from it.
///
/// # Errors
/// If they cannot be read.
pub(crate) fn find(path: &Path, query: &Query) -> io::Result<Found> {
    let listing = Listing::of(path, query.since, DISORDER)?;
    let mut search = Search {
        query,
        marks: marks(query),
        found: Found::default(),
        is_whole: listing.is_whole,
        left: LOOKED_AT_BYTES,
    };
    if let Some(current) = &listing.current
        && search.through(current)? == Progress::Over
    {
        return Ok(search.found);
    }
    for former in &listing.former {
        match former.open()? {
            Some(file) if search.through(&file)? == Progress::Over => return Ok(search.found),
            Some(_) => {}
            None => search.is_whole = false,
        }
    }
    search.found.complete = search.is_whole;
    Ok(search.found)
}

/// Whether there is anything left to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    On,
    /// Everything older is of no interest, or was too much.
    Over,
}

struct Search<'a> {
    query: &'a Query,
    /// What stands in every line that fits, so that others need not be parsed.
    marks: Vec<Vec<u8>>,
    found: Found,
    /// Whether no file was missed until now.
    is_whole: bool,
    /// How many bytes may still be looked at.
    left: u64,
}

/// `"subject":"ann"`, as a line would have it.
fn marks(query: &Query) -> Vec<Vec<u8>> {
    let subject = query
        .subject
        .as_deref()
        .map(|it| ("subject", it.to_owned()));
    let session = query.session.map(|it| ("session", it.to_text()));
    let wanted = subject.into_iter().chain(session);
    wanted
        .filter_map(|(name, value)| {
            let value = serde_json::to_string(&value).ok()?;
            Some(format!("\"{name}\":{value}").into_bytes())
        })
        .collect()
}

impl Search<'_> {
    /// Looks through one file, from its end.
    fn through(&mut self, file: &File) -> io::Result<Progress> {
        let mut end = file.metadata()?.len();
        // The end of a line whose beginning is not read yet.
        let mut rest = Vec::new();
        while end > 0 {
            let size = end.min(CHUNK_BYTES as u64).min(self.left);
            if size == 0 || rest.len() > LINE_BYTES {
                return Ok(Progress::Over);
            }
            self.left -= size;
            end -= size;
            let mut chunk = vec![0; usize::try_from(size).unwrap_or(CHUNK_BYTES)];
            file.read_exact_at(&mut chunk, end)?;
            chunk.append(&mut rest);
            let whole = if end == 0 {
                0
            } else {
                chunk
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(chunk.len(), |place| place + 1)
            };
            for line in chunk[whole..].rsplit(|byte| *byte == b'\n') {
                if self.look_at(line) == Progress::Over {
                    return Ok(Progress::Over);
                }
            }
            chunk.truncate(whole);
            rest = chunk;
        }
        Ok(Progress::On)
    }

    fn look_at(&mut self, line: &[u8]) -> Progress {
        if !self.marks.iter().all(|mark| contains(line, mark)) {
            return Progress::On;
        }
        // What was written in part, or by somebody else, is none of ours.
        let Ok(record) = serde_json::from_slice::<RecordBody>(line) else {
            return Progress::On;
        };
        let Some(at) = parse(&record.time) else {
            return Progress::On;
        };
        if let Some(since) = self.query.since.filter(|since| at < *since) {
            if since.since(at).as_secs() > DISORDER {
                self.found.complete = self.is_whole;
                return Progress::Over;
            }
            return Progress::On;
        }
        if self.query.until.is_some_and(|until| at > until) {
            return Progress::On;
        }
        if self.found.records.len() == self.query.limit {
            return Progress::Over;
        }
        self.found.records.push_front(record);
        Progress::On
    }
}

fn contains(line: &[u8], mark: &[u8]) -> bool {
    line.windows(mark.len()).any(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::{
        super::file::{Batch, LogFile},
        *,
    };
    use std::{
        fs,
        sync::atomic::{AtomicU64, Ordering},
        thread,
        time::{Duration, SystemTime},
    };

    fn line(second: u64, subject: &str) -> String {
        let time = crate::time::Rfc3339(Timestamp::from_unix(second));
        format!(
            "{{\"time\":\"{time}\",\"node\":\"n\",\"event\":\"logged_in\",\"subject\":\"{subject}\"}}\n"
        )
    }

    /// A file that was changed last at this second.
    fn file(folder: &Path, name: &str, second: u64, text: &str) {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let changed = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(changed)
            .unwrap();
    }

    fn query() -> Query {
        Query {
            limit: 1_000,
            ..Query::default()
        }
    }

    /// The subjects and seconds of what is found, and whether that is all.
    fn found(folder: &Path, query: &Query) -> (Vec<String>, bool) {
        let found = find(&folder.join("audit"), query).unwrap();
        let records = found.records.iter();
        let records = records.map(|it| {
            let second = parse(&it.time).unwrap().as_unix();
            format!("{} {second}", it.subject.as_deref().unwrap_or_default())
        });
        (records.collect(), found.complete)
    }

    fn three_files() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let ann_and_bob = |second: u64| line(second, "ann") + &line(second + 1, "bob");
        file(folder.path(), "audit.2", 1_001, &ann_and_bob(1_000));
        file(folder.path(), "audit-20260203", 2_001, &ann_and_bob(2_000));
        file(folder.path(), "audit", 3_001, &ann_and_bob(3_000));
        folder
    }

    #[test]
    fn former_files_are_looked_through_and_the_newest_is_last() {
        let folder = three_files();
        let all = [
            "ann 1000", "bob 1001", "ann 2000", "bob 2001", "ann 3000", "bob 3001",
        ];
        let (records, complete) = found(folder.path(), &query());
        assert_eq!((records, complete), (all.map(str::to_owned).to_vec(), true));
        let limit = 3;
        let (records, complete) = found(folder.path(), &Query { limit, ..query() });
        assert_eq!(
            (records, complete),
            (all[3..].iter().map(|it| (*it).to_owned()).collect(), false)
        );
    }

    #[test]
    fn only_what_is_asked_for_is_found() {
        let folder = three_files();
        let of_ann = Query {
            subject: Some("ann".into()),
            since: Some(Timestamp::from_unix(1_001)),
            until: Some(Timestamp::from_unix(2_000)),
            ..query()
        };
        assert_eq!(
            found(folder.path(), &of_ann),
            (vec!["ann 2000".to_owned()], true)
        );
        let nobody = Query {
            subject: Some("an".into()),
            ..query()
        };
        assert_eq!(found(folder.path(), &nobody), (Vec::new(), true));
    }

    #[test]
    fn a_name_within_another_field_is_not_taken_for_the_subject() {
        let folder = tempfile::tempdir().unwrap();
        let agent = r#"{"time":"2026-02-03T04:05:06Z","node":"n","event":"logged_in","subject":"bob","agent":"\"subject\":\"ann\""}"#;
        file(folder.path(), "audit", 1, &format!("{agent}\n"));
        let of_ann = Query {
            subject: Some("ann".into()),
            ..query()
        };
        assert_eq!(found(folder.path(), &of_ann), (Vec::new(), true));
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "{}{{\"time\":\"20\n\nnonsense\n{}{{\"torn",
            line(1, "ann"),
            line(2, "bob")
        );
        file(folder.path(), "audit", 2, &text);
        let (records, complete) = found(folder.path(), &query());
        assert_eq!(
            (records.as_slice(), complete),
            (&["ann 1".to_owned(), "bob 2".to_owned()][..], true)
        );
    }

    #[test]
    fn lines_that_lie_across_two_chunks_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let lines = (0..10_000)
            .map(|second| line(second, "ann"))
            .collect::<String>();
        assert!(lines.len() > 3 * CHUNK_BYTES);
        file(folder.path(), "audit", 10_000, &lines);
        let limit = 10_000;
        let (records, complete) = found(folder.path(), &Query { limit, ..query() });
        assert_eq!((records.len(), complete), (10_000, true));
        assert_eq!(records[0], "ann 0");
    }

    const DAYS: u64 = 60;
    /// In seconds.
    const DAY: u64 = 24 * 60 * 60;

    /// Writes a record a day, and says how many there are.
    fn write_a_record_a_day(path: &Path, written: &AtomicU64) {
        let keep = Duration::from_secs(2 * DAYS * DAY);
        let mut file = LogFile::open(path, Some(keep)).unwrap();
        for day in 0..DAYS {
            let mut lines = Batch::new(line(day * DAY, "ann").into_bytes());
            let now = Timestamp::from_unix(day * DAY);
            file.write(&mut lines, false, now).unwrap();
            written.store(day + 1, Ordering::Release);
        }
    }

    #[test]
    fn a_search_misses_no_file_that_is_renamed_meanwhile_and_reads_none_twice() {
        for _ in 0..8 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("audit");
            let written = AtomicU64::new(0);
            thread::scope(|scope| {
                scope.spawn(|| write_a_record_a_day(&path, &written));
                loop {
                    let before = written.load(Ordering::Acquire);
                    let (records, complete) = found(folder.path(), &query());
                    let count = |day| {
                        let record = format!("ann {}", day * DAY);
                        records.iter().filter(|it| **it == record).count()
                    };
                    let counts: Vec<_> = (0..before).map(count).collect();
                    assert!(!complete || counts.iter().all(|it| *it == 1), "{counts:?}");
                    if before == DAYS {
                        assert!(complete);
                        break;
                    }
                }
            });
        }
    }

    #[test]
    fn a_file_of_two_names_is_looked_through_once() {
        let folder = tempfile::tempdir().unwrap();
        file(folder.path(), "audit.2", 1, &line(1, "ann"));
        file(folder.path(), "audit.1", 2, &line(2, "bob"));
        std::os::unix::fs::symlink("audit.1", folder.path().join("audit")).unwrap();
        fs::hard_link(folder.path().join("audit.2"), folder.path().join("audit-2")).unwrap();
        let (records, complete) = found(folder.path(), &query());
        assert_eq!(
            (records.as_slice(), complete),
            (&["ann 1".to_owned(), "bob 2".to_owned()][..], true)
        );
    }

    #[test]
    fn where_there_is_no_file_there_is_no_record() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(found(folder.path(), &query()), (Vec::new(), true));
    }
}
