//! The file itself.

use super::*;

#[test]
fn the_first_start_makes_one_key_that_only_its_owner_can_read() {
    for algorithm in Algorithm::ALL {
        let folder = Folder::empty();
        let ring = folder.file.load_or_create(algorithm, NOW).unwrap();
        assert_eq!(folder.mode(), 0o600);
        assert_eq!(ring.keys().len(), 1);
        assert_eq!(ring.signing(NOW).algorithm(), algorithm);
        assert_eq!(ring.signing(NOW).created_at(), Some(NOW));
        assert_eq!(ring.signing(NOW).verify_until(), None);
        let names: Vec<_> = fs::read_dir(folder.folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing else is left in the folder");
    }
}

#[test]
fn a_new_secret_has_256_bits_and_is_no_other_key_s() {
    let (one, two) = (made(Algorithm::Hs256), made(Algorithm::Hs256));
    let bytes = URL_SAFE_NO_PAD.decode(one["k"].as_str().unwrap()).unwrap();
    assert_eq!(bytes.len(), 32);
    assert_ne!(one["k"], two["k"]);
    assert_ne!(one["kid"], two["kid"]);
}

#[test]
fn a_later_start_uses_the_keys_that_are_there() {
    let folder = Folder::empty();
    let first = folder.file.load_or_create(Algorithm::EdDsa, NOW).unwrap();
    let text = folder.text();
    let second = folder
        .file
        .load_or_create(Algorithm::Hs256, NOW.after(WEEK))
        .unwrap();
    assert_eq!(kids(&first), kids(&second));
    assert_eq!(folder.text(), text);
    let signature = first.signing(NOW).sign(b"message").unwrap();
    assert!(
        second
            .signing(NOW)
            .verifies(b"message", signature.as_bytes())
    );
}

#[test]
fn a_file_that_cannot_be_used_is_never_overwritten() {
    for text in ["", "{", "{}", "[]", "\0\0\0", r#"{"keys":[{}]}"#] {
        let folder = Folder::with(text);
        assert!(folder.file.load_or_create(Algorithm::Hs256, NOW).is_err());
        assert!(
            folder
                .file
                .rotate(Algorithm::Hs256, NOW, WEEK, Duration::ZERO)
                .is_err()
        );
        assert_eq!(folder.text(), text);
    }
    let folder = Folder::with_keys(&[]);
    let text = folder.text();
    assert!(folder.file.load_or_create(Algorithm::Hs256, NOW).is_err());
    assert_eq!(folder.text(), text);
}

#[test]
fn a_link_to_nowhere_is_not_taken_for_a_first_start() {
    let folder = Folder::empty();
    std::os::unix::fs::symlink("nowhere", folder.file.path()).unwrap();
    let error = folder
        .file
        .load_or_create(Algorithm::Hs256, NOW)
        .unwrap_err();
    assert!(matches!(error.fault, KeyFileFault::Io { .. }), "{error}");
}

#[test]
fn starts_at_the_same_time_make_one_key() {
    let folder = Folder::empty();
    let barrier = Barrier::new(8);
    let made: Vec<_> = thread::scope(|scope| {
        let start = || {
            barrier.wait();
            let ring = folder.file.load_or_create(Algorithm::Hs256, NOW).unwrap();
            ring.signing(NOW).id().to_owned()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(made.iter().all(|kid| *kid == made[0]), "{made:?}");
    assert_eq!(kids(&folder.file.load().unwrap()), [made[0].as_str()]);
}

#[test]
fn rotations_at_the_same_time_lose_no_key() {
    let folder = Folder::with_keys(&[secret("first")]);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                folder
                    .file
                    .rotate(Algorithm::Hs256, NOW, WEEK, Duration::ZERO)
                    .unwrap()
            });
        }
    });
    let ring = folder.file.load().unwrap();
    assert_eq!(ring.keys().len(), 9);
    assert_eq!(ring.keys().iter().filter(|key| key.can_sign()).count(), 1);
}

#[test]
fn a_file_that_others_may_read_or_write_is_refused_with_the_remedy() {
    let folder = Folder::with_keys(&[secret("a")]);
    for mode in [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o777, 0o610] {
        folder.chmod(mode);
        let error = folder.file.load().unwrap_err();
        assert!(matches!(error.fault, KeyFileFault::OpenToOthers { .. }));
        let (text, file) = (error.to_string(), folder.file.path().display());
        assert!(text.starts_with(&format!("{file}: ")), "{text}");
        assert!(text.contains(&format!("{mode:04o}")), "{text}");
        assert!(text.ends_with(&format!("chmod 600 {file}")), "{text}");
    }
    for mode in [0o600, 0o400, 0o700] {
        folder.chmod(mode);
        assert!(folder.file.load().is_ok(), "{mode:o}");
    }
}

#[test]
fn what_is_not_there_not_a_file_or_too_large_is_refused_by_name() {
    let absent = Folder::empty();
    let error: KeyFileError = absent.file.load().unwrap_err();
    assert!(error.to_string().contains("keys.jwks"));
    match error.fault {
        KeyFileFault::Io { error, .. } => assert_eq!(error.kind(), ErrorKind::NotFound),
        fault => panic!("{fault:?}"),
    }
    let folder = Folder::empty();
    fs::create_dir(folder.file.path()).unwrap();
    assert!(matches!(folder.fault(), KeyFileFault::NotAFile));
    let folder = Folder::with(&" ".repeat(300 * 1024));
    assert!(matches!(folder.fault(), KeyFileFault::TooLarge));
    let nowhere = KeyFile::new("/nowhere/at/all/keys.jwks");
    assert!(nowhere.load_or_create(Algorithm::Hs256, NOW).is_err());
}

#[test]
fn a_file_in_the_working_folder_is_found_by_its_bare_name() {
    let file = KeyFile::new("keys-that-are-not-there.jwks");
    assert!(matches!(
        file.load().unwrap_err().fault,
        KeyFileFault::Io { .. }
    ));
    assert_eq!(file.path(), Path::new("keys-that-are-not-there.jwks"));
}
