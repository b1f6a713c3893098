use std::fs::{self, File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::view::archive::Part;
use crate::view::archive::layout::{BEGIN, Catalogue, Place, Superblock};

/// A file with two states, the second of which shares a record with the first.
fn two_states(path: &Path, len: usize) -> (Content, Content, Archive) {
    let (first, mut second) = (Content::of(3, len, 1), Content::of(4, len, 2));
    second.records.extend(first.records.first_key_value().map(|(key, bytes)| (*key, bytes.clone())));
    let mut archive = Archive::new(path, OURS);
    first.save(&mut archive).unwrap();
    second.save_changes(&mut archive, &first).unwrap();
    assert_eq!(Content::open(path).unwrap(), second);
    (first, second, archive)
}

/// The bytes that the newest state of `archive` rests on.
fn vital(archive: &Archive) -> Vec<Range<u64>> {
    let state = archive.state.as_ref().unwrap();
    let at = state.superblock.offset();
    let places = state.catalogue.places.values().chain([&state.superblock.catalogue]);
    places
        .map(|place| place.offset..place.end())
        .chain(std::iter::once(at..at + Superblock::LEN as u64))
        .collect()
}

/// What became of the file at `path` after it was damaged.
fn outcome(path: &Path, first: &Content, second: &Content) -> &'static str {
    match Content::open(path) {
        Ok(content) if content == *second => "newest",
        Ok(content) if content == *first => "older",
        Ok(_) => "wrong",
        Err(_) => "rejected",
    }
}

#[test]
fn a_change_of_any_byte_that_counts_is_noticed() {
    let (_folder, path) = folder();
    let (first, second, archive) = two_states(&path, 60);
    let vital = vital(&archive);
    let size = fs::metadata(&path).unwrap().len();
    let file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut seen = BTreeMap::<_, u64>::new();
    for offset in 0..size {
        for change in [0x01, 0x80, 0xFF] {
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset).unwrap();
            file.write_all_at(&[byte[0] ^ change], offset).unwrap();
            let outcome = outcome(&path, &first, &second);
            let counts = vital.iter().any(|range| range.contains(&offset));
            assert_eq!(counts, outcome != "newest", "{outcome} after a change of byte {offset}");
            assert_ne!(outcome, "wrong", "byte {offset}");
            *seen.entry(outcome).or_default() += 1;
            file.write_all_at(&byte, offset).unwrap();
        }
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), ["newest", "older", "rejected"]);
}

#[test]
fn a_file_cut_anywhere_has_its_older_state_or_is_rejected() {
    let (_folder, path) = folder();
    let (first, second, archive) = two_states(&path, 60);
    let older_ends =
        BEGIN + 3 * 60 + archive.state.as_ref().unwrap().catalogue.head.len() as u64 + 4 + 3 * 25;
    let whole = fs::read(&path).unwrap();
    for len in 0..whole.len() {
        fs::write(&path, &whole[..len]).unwrap();
        let expected = if (len as u64) < older_ends { "rejected" } else { "older" };
        assert_eq!(outcome(&path, &first, &second), expected, "{len} of {} bytes", whole.len());
    }
}

#[test]
fn a_damaged_record_spoils_no_other_and_no_save() {
    let (_folder, path) = folder();
    let before = Content::of(3, 1_000, 1);
    let mut archive = Archive::new(&path, OURS);
    before.save(&mut archive).unwrap();
    let broken = Key { block: 2, part: 0 };
    let place = archive.state.as_ref().unwrap().catalogue.places[&broken];
    OpenOptions::new().write(true).open(&path).unwrap().write_all_at(b"?", place.offset + 500).unwrap();
    let error = archive.read(broken).unwrap_err();
    assert_eq!(error.to_string(), format!("is damaged: record 2.0 at byte {}", place.offset));
    for key in before.keys() {
        assert_eq!(archive.read(key).is_ok(), key != broken);
    }

    // A rewrite reads the records that were not given, and tells.
    let mut after = before.clone();
    let rewrite = |archive: &mut Archive, after: &mut Content| {
        (0..20).find_map(|round| {
            let before = after.clone();
            after.records.insert(Key { block: 1, part: 0 }, bytes(1_000, round + 100));
            after.save_changes(archive, &before).err()
        })
    };
    let error = rewrite(&mut archive, &mut after).unwrap();
    assert!(
        matches!(error, SaveError::Damaged(Rejected::Damaged { part: Part::Record(key), .. }) if key == broken)
    );
    after.save(&mut archive).unwrap();
    assert_eq!(Content::open(&path).unwrap(), after);
    assert!(rewrite(&mut archive, &mut after).is_none());
}

#[rstest]
#[case(Identity { database: 1, ..OURS }, "belongs to database 0000000000005eed, this is 0000000000000001")]
#[case(Identity { encoding: 4, ..OURS }, "is of version 3, this program reads 4")]
fn a_file_of_another_is_rejected_and_replaced(#[case] identity: Identity, #[case] text: &str) {
    let (_folder, path) = folder();
    two_states(&path, 60);
    assert_eq!(Archive::open(&path, identity).unwrap_err().to_string(), text);
    Content::of(1, 10, 9).save(&mut Archive::new(&path, identity)).unwrap();
    assert!(Archive::open(&path, identity).unwrap().is_some());
    assert!(Archive::open(&path, OURS).is_err());
}

#[test]
fn a_file_of_another_layout_is_rejected() {
    let (_folder, path) = folder();
    two_states(&path, 60);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    for superblock in [0, 4096] {
        file.write_all_at(&2_u32.to_le_bytes(), superblock + 8).unwrap();
    }
    let error = Archive::open(&path, OURS).unwrap_err();
    assert!(matches!(error, Rejected::Version { found: 2, expected: 1 }), "{error}");
}

#[test]
fn what_is_no_snapshot_file_is_said_to_be_none() {
    let (folder, path) = folder();
    fs::write(&path, "SQLite format 3").unwrap();
    assert!(matches!(Archive::open(&path, OURS), Err(Rejected::Truncated { part: Part::Superblock, .. })));
    fs::write(&path, vec![0; 10_000]).unwrap();
    assert!(matches!(Archive::open(&path, OURS), Err(Rejected::NoSnapshot)));
    assert!(matches!(
        Archive::open(folder.path(), OURS),
        Err(Rejected::Truncated { .. } | Rejected::Unreadable(_))
    ));
}

/// A place anywhere, mostly where the bytes are.
fn place(bytes: &[u8]) -> impl Strategy<Value = Place> + use<> {
    let checked = Place::of(bytes, 0).unwrap();
    let offset = prop_oneof![0..BEGIN + 4_000, Just(BEGIN), Just(u64::MAX), any::<u64>()];
    let len = prop_oneof![Just(checked.len), 0..5_000_u32, any::<u32>()];
    (offset, len).prop_map(move |(offset, len)| Place { offset, len, ..checked })
}

/// Writes a file whose checksums are right and whose figures are anything.
fn forge(path: &Path, generation: u64, catalogue: Place, body: &[u8]) {
    let superblock = Superblock { identity: OURS, generation, catalogue };
    let file = File::create(path).unwrap();
    file.write_all_at(body, BEGIN).unwrap();
    file.write_all_at(&superblock.encode(), superblock.offset()).unwrap();
}

proptest! {
    /// Whatever bits are wrong, nothing wrong is read.
    #[test]
    fn no_damage_gives_wrong_bytes(flips in proptest::collection::vec((any::<prop::sample::Index>(), 0..8_u32), 1..40)) {
        let (_folder, path) = folder();
        let (first, second, _) = two_states(&path, 20_000);
        let mut damaged = fs::read(&path).unwrap();
        for (at, bit) in flips {
            *at.get_mut(&mut damaged) ^= 1 << bit;
        }
        fs::write(&path, damaged).unwrap();
        prop_assert_ne!(outcome(&path, &first, &second), "wrong");
    }

    /// No bytes panic or make much be allocated, even with checksums that are right.
    #[test]
    fn hostile_files_are_read_or_rejected(
        generation: u64,
        body in proptest::collection::vec(any::<u8>(), 0..2_000),
        forged in place(&[]).prop_flat_map(|inner| {
            let places = BTreeMap::from([(Key { block: 1, part: 0 }, inner)]);
            let bytes = Catalogue { places, head: vec![7; 30] }.encode();
            place(&bytes).prop_map(move |outer| (bytes.clone(), outer))
        }),
        random in any::<bool>(),
    ) {
        let (_folder, path) = folder();
        let (catalogue, outer) = forged;
        forge(&path, generation, outer, if random { &body } else { &catalogue });
        if let Ok(archive) = Archive::open(&path, OURS) {
            let mut archive = archive.unwrap();
            let _ = Content::read(&archive);
            let after = Content::of(2, 50, 1);
            after.save(&mut archive).unwrap();
            prop_assert_eq!(Content::read(&archive).unwrap(), after);
        }
    }
}
