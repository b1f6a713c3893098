//! The frames of the live feed.

use meshcore_store::db::Follower;
use meshcore_web::live::frame::LiveFrame;
use serde_json::{Value, json};

use crate::made::{ago, packet, store};
use crate::snapshot;
use crate::world::{NOW, World};

/// The frames of everything in `world` from now on, as `fill` writes it.
pub(crate) fn frames(world: &World, fill: impl FnOnce(&World)) -> Vec<Value> {
    let mut follower = Follower::open(&world.database()).unwrap();
    fill(world);
    let rows = follower.next(i64::MAX, 1_000).unwrap();
    rows.into_iter().map(|row| serde_json::to_value(LiveFrame::of(row, Some(NOW))).unwrap()).collect()
}

#[test]
fn frames_are_as_recorded() {
    let frames = frames(&World::empty(), |world| world.write(world.recording()));
    let advert = frames.iter().find(|frame| frame["data"]["payload_type"] == 4).unwrap();
    snapshot("live_packet", advert);
}

#[test]
fn every_frame_has_a_decoded_header_and_path() {
    for frame in frames(&World::empty(), |world| world.write(world.recording())) {
        let data = &frame["data"];
        assert_eq!(data["decoded"]["header"]["payloadType"], data["payload_type"]);
        assert_eq!(data["decoded"]["payload"].to_string(), {
            let stored: Value = serde_json::from_str(data["decoded_json"].as_str().unwrap()).unwrap();
            stored.to_string()
        });
        let hops: Value = serde_json::from_str(data["path_json"].as_str().unwrap()).unwrap();
        assert_eq!(data["decoded"]["path"]["hops"], hops);
    }
}

#[test]
fn a_frame_repeats_its_columns_below_packet() {
    for mut frame in frames(&World::empty(), |world| world.write(world.recording())) {
        let mut outer = frame["data"].take();
        let columns = outer.as_object_mut().unwrap();
        columns.remove("decoded").unwrap();
        let inner = columns.remove("packet").unwrap();
        assert_eq!(outer, inner);
    }
}

#[test]
fn observations_are_counted_as_they_come() {
    let frames = frames(&World::empty(), |world| {
        world.write([store(packet(1, "Roof", ago(3))), store(packet(1, "Hill", ago(2)))]);
    });
    let counts: Vec<_> = frames.iter().map(|frame| &frame["data"]["observation_count"]).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn a_listener_that_was_too_slow_is_told_how_much_it_missed() {
    let lagged = serde_json::to_value(LiveFrame::Lagged { dropped: 44 }).unwrap();
    assert_eq!(lagged, json!({"type": "lagged", "dropped": 44}));
}
