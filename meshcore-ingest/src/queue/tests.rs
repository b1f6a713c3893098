use std::sync::Arc;
use std::thread;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const MANY: usize = usize::MAX;

/// Number `number` about packet `packet`, which is a frame of a type that may carry anything.
fn about(number: u32, packet: u32) -> String {
    json!({"n": number, "raw": format!("3E00{packet:08X}")}).to_string()
}

fn push(queue: &Queue, number: u32, payload: &str) -> Vec<Evicted> {
    queue.push(arrival(number, payload))
}

fn arrival(number: u32, payload: &str) -> Arrival<'_> {
    let topic = "meshcore/ZRH/roof/packets";
    let received_at = UnixMillis::new(i64::from(number));
    Arrival { source: number, topic, payload: payload.as_bytes(), retained: false, received_at }
}

fn queue(messages: usize) -> Queue {
    Queue::new(Limits { messages, bytes: MANY })
}

/// The messages that are left, by number.
fn left(queue: &Queue) -> Vec<u32> {
    queue.close();
    let mut taken = Vec::new();
    while queue.take(&mut taken, MANY) {}
    taken.iter().map(|message| message.source).collect()
}

#[test]
fn the_oldest_repeat_goes_first_and_then_the_oldest() {
    let queue = queue(4);
    for (number, packet) in [(0, 10), (1, 20), (2, 10), (3, 20)] {
        assert_eq!(push(&queue, number, &about(number, packet)), []);
    }
    let gone = |number, packet| {
        let evicted = push(&queue, number, &about(number, packet));
        evicted.into_iter().map(|one| (one.source, one.reason)).collect::<Vec<_>>()
    };
    assert_eq!(gone(4, 30), [(2, Discard::BufferFullRepeat)]);
    assert_eq!(gone(5, 40), [(3, Discard::BufferFullRepeat)]);
    assert_eq!(gone(6, 50), [(0, Discard::BufferFull)]);
    assert_eq!(gone(7, 50), [(7, Discard::BufferFullRepeat)], "it tells nothing new");
    assert_eq!(left(&queue), [1, 4, 5, 6]);
}

#[test]
fn a_packet_is_recognised_in_whatever_path_and_spelling_it_comes() {
    let queue = queue(1);
    push(&queue, 0, r#"{"raw":"3D00AABBCC"}"#);
    let longer_path = push(&queue, 1, r#"{"SNR":1, "raw" : "3d02a1b2aabbcc"}"#);
    assert_eq!(longer_path, [Evicted { source: 1, reason: Discard::BufferFullRepeat }]);
}

#[test]
fn what_has_no_frame_repeats_only_itself() {
    let queue = queue(2);
    push(&queue, 0, "not json");
    push(&queue, 1, r#"{"raw":"#);
    assert_eq!(push(&queue, 2, "not json"), [Evicted { source: 2, reason: Discard::BufferFullRepeat }]);
}

#[test]
fn bytes_are_bounded_too() {
    let one = Packed::plain(arrival(0, &about(0, 0))).size();
    let queue = Queue::new(Limits { messages: MANY, bytes: 3 * one });
    for number in 0..3 {
        assert_eq!(push(&queue, number, &about(number, number)), []);
    }
    let large = format!("{{\"raw\":\"3E00FFFFFFFF\",\"x\":\"{}\"}}", "x".repeat(one));
    assert_eq!(push(&queue, 3, &large).len(), 3, "it needs more room than two have");
    assert_eq!(queue.backlog().oldest, Some(UnixMillis::new(3)));
    assert_eq!(left(&queue), [3]);
}

#[test]
fn a_long_queue_gives_back_what_came_in_its_order() {
    let queue = queue(MANY);
    let count = u32::try_from(LONG).unwrap() + 500;
    let payloads: Vec<String> = (0..count).map(|number| about(number, number)).collect();
    for (number, payload) in (0..).zip(&payloads) {
        assert_eq!(push(&queue, number, payload), []);
    }
    let mut taken = Vec::new();
    assert!(queue.take(&mut taken, MANY));
    assert!(taken.iter().map(|message| &message.payload[..]).eq(payloads.iter().map(String::as_bytes)));
    assert_eq!(queue.backlog(), Backlog::default());
}

#[test]
fn who_takes_waits_for_what_comes_and_ends_when_it_is_closed() {
    let queue = Arc::new(queue(10));
    let taker = {
        let queue = Arc::clone(&queue);
        thread::spawn(move || {
            let (mut all, mut some) = (Vec::new(), Vec::new());
            while queue.take(&mut some, 3) {
                assert!((1..=3).contains(&some.len()));
                all.extend(some.drain(..).map(|message| message.source));
            }
            all
        })
    };
    for number in 0..9 {
        push(&queue, number, &about(number, number));
    }
    queue.close();
    assert_eq!(taker.join().unwrap(), (0..9).collect::<Vec<_>>());
    let refused = push(&queue, 9, &about(9, 9));
    assert_eq!(refused, [Evicted { source: 9, reason: Discard::Stopped }], "it is closed");
}

proptest! {
    /// Nothing is lost without being named, order is kept, and the limits hold after every step.
    #[test]
    fn every_message_is_taken_or_named(
        capacity in 1_usize..6,
        steps in proptest::collection::vec(prop_oneof![(0_u32..4).prop_map(Some), Just(None)], 0..60),
    ) {
        let queue = queue(capacity);
        let (mut taken, mut gone, mut pushed) = (Vec::new(), Vec::new(), 0_u32);
        for step in steps {
            match step {
                Some(packet) => {
                    gone.extend(push(&queue, pushed, &about(pushed, packet)).into_iter().map(|one| one.source));
                    pushed += 1;
                }
                None if queue.backlog().messages > 0 => {
                    let most = taken.len() + 1;
                    queue.take(&mut taken, most);
                }
                None => {}
            }
            prop_assert!(queue.backlog().messages <= capacity);
        }
        let mut all: Vec<u32> = taken.iter().map(|message| message.source).collect();
        all.extend(left(&queue));
        prop_assert!(all.is_sorted());
        prop_assert_eq!(queue.backlog(), Backlog::default());
        all.extend(gone);
        all.sort_unstable();
        prop_assert_eq!(all, (0..pushed).collect::<Vec<_>>());
    }
}
