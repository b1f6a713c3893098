//! The live feed of the whole program: who gets it, who does not, and how it ends.

mod support;

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;
use support::broker::Mosquitto;
use support::messages;
use support::server::Server;
use support::socket::{Frame, Socket};

/// Memory a client that misbehaves may cost, KiB.
const FEW_KIB: u64 = 6 * 1024;

#[test]
fn every_page_gets_the_same_frame_for_a_published_packet() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let corescope = Server::listening(folder.path(), &broker);
    let publisher = broker.publisher();
    let mut pages = [Socket::open(corescope.port, "/ws"), Socket::open(corescope.port, "/")];
    let mut took = Vec::new();
    for packet in messages::made_up(20) {
        let start = Instant::now();
        publisher.publish(&[packet]);
        let frame = pages[0].next_json();
        took.push(start.elapsed());
        assert_eq!(frame, pages[1].next_json());
        assert_is_packet(&frame);
        assert_eq!(frame["data"]["id"], took.len());
        assert_eq!(frame["data"]["observation_id"], took.len());
        assert_eq!(frame["data"]["decoded"]["header"]["payloadTypeName"], "RAW_CUSTOM");
    }
    took.sort();
    eprintln!("publish to frame: median {:?}, longest {:?}", took[took.len() / 2], took[took.len() - 1]);
    corescope.stop();
}

#[test]
fn pages_get_a_frame_for_every_new_observation_and_none_for_a_repeated_one() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let corescope = Server::listening(folder.path(), &broker);
    let mut page = Socket::open(corescope.port, "/ws");
    let frame = "3E0001020304";
    let (first, second) = (messages::Message::packet("one", frame), messages::Message::packet("two", frame));
    broker.publisher().publish(&[first.clone(), first.clone(), second, first]);
    let frames = [page.next_json(), page.next_json()];
    assert_eq!(frames[0]["data"]["hash"], frames[1]["data"]["hash"]);
    assert_eq!(
        frames.each_ref().map(|frame| frame["data"]["observer_id"].as_str()),
        [Some("one"), Some("two")]
    );
    assert_eq!(
        frames.each_ref().map(|frame| frame["data"]["observation_count"].as_i64()),
        [Some(1), Some(2)]
    );
    corescope.settled(4);
    corescope.stop();
    assert_eq!(page.next(), Frame::Close(Some(1001)), "two frames were all");
}

fn assert_is_packet(frame: &Value) {
    assert_eq!(frame["type"], "packet");
    let data = &frame["data"];
    assert!(data["id"].is_i64() && data["observation_id"].is_i64(), "{frame}");
    assert!(data["hash"].as_str().is_some_and(|hash| hash.len() == 16), "{frame}");
    let observed_at = data["observed_at"].as_str().expect("a text");
    let (seconds, fraction) = observed_at.split_once('.').expect("milliseconds");
    assert!(seconds.len() == 19 && fraction.len() == 4 && fraction.ends_with('Z'), "{observed_at}");
    assert!(data["decoded"]["header"]["payloadTypeName"].is_string(), "{frame}");
}

#[test]
fn a_page_of_another_origin_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let corescope = silent(folder.path());
    for path in ["/ws", "/"] {
        let answer = Socket::try_open(corescope.port, path, Some("https://evil.example")).err();
        assert!(answer.is_some_and(|head| head.starts_with("HTTP/1.1 403 ")), "{path}");
        let ours = format!("http://127.0.0.1:{}", corescope.port);
        assert!(Socket::try_open(corescope.port, path, Some(&ours)).is_ok(), "{path}");
    }
}

#[test]
fn a_client_that_talks_is_sent_away_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut corescope = silent(folder.path());
    let mut quiet = Socket::open(corescope.port, "/ws");
    let mut loud = Socket::open(corescope.port, "/ws");
    // The server may hang up before it is all said.
    let _ = loud.send_binary(&[0; 100 * 1024]);
    let said = loud.next();
    assert!(matches!(said, Frame::Close(Some(1009)) | Frame::Ended), "{said:?}");
    eprintln!("100 kB at once: {said:?}");
    assert_eq!(loud.next(), Frame::Ended);
    assert!(corescope.process.is_running());
    corescope.process.terminate();
    assert_eq!(quiet.next(), Frame::Close(Some(1001)), "it was there to the end");
}

#[test]
fn a_client_that_announces_300_mb_costs_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let corescope = silent(folder.path());
    drop(Socket::open(corescope.port, "/ws")); // what the first client costs, all cost
    let Some(before) = corescope.process.resident_kib() else {
        eprintln!("skipped: this system does not tell how much memory a process has");
        return;
    };
    let mut clients: Vec<Socket> = (0..4).map(|_| Socket::open(corescope.port, "/ws")).collect();
    let mut most = before;
    for client in &mut clients {
        let said: io::Result<()> = client.announce(300 << 20).and_then(|()| {
            for _ in 0..128 {
                client.send_raw(&[0; 64 * 1024])?;
                most = most.max(corescope.process.resident_kib().unwrap_or_default());
            }
            Ok(())
        });
        let farewell = client.next();
        eprintln!("8 MB of 300: {said:?}, {farewell:?}, resident {before} KiB before, {most} KiB at most");
        assert!(matches!(farewell, Frame::Close(Some(1009)) | Frame::Ended), "{farewell:?}");
        assert_eq!(client.next(), Frame::Ended);
    }
    assert!(most - before < FEW_KIB, "{before} KiB before, {most} KiB with the clients");
    corescope.stop();
}

#[test]
fn told_to_end_the_server_says_goodbye_to_every_page_and_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let mut corescope = silent(folder.path());
    let mut pages: Vec<Socket> = (0..20).map(|_| Socket::open(corescope.port, "/ws")).collect();
    let start = Instant::now();
    corescope.process.terminate();
    for page in &mut pages {
        assert_eq!(page.next(), Frame::Close(Some(1001)));
    }
    let (code, said) = corescope.process.wait_for_end();
    assert_eq!(code, Some(0), "{said}");
    eprintln!("SIGTERM to the end with 20 pages: {:?}", start.elapsed());
}

/// A server that receives nothing.
fn silent(folder: &Path) -> Server {
    let recording = folder.join("empty.jsonl");
    fs::write(&recording, "").unwrap();
    Server::playing(folder, &recording)
}
