//! Where lines go: a file that others may rename and that is renamed once a day, or what stands in its place.

use super::names;
use crate::time::Date;
use handfast::Timestamp;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs::{self, File, Metadata, OpenOptions},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::{
        fd::AsFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// Whom the file is for.
const MODE: u32 = 0o600;
/// How many files of one day there may be. Each is made by a rename that found the name taken.
const FILES_PER_DAY: u32 = 100;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Device and number, by which a file is told from another of the same name.
pub(super) type Identity = (u64, u64);

/// Lines that are being written.
#[derive(Debug)]
pub(super) struct Batch {
    lines: Vec<u8>,
    /// How many of their bytes are written.
    done: usize,
}

impl Batch {
    pub(super) const fn new(lines: Vec<u8>) -> Self {
        Self { lines, done: 0 }
    }

    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.lines
    }

    /// Writes what is left.
    fn write(&mut self, mut out: impl io::Write) -> io::Result<()> {
        while self.done < self.lines.len() {
            match out.write(&self.lines[self.done..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Goes back to the beginning of the line that is written in part: another file begins with a whole one.
    fn back_to_line(&mut self) {
        let written = self.lines[..self.done].iter();
        self.done = written
            .rev()
            .position(|byte| *byte == b'\n')
            .map_or(0, |behind| self.done - behind);
    }
}

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    Stdout(File),
    File(LogFile),
}

impl Sink {
    pub(super) fn stdout() -> io::Result<Self> {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        Ok(Self::Stdout(File::from(stdout)))
    }

    /// Writes what is left of a batch; `reopen` first opens the file by its name again.
    pub(super) fn write(
        &mut self,
        batch: &mut Batch,
        reopen: bool,
        now: Timestamp,
    ) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => batch.write(stdout),
            Self::File(file) => file.write(batch, reopen, now),
        }
    }

    /// Makes durable what was written, where that means something.
    pub(super) fn sync(&mut self) {
        match self {
            Self::Stdout(_) => {}
            Self::File(file) => file.opened.sync(&file.path),
        }
    }
}

/// A file of lines.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    /// For how many days files of former days are kept; `None` leaves renaming and removing to others.
    keep_days: Option<u64>,
    opened: Opened,
}

#[derive(Debug)]
struct Opened {
    file: File,
    identity: Identity,
    /// Whether it is a file, and no device or pipe.
    is_regular: bool,
    /// The day of the last line in it.
    day: Option<Date>,
    /// Whether anything was written that may not be durable.
    is_dirty: bool,
}

impl LogFile {
    /// Opens the file, or makes it for its owner only.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn open(path: &Path, keep: Option<Duration>) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            keep_days: keep.map(|keep| keep.as_secs() / DAY.as_secs()),
            opened: Opened::open(path)?,
        })
    }

    pub(super) fn write(
        &mut self,
        batch: &mut Batch,
        reopen: bool,
        now: Timestamp,
    ) -> io::Result<()> {
        let today = Date::of(now);
        if reopen || !self.is_in_place()? {
            self.begin_another(batch)?;
        }
        if self.keep_days.is_some() && self.opened.day.is_some_and(|day| day < today) {
            self.begin_the_day(batch, today)?;
        }
        if !batch.lines.is_empty() {
            self.opened.is_dirty = true;
            batch.write(&self.opened.file)?;
            self.opened.day = self.opened.is_regular.then_some(today);
        }
        Ok(())
    }

    /// Whether the file that is open still has its name: it may have been renamed or removed.
    fn is_in_place(&self) -> io::Result<bool> {
        match fs::metadata(&self.path) {
            Ok(metadata) => Ok(identity(&metadata) == self.opened.identity),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn begin_another(&mut self, batch: &mut Batch) -> io::Result<()> {
        self.opened.sync(&self.path);
        let opened = Opened::open(&self.path)?;
        if opened.identity != self.opened.identity {
            batch.back_to_line();
        }
        self.opened = opened;
        Ok(())
    }

    /// Leaves what is there to its day. Where it cannot be renamed, it goes on, which is better than no record.
    fn begin_the_day(&mut self, batch: &mut Batch, today: Date) -> io::Result<()> {
        let Some(former) = self.opened.day.replace(today) else {
            return Ok(());
        };
        if let Err(error) = self.rename(former) {
            let path = self.path.display();
            tracing::warn!(%error, %path, "the record of a day that is over cannot be renamed; it goes on");
            return Ok(());
        }
        self.begin_another(batch)?;
        self.prune(today);
        Ok(())
    }

    /// Gives the file the name of its day. It is never put in another file's place.
    fn rename(&self, day: Date) -> io::Result<()> {
        for number in 1..=FILES_PER_DAY {
            let name = names::of_day(&self.path, day, number);
            match renameat_with(CWD, &self.path, CWD, &name, RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }

    /// Removes the files of days that are not kept any more.
    fn prune(&self, today: Date) {
        let Some(first_kept) = self.keep_days.map(|days| today.before(days)) else {
            return;
        };
        let files = names::former(&self.path).unwrap_or_default();
        for file in files {
            if names::day(&self.path, &file).is_some_and(|day| day < first_kept)
                && let Err(error) = fs::remove_file(&file)
            {
                let file = file.display();
                tracing::warn!(%error, %file, "an old record cannot be removed");
            }
        }
    }
}

impl Opened {
    /// Opens the file at `path`. Where the last line in it is not whole, which a power cut may leave, it is ended.
    fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(MODE)
            .open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_file() && !ends_whole(path, &metadata).unwrap_or(true) {
            file.write_all(b"\n")?;
        }
        let written_at = metadata.modified().ok();
        let written_at = written_at.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let written_at = written_at.map_or(0, |time| time.as_secs());
        Ok(Self {
            file,
            identity: identity(&metadata),
            is_regular: metadata.is_file(),
            day: (metadata.is_file() && metadata.len() > 0)
                .then(|| Date::of(Timestamp::from_unix(written_at))),
            is_dirty: false,
        })
    }

    fn sync(&mut self, path: &Path) {
        if !std::mem::take(&mut self.is_dirty) || !self.is_regular {
            return;
        }
        if let Err(error) = self.file.sync_data() {
            let path = path.display();
            tracing::error!(%error, %path, "the storage may not have kept what was recorded last");
        }
    }
}

pub(super) fn identity(metadata: &Metadata) -> Identity {
    (metadata.dev(), metadata.ino())
}

/// Whether a file is empty or ends with the end of a line.
fn ends_whole(path: &Path, metadata: &Metadata) -> io::Result<bool> {
    if metadata.len() == 0 {
        return Ok(true);
    }
    let mut file = File::open(path)?;
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, and is full then.
    struct Disk {
        text: Vec<u8>,
        room: usize,
    }

    impl io::Write for &mut Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room -= count;
            self.text.extend(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(text: &str) -> Batch {
        Batch::new(text.as_bytes().to_owned())
    }

    fn at(day: &str) -> Timestamp {
        crate::time::parse(day).unwrap()
    }

    fn read(path: &Path) -> String {
        fs::read_to_string(path).unwrap()
    }

    fn is_full(batch: &mut Batch, disk: &mut Disk) -> bool {
        let error = batch.write(disk).unwrap_err();
        error.kind() == ErrorKind::StorageFull
    }

    #[test]
    fn what_a_full_disk_took_in_part_goes_on_where_it_stopped() {
        let mut batch = lines("one\ntwo\nthree\n");
        let (text, room) = (Vec::new(), 6);
        let mut disk = Disk { text, room };
        assert!(is_full(&mut batch, &mut disk));
        assert!(is_full(&mut batch, &mut disk), "nothing more is taken");
        disk.room = 100;
        batch.write(&mut disk).unwrap();
        assert_eq!(disk.text, b"one\ntwo\nthree\n");
    }

    #[test]
    fn what_was_written_in_part_begins_another_file_as_a_whole_line() {
        for (room, rest) in [
            (6, "two\nthree\n"),
            (4, "two\nthree\n"),
            (2, "one\ntwo\nthree\n"),
        ] {
            let mut batch = lines("one\ntwo\nthree\n");
            let text = Vec::new();
            assert!(is_full(&mut batch, &mut Disk { text, room }));
            batch.back_to_line();
            let (text, room) = (Vec::new(), 100);
            let mut another = Disk { text, room };
            batch.write(&mut another).unwrap();
            assert_eq!(another.text, rest.as_bytes());
        }
    }

    #[test]
    fn a_file_is_made_for_its_owner_and_a_broken_line_in_it_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let mut file = LogFile::open(&path, None).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        file.write(&mut lines("one\ntw"), false, at("2026-02-03"))
            .unwrap();
        let mut file = LogFile::open(&path, None).unwrap();
        file.write(&mut lines("three\n"), false, at("2026-02-03"))
            .unwrap();
        assert_eq!(read(&path), "one\ntw\nthree\n");
    }

    #[test]
    fn a_file_that_was_renamed_or_removed_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let now = at("2026-02-03");
        let mut file = LogFile::open(&path, None).unwrap();
        file.write(&mut lines("one\n"), false, now).unwrap();
        fs::rename(&path, folder.path().join("audit.1")).unwrap();
        file.write(&mut lines("two\n"), false, now).unwrap();
        assert_eq!(read(&path), "two\n");
        fs::remove_file(&path).unwrap();
        file.write(&mut lines("three\n"), false, now).unwrap();
        assert_eq!(read(&path), "three\n");
        assert_eq!(read(&folder.path().join("audit.1")), "one\n");
    }

    #[test]
    fn a_day_that_is_over_gets_a_file_of_its_own_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let name = |name: &str| folder.path().join(name);
        let mut file = LogFile::open(&path, Some(2 * DAY)).unwrap();
        for other in ["audit.2026-01-31.txt", "audit.1", "other.2026-01-31"] {
            fs::write(name(other), "").unwrap();
        }
        for day in ["01-31", "02-01", "02-02", "02-03"] {
            let day = format!("2026-{day}");
            file.write(&mut lines(&format!("{day}\n")), false, at(&day))
                .unwrap();
        }
        assert_eq!(read(&path), "2026-02-03\n");
        assert_eq!(read(&name("audit.2026-02-02")), "2026-02-02\n");
        assert_eq!(read(&name("audit.2026-02-01")), "2026-02-01\n");
        assert!(!name("audit.2026-01-31").exists());
        for other in ["audit.2026-01-31.txt", "audit.1", "other.2026-01-31"] {
            assert!(name(other).exists(), "{other} is none of ours");
        }
    }

    #[test]
    fn no_file_is_put_in_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let mut file = LogFile::open(&path, Some(DAY)).unwrap();
        fs::write(folder.path().join("audit.2026-02-03"), "mine").unwrap();
        file.write(&mut lines("one\n"), false, at("2026-02-03"))
            .unwrap();
        file.write(&mut lines("two\n"), false, at("2026-02-04"))
            .unwrap();
        assert_eq!(read(&folder.path().join("audit.2026-02-03")), "mine");
        assert_eq!(read(&folder.path().join("audit.2026-02-03.2")), "one\n");
    }
}
