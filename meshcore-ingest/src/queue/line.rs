//! Messages in the order of their numbers, any of which may leave.
//!
//! They lie in blocks that are made and dropped as a whole: a map would need twice the room for each of many messages.

use std::collections::BTreeMap;

use super::packed::Packed;

/// Messages per block.
const BLOCK: u64 = 1_024;

/// The line. Numbers go up and are never used again.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// By number divided by [`BLOCK`]; none is without a message.
    blocks: BTreeMap<u64, Block>,
    next: u64,
    len: usize,
}

#[derive(Debug)]
struct Block {
    /// Number of the first slot.
    first: u64,
    slots: Vec<Option<Packed>>,
    /// Slots before this one are empty.
    begin: usize,
    len: usize,
}

impl Line {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number of the next message to come.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    /// Puts a message at the end.
    pub(super) fn push(&mut self, message: Packed) {
        let block = self.blocks.entry(self.next / BLOCK).or_insert_with(|| Block {
            first: self.next,
            slots: Vec::new(),
            begin: 0,
            len: 0,
        });
        block.slots.push(Some(message));
        block.len += 1;
        self.next += 1;
        self.len += 1;
    }

    /// The first message.
    pub(super) fn first(&self) -> Option<&Packed> {
        self.blocks.values().next().and_then(|block| block.slots.get(block.begin..)?.iter().flatten().next())
    }

    /// Takes the first message out.
    pub(super) fn pop_first(&mut self) -> Option<Packed> {
        let block = self.blocks.values_mut().next()?;
        while let Some(None) = block.slots.get(block.begin) {
            block.begin += 1;
        }
        let number = block.first + block.begin as u64;
        self.remove(number)
    }

    /// The number of the first message from `number` on of which `is_it` is true.
    pub(super) fn find(&self, number: u64, is_it: impl Fn(&Packed) -> bool) -> Option<u64> {
        let blocks = self.blocks.range(number / BLOCK..).map(|(_, block)| block);
        let mut messages = blocks.flat_map(|block| (block.first..).zip(&block.slots));
        let found = messages.find(|(at, slot)| *at >= number && slot.as_ref().is_some_and(&is_it));
        found.map(|(at, _)| at)
    }

    /// Takes a message out.
    pub(super) fn remove(&mut self, number: u64) -> Option<Packed> {
        let key = number / BLOCK;
        let block = self.blocks.get_mut(&key)?;
        let place = number.checked_sub(block.first).and_then(|place| usize::try_from(place).ok())?;
        let message = block.slots.get_mut(place)?.take()?;
        block.len -= 1;
        self.len -= 1;
        if block.len == 0 {
            self.blocks.remove(&key);
        }
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use meshcore_store::UnixMillis;
    use proptest::prelude::*;

    use super::super::Arrival;
    use super::*;

    fn message(number: u32) -> Packed {
        let received_at = UnixMillis::new(0);
        Packed::plain(Arrival { source: number, topic: "t", payload: b"{}", retained: false, received_at })
    }

    #[test]
    fn those_that_left_behind_one_that_stays_take_no_room() {
        let mut line = Line::default();
        line.push(message(0));
        for number in 1..100 * BLOCK {
            line.push(message(0));
            assert!(line.remove(number).is_some());
        }
        assert_eq!((line.len(), line.blocks.len()), (1, 1));
        assert_eq!(line.pop_first().map(|message| message.source), Some(0));
        assert!(line.pop_first().is_none() && line.blocks.is_empty());
    }

    proptest! {
        /// A line does what a map by number does.
        #[test]
        fn a_line_is_a_map(steps in proptest::collection::vec((0_u8..4, any::<u16>()), 0..3_000)) {
            let (mut line, mut map) = (Line::default(), BTreeMap::new());
            for (step, choice) in steps {
                match step {
                    0 | 1 => {
                        map.insert(line.next_number(), u32::from(choice));
                        line.push(message(u32::from(choice)));
                    }
                    2 => {
                        let first = map.pop_first().map(|(_, source)| source);
                        prop_assert_eq!(line.pop_first().map(|message| message.source), first);
                    }
                    _ => {
                        let number = u64::from(choice) % (line.next_number() + 1);
                        let expected = map.range(number..).find(|(_, source)| *source % 3 == 0).map(|(n, _)| *n);
                        let found = line.find(number, |message| message.source % 3 == 0);
                        prop_assert_eq!(found, expected);
                        if let Some(number) = found {
                            let removed = line.remove(number).map(|message| message.source);
                            prop_assert_eq!(removed, map.remove(&number));
                            prop_assert!(line.remove(number).is_none());
                        }
                    }
                }
                prop_assert_eq!(line.len(), map.len());
                prop_assert_eq!(line.first().map(|message| message.source), map.values().next().copied());
            }
        }
    }
}
