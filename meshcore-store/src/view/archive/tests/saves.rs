use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use proptest::prelude::*;

use super::*;
use crate::files::{Lock, with_suffix};

#[test]
fn what_was_saved_comes_back() {
    let (_folder, path) = folder();
    assert!(Archive::open(&path, OURS).unwrap().is_none());
    let mut archive = Archive::new(&path, OURS);
    assert_eq!(Content::read(&archive).unwrap(), Content::default());

    let mut content = Content::of(5, 1_000, 1);
    content.records.insert(Key { block: u64::MAX, part: u8::MAX }, Vec::new());
    content.save(&mut archive).unwrap();
    assert_eq!(Content::read(&archive).unwrap(), content);
    assert_eq!(Content::open(&path).unwrap(), content);
    assert!(matches!(archive.read(Key { block: 9, part: 0 }), Err(Rejected::Missing(_))));

    let nothing = Content::default();
    nothing.save(&mut archive).unwrap();
    assert_eq!(Content::open(&path).unwrap(), nothing);
}

#[test]
fn a_save_writes_only_what_has_changed() {
    let (_folder, path) = folder();
    let before = Content::of(100, 10_000, 1);
    let mut archive = Archive::new(&path, OURS);
    let first = before.save(&mut archive).unwrap();
    assert!(first.written > 1_000_000, "{first:?}");

    let mut archive = Archive::open(&path, OURS).unwrap().unwrap();
    let mut after = before.clone();
    after.records.remove(&Key { block: 1, part: 0 });
    after.records.insert(Key { block: 7, part: 0 }, bytes(10_000, 99));
    after.records.insert(Key { block: 101, part: 0 }, bytes(10_000, 98));
    let saved = after.save_changes(&mut archive, &before).unwrap();
    assert!(saved.written < 24_000, "{saved:?}");
    assert_eq!(saved.size, fs::metadata(&path).unwrap().len());
    assert_eq!(Content::open(&path).unwrap(), after);
}

#[test]
fn dead_records_give_their_room_back() {
    let (_folder, path) = folder();
    let mut archive = Archive::new(&path, OURS);
    let mut before = Content::default();
    for round in 0..50 {
        let content = Content::of(10, 5_000, round);
        content.save_changes(&mut archive, &before).unwrap();
        let size = fs::metadata(&path).unwrap().len();
        assert!(size < 8_192 + 2 * 52_000, "{size} bytes after {round} rounds");
        assert_eq!(Content::open(&path).unwrap(), content);
        before = content;
    }
}

#[test]
fn nobody_else_may_read_the_file() {
    let (_folder, path) = folder();
    let mut archive = Archive::new(&path, OURS);
    for round in 0..4 {
        Content::of(2, 1_000, round).save(&mut archive).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn a_file_that_went_away_is_noticed_and_made_again() {
    let (_folder, path) = folder();
    let (before, after) = (Content::of(3, 100, 1), Content::of(4, 100, 1));
    let mut archive = Archive::new(&path, OURS);
    before.save(&mut archive).unwrap();
    fs::remove_file(&path).unwrap();
    let error = after.save_changes(&mut archive, &before).unwrap_err();
    assert!(matches!(error, SaveError::Lost(Key { block: 1, part: 0 })), "{error}");
    assert!(!path.exists() && !with_suffix(&path, ".new").exists());
    after.save(&mut archive).unwrap();
    assert_eq!(Content::open(&path).unwrap(), after);
}

#[test]
fn records_of_two_processes_are_never_mixed() {
    let (_folder, path) = folder();
    let begin = Content::of(3, 100, 1);
    begin.save(&mut Archive::new(&path, OURS)).unwrap();
    let mut one = Archive::open(&path, OURS).unwrap().unwrap();
    let mut other = Archive::open(&path, OURS).unwrap().unwrap();

    let ones = Content { head: bytes(40, 7), ..begin.clone() };
    ones.save_changes(&mut one, &begin).unwrap();
    assert!(matches!(begin.save_changes(&mut other, &begin), Err(SaveError::Lost(_))));
    assert_eq!(Content::open(&path).unwrap(), ones);
    assert_eq!(Content::read(&other).unwrap(), begin, "what was read stays readable");

    let lock = Lock::acquire(&with_suffix(&path, ".lock")).unwrap();
    assert!(matches!(ones.save(&mut one), Err(SaveError::Busy)));
    drop(lock);
    ones.save(&mut one).unwrap();
}

#[test]
fn a_save_that_fails_leaves_what_was_there() {
    let (_folder, path) = folder();
    let before = Content::of(3, 100, 1);
    let mut archive = Archive::new(&path, OURS);
    let size = before.save(&mut archive).unwrap().size;
    let mut live = before.keys();
    live.insert(Key { block: 77, part: 0 });
    let changed = [(Key { block: 1, part: 0 }, bytes(5_000, 9))];
    assert!(matches!(archive.save(b"new", changed, &live), Err(SaveError::Lost(Key { block: 77, .. }))));
    assert_eq!(fs::metadata(&path).unwrap().len(), size);
    assert_eq!(Content::read(&archive).unwrap(), before);

    let long = vec![0; (64 << 20) + 1];
    let error = archive.save(b"new", [(Key { block: 1, part: 0 }, long)], &before.keys()).unwrap_err();
    assert_eq!(error.to_string(), "record 1.0 has more than 67108864 bytes");
    assert_eq!(Content::open(&path).unwrap(), before);
}

#[test]
fn what_is_given_and_not_living_is_passed_over() {
    let (_folder, path) = folder();
    let mut content = Content::of(3, 100, 1);
    let all = content.records.clone();
    content.records.remove(&Key { block: 2, part: 0 });
    Archive::new(&path, OURS).save(&content.head, all, &content.keys()).unwrap();
    assert_eq!(Content::open(&path).unwrap(), content);
}

/// What may happen between two looks at the file.
#[derive(Clone, Debug)]
enum Step {
    /// Records are set and removed, then saved.
    Save { set: Vec<(u64, Vec<u8>)>, remove: Vec<u64>, head: Vec<u8> },
    /// The program starts again.
    Reopen,
    /// Somebody deletes the file.
    Delete,
}

fn step() -> impl Strategy<Value = Step> {
    let content = proptest::collection::vec(any::<u8>(), 0..300);
    let save = (
        proptest::collection::vec((0_u64..8, content.clone()), 0..4),
        proptest::collection::vec(0_u64..8, 0..3),
        content,
    );
    prop_oneof![
        8 => save.prop_map(|(set, remove, head)| Step::Save { set, remove, head }),
        2 => Just(Step::Reopen),
        1 => Just(Step::Delete),
    ]
}

proptest! {
    /// After any saves the file holds what a map would.
    #[test]
    fn a_file_is_a_map(steps in proptest::collection::vec(step(), 1..20)) {
        let (_folder, path) = folder();
        let mut archive = Archive::new(&path, OURS);
        let mut model = Content::default();
        for step in steps {
            match step {
                Step::Save { set, remove, head } => {
                    let before = model.clone();
                    let key = |block| Key { block, part: 0 };
                    remove.into_iter().for_each(|block| drop(model.records.remove(&key(block))));
                    model.records.extend(set.into_iter().map(|(block, bytes)| (key(block), bytes)));
                    model.head = head;
                    match model.save_changes(&mut archive, &before) {
                        Ok(saved) => prop_assert_eq!(saved.size, fs::metadata(&path).unwrap().len()),
                        Err(SaveError::Lost(_)) if !path.exists() => drop(model.save(&mut archive).unwrap()),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                    prop_assert_eq!(&Content::open(&path).unwrap(), &model);
                    prop_assert_eq!(&Content::read(&archive).unwrap(), &model);
                }
                Step::Reopen => match Archive::open(&path, OURS).unwrap() {
                    Some(again) => archive = again,
                    None => (archive, model) = (Archive::new(&path, OURS), Content::default()),
                },
                Step::Delete => drop(fs::remove_file(&path)),
            }
        }
    }
}
