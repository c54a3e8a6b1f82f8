//! Configuration files: whatever stands in one, it is taken or refused with a place and a remedy, and what is taken is
//! shown as a file that says the same.

use crate::config::{self, Environment, Flags, Line, Loaded, Problems, Remedy as _};
use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::PathBuf,
    sync::LazyLock,
};
use tempfile::TempDir;

/// Where files are written; in memory where the machine has such a place.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("a folder")
});

thread_local! {
    /// Open all the time, for opening it takes longer than writing to it.
    static FILE: (File, PathBuf) = {
        let path = FOLDER.path().join(format!("{:?}.toml", std::thread::current().id()));
        (File::create(&path).expect("a file"), path)
    };
}

/// Loads a file, and what is shown of it.
pub fn target(data: &[u8]) {
    match load(data) {
        Ok(loaded) => {
            let shown = show(&loaded);
            let again = load(shown.as_bytes());
            let again = again.unwrap_or_else(|problems| panic!("{shown}\n{problems:?}"));
            assert_eq!(show(&again), shown, "what is shown says something else");
        }
        Err(Problems(problems)) => {
            assert!(!problems.is_empty(), "refused without a word");
            for problem in problems {
                let remedy = problem.what.remedy();
                assert!(!remedy.is_empty(), "{problem}");
            }
        }
    }
}

fn load(text: &[u8]) -> Result<Loaded, Problems> {
    FILE.with(|(file, path)| {
        overwrite(file, text).expect("a file");
        let flags = Flags {
            config: Some(path.clone()),
            ..Flags::default()
        };
        config::load(flags, Environment::default())
    })
}

fn overwrite(mut file: &File, text: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}

fn show(loaded: &Loaded) -> String {
    let lines = config::show_lines(&loaded.effective).into_iter();
    let texts = lines.map(|line| match line {
        Line::Blank => "\n".to_owned(),
        Line::Section(text) | Line::Setting(text, _) => format!("{text}\n"),
    });
    texts.collect()
}
