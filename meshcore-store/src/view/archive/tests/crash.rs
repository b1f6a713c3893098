//! What a power cut leaves of a save: of what was written since the last sync any part, in any order.

use std::cell::RefCell;
use std::fs;
use std::io;

use super::*;
use crate::view::archive::layout::Superblock;
use crate::view::archive::save::{Medium, Next};

/// What a save does to the disk.
#[derive(Clone, Debug)]
enum Step {
    Write { offset: u64, bytes: Vec<u8> },
    Sync,
}

#[derive(Debug, Default)]
struct Recorder(RefCell<Vec<Step>>);

impl Medium for Recorder {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.borrow_mut().push(Step::Write { offset, bytes: bytes.to_vec() });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.0.borrow_mut().push(Step::Sync);
        Ok(())
    }
}

/// How much of a write that was not synced reached the disk.
#[derive(Clone, Copy, Debug)]
enum Reached {
    Nothing,
    Half,
    /// All sectors but the first.
    Tail,
    All,
}

impl Reached {
    const EACH: [Self; 4] = [Self::Nothing, Self::Half, Self::Tail, Self::All];

    fn part(self, bytes: &[u8]) -> std::ops::Range<usize> {
        match self {
            Self::Nothing => 0..0,
            Self::Half => 0..bytes.len() / 2,
            Self::Tail => bytes.len().min(512)..bytes.len(),
            Self::All => 0..bytes.len(),
        }
    }
}

/// The file after a cut: `done` is on the disk, of each of `loose` what `choice` says in base 4.
fn after(before: &[u8], done: &[Step], loose: &[Step], mut choice: usize) -> Vec<u8> {
    let mut disk = before.to_vec();
    let mut write = |offset: u64, bytes: &[u8], part: std::ops::Range<usize>| {
        let at = usize::try_from(offset).unwrap() + part.start;
        disk.resize(disk.len().max(at + part.len()), 0);
        disk[at..at + part.len()].copy_from_slice(&bytes[part]);
    };
    for step in done {
        if let Step::Write { offset, bytes } = step {
            write(*offset, bytes, 0..bytes.len());
        }
    }
    for step in loose {
        let Step::Write { offset, bytes } = step else { unreachable!("a sync ends what is loose") };
        write(*offset, bytes, Reached::EACH[choice % 4].part(bytes));
        choice /= 4;
    }
    disk
}

#[test]
fn a_cut_at_any_moment_leaves_the_state_before_or_the_state_after() {
    let (_folder, path) = folder();
    let oldest = Content::of(2, 1_500, 1);
    let old = Content::of(3, 1_500, 2);
    let mut archive = Archive::new(&path, OURS);
    oldest.save(&mut archive).unwrap();
    old.save(&mut archive).unwrap();
    let new = Content { head: bytes(700, 3), records: Content::of(5, 1_500, 2).records };
    let disk = fs::read(&path).unwrap();
    let state = archive.state.as_ref().unwrap();

    let recorder = Recorder::default();
    let generation = state.superblock.generation + 1;
    let next = Next { identity: OURS, generation, head: &new.head, live: &new.keys() };
    let changes = new.changes(&old).into_iter().map(Ok);
    next.append(&recorder, Some((&state.superblock, &state.catalogue)), changes).unwrap();
    let steps = recorder.0.into_inner();
    let switch = steps
        .iter()
        .position(|step| matches!(step, Step::Write { bytes, .. } if bytes.len() == Superblock::LEN));

    for cut in 0..=steps.len() {
        let synced =
            steps[..cut].iter().rposition(|step| matches!(step, Step::Sync)).map_or(0, |sync| sync + 1);
        let (done, loose) = (&steps[..synced], &steps[synced..cut]);
        for choice in 0..4_usize.pow(u32::try_from(loose.len()).unwrap()) {
            fs::write(&path, after(&disk, done, loose, choice)).unwrap();
            let found = Content::open(&path).unwrap();
            if cut == steps.len() {
                assert_eq!(found, new, "the save had ended");
            } else if Some(cut) <= switch {
                assert_eq!(found, old, "cut before step {cut}, nothing was switched");
            } else {
                assert!(found == old || found == new, "cut before step {cut}");
            }

            // Life goes on.
            let mut again = Archive::open(&path, OURS).unwrap().unwrap();
            let later = Content { head: bytes(10, 9), ..new.clone() };
            later.save_changes(&mut again, &found).unwrap();
            assert_eq!(Content::open(&path).unwrap(), later);
        }
    }
}

#[test]
fn a_rewrite_that_was_cut_is_begun_again() {
    let (_folder, path) = folder();
    let before = Content::of(3, 100, 1);
    let mut archive = Archive::new(&path, OURS);
    before.save(&mut archive).unwrap();
    let whole = fs::read(&path).unwrap();
    for len in (0..whole.len()).step_by(97) {
        fs::write(path.with_extension("view.new"), &whole[..len]).unwrap();
        let mut archive = Archive::open(&path, OURS).unwrap().unwrap();
        assert_eq!(Content::read(&archive).unwrap(), before);
        fs::remove_file(&path).unwrap(); // makes the save a rewrite
        before.save(&mut archive).unwrap();
        assert_eq!(Content::open(&path).unwrap(), before);
        assert!(!path.with_extension("view.new").exists());
    }
}
