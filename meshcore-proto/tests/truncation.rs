//! Every beginning of every frame is an error or a shorter frame, never more.

#![cfg(feature = "std")]

mod common;

use meshcore_proto::{MAX_FRAME, Packet, PayloadType};

/// Cuts `frame` at every length; how many of the beginnings were frames.
fn beginnings(frame: &[u8]) -> usize {
    let whole = Packet::parse_lax(frame).expect("a good frame");
    let mut good = 0;
    for len in 0..frame.len() {
        // a buffer of exactly this size: a byte beyond would be another's
        let cut = frame[..len].to_vec();
        let packet = match Packet::parse_lax(&cut) {
            Ok(packet) => packet,
            Err(err) => {
                assert_eq!(err.kind(), "Truncated", "{} of {frame:02x?}", len);
                continue;
            }
        };
        good += 1;
        assert_eq!((packet.header(), packet.transport()), (whole.header(), whole.transport()));
        assert_eq!(packet.path_bytes(), whole.path_bytes());
        assert!(whole.payload_bytes().starts_with(packet.payload_bytes()));

        let mut out = [0; MAX_FRAME];
        let encoded = packet.encode_into(&mut out).unwrap();
        assert_eq!(out[..encoded], cut);
        match packet.payload() {
            Ok(payload) => {
                let encoded = payload.encode_into(&mut out).unwrap();
                // discovery ignores what follows it
                let is_control = payload.payload_type() == PayloadType::Control;
                assert!(out[..encoded] == *packet.payload_bytes() || is_control);
            }
            Err(err) => assert!(["Truncated", "InvalidTracePath"].contains(&err.kind()), "{err}"),
        }
    }
    good
}

#[test]
fn invented_frames_can_be_cut_anywhere() {
    let frames = common::synthetic_frames();
    assert!(frames.len() > 200, "the vectors are gone");
    let good: usize = frames.iter().map(|frame| beginnings(frame)).sum();
    assert!(good > frames.len(), "most frames have payloads that can be shorter");
}

#[test]
fn captured_frames_can_be_cut_anywhere() {
    let frames = common::real_frames();
    let good: usize = frames.iter().map(|frame| beginnings(frame)).sum();
    assert!(frames.is_empty() || good > frames.len());
}
