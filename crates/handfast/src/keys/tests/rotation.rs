//! New keys and old ones.

use super::*;

#[test]
fn a_rotation_puts_a_new_key_in_front_and_the_old_one_still_verifies() {
    let folder = Folder::with_keys(&[secret("first")]);
    let before = folder.file.load().unwrap();
    let rotation = folder
        .file
        .rotate(Algorithm::Es256, NOW, WEEK, Duration::ZERO)
        .unwrap();
    let after = folder.file.load().unwrap();

    assert_eq!(kids(&after), [rotation.added.as_str(), "first"]);
    assert_eq!(rotation.dropped, [""; 0]);
    assert_eq!(after.signing(NOW).id(), rotation.added);
    assert_eq!(after.signing(NOW).algorithm(), Algorithm::Es256);
    assert_eq!(folder.mode(), 0o600);
    let signature = before.signing(NOW).sign(b"message").unwrap();
    let old = after.find("first").unwrap();
    assert!(old.verifies(b"message", signature.as_bytes()) && !old.can_sign());
}

#[test]
fn a_rotation_drops_keys_once_the_last_token_they_can_have_signed_has_expired() {
    let folder = Folder::with_keys(&[secret("first")]);
    let second = folder
        .file
        .rotate(Algorithm::Hs256, NOW, WEEK, Duration::ZERO)
        .unwrap();
    let end = folder
        .file
        .load()
        .unwrap()
        .find("first")
        .unwrap()
        .verify_until()
        .unwrap();
    assert!(end >= NOW.after(WEEK), "no token of it outlives it");

    let early = Timestamp::from_unix(end.as_unix() - 1);
    let third = folder
        .file
        .rotate(Algorithm::Hs256, early, WEEK, Duration::ZERO)
        .unwrap();
    assert_eq!(third.dropped, [""; 0]);
    let ring = folder.file.load().unwrap();
    assert_eq!(kids(&ring), [third.added.as_str(), &second.added, "first"]);
    assert_eq!(
        ring.find("first").unwrap().verify_until(),
        Some(end),
        "it is retired once"
    );

    let fourth = folder
        .file
        .rotate(Algorithm::Hs256, end, WEEK, Duration::ZERO)
        .unwrap();
    assert_eq!(fourth.dropped, ["first"]);
    let ring = folder.file.load().unwrap();
    assert_eq!(
        kids(&ring),
        [fourth.added.as_str(), &third.added, &second.added]
    );
}

#[test]
fn a_new_key_signs_once_every_node_can_know_it_and_the_one_before_it_until_then() {
    let folder = Folder::with_keys(&[secret("first")]);
    let wait = Duration::from_secs(600);
    let rotate = |now, wait| {
        let rotated = folder.file.rotate(Algorithm::Hs256, now, WEEK, wait);
        rotated.unwrap().added
    };
    let signing = |now| folder.file.load().unwrap().signing(now).id().to_owned();
    let (before, due) = (NOW.after(wait - Duration::from_secs(1)), NOW.after(wait));

    let second = rotate(NOW, wait);
    assert_eq!([signing(NOW), signing(before)], ["first", "first"]);
    assert_eq!(signing(due), second);
    let ring = folder.file.load().unwrap();
    assert!(
        ring.find(&second).unwrap().verifies_at(NOW),
        "before it signs"
    );
    let end = ring.find("first").unwrap().verify_until().unwrap();
    assert!(end >= due.after(WEEK), "no token of the first outlives it");

    let third = rotate(before, wait);
    assert_eq!(signing(before), "first", "two wait");
    assert_eq!(signing(due), second);
    assert_eq!(signing(before.after(wait)), third);

    let fourth = rotate(before, Duration::ZERO);
    assert_eq!(signing(before), fourth, "this one cannot wait");
    assert_eq!(signing(before.after(WEEK)), fourth);
}

#[test]
fn a_key_that_waits_signs_where_no_other_can() {
    let folder = Folder::with_keys(&[with(secret("alone"), "sign_from", json!(u32::MAX))]);
    assert_eq!(folder.file.load().unwrap().signing(NOW).id(), "alone");
    let over = with(secret("over"), "verify_until", json!(1));
    let waits = with(secret("waits"), "sign_from", json!(u32::MAX));
    let folder = Folder::with_keys(&[waits, over]);
    assert_eq!(folder.file.load().unwrap().signing(NOW).id(), "waits");
}

#[test]
fn a_rotation_that_is_refused_changes_nothing() {
    let folder = Folder::with_keys(&[secret("a"), secret("a")]);
    let text = folder.text();
    assert!(
        folder
            .file
            .rotate(Algorithm::Hs256, NOW, WEEK, Duration::ZERO)
            .is_err()
    );
    assert_eq!(folder.text(), text);
}

#[test]
fn what_an_interrupted_writer_left_does_not_stand_in_the_way() {
    let folder = Folder::with_keys(&[secret("first")]);
    fs::write(folder.folder.path().join("keys.new"), "half a k").unwrap();
    folder
        .file
        .rotate(Algorithm::Hs256, NOW, WEEK, Duration::ZERO)
        .unwrap();
    assert_eq!(folder.file.load().unwrap().keys().len(), 2);
}
