//! One process writes, another one only reads: both show the same packets.

mod support;

use std::time::Instant;

use support::broker::Mosquitto;
use support::eventually;
use support::messages;
use support::process::Process;
use support::server::{self, Server};
use support::socket::{Frame, Socket};

#[test]
fn a_second_process_on_the_same_file_shows_a_packet_and_sends_it_live() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let writer = Server::listening(folder.path(), &broker);
    let reader =
        Server::open(server::meshcore_web(folder.path()).arg("--db").arg(server::database(folder.path())));
    let mut pages = [Socket::open(writer.port, "/ws"), Socket::open(reader.port, "/ws")];
    let publisher = broker.publisher();
    let mut took = Vec::new();
    for packet in messages::made_up(10) {
        let start = Instant::now();
        publisher.publish(&[packet]);
        let mut frames = pages.each_mut().map(Socket::next_json);
        took.push(start.elapsed());
        let hash = frames[1]["data"]["hash"].as_str().unwrap().to_owned();

        // The reader knows the second of its arrival only; all else is the same.
        let observed_at =
            frames.each_ref().map(|frame| frame["data"]["observed_at"].as_str().unwrap()[..19].to_owned());
        assert_eq!(observed_at[0], observed_at[1]);
        for frame in &mut frames {
            frame["data"]["observed_at"].take();
            frame["data"]["packet"]["observed_at"].take();
        }
        assert_eq!(frames[0], frames[1]);

        // Who was told about it live can ask for it at once.
        let detail = [&writer, &reader].map(|server| server.json(&format!("/api/packets/{hash}")));
        assert_eq!(detail[0], detail[1]);
        let newest = reader.json("/api/packets?limit=1");
        assert_eq!(newest["packets"][0]["hash"], hash.as_str());
        assert_eq!(newest["total"], took.len());
    }
    took.sort();
    eprintln!("publish to frame of the reader: median {:?}, longest {:?}", took[5], took[9]);

    // The reader knows what ingest does from its stats file.
    eventually("the reader knows where every message went", || {
        let status = reader.json("/api/mqtt/status");
        let stored = status["sources"][0]["stored"].as_u64();
        (stored == Some(10)).then(|| assert_eq!(status["health"]["state"], "ok"))
    });

    // The reader goes on when the writer ends, and when another one starts.
    writer.stop();
    assert_eq!(reader.json("/api/packets")["total"], 10);
    assert_eq!(reader.json("/api/mqtt/status")["health"]["state"], "unknown");
    assert!(reader.json("/api/healthz")["ingest_liveness"].is_null());
    let writer = Server::listening(folder.path(), &broker);
    let new = &messages::made_up(11)[10..];
    publisher.publish(new);
    writer.settled(1);
    let frame = pages[1].next_json();
    assert_eq!(frame["data"]["id"], 11);
    eventually("the reader counts it", || (reader.json("/api/stats")["totalPackets"] == 11).then_some(()));
    reader.stop();
    assert_eq!(pages[1].next(), Frame::Close(Some(1001)));
    writer.stop();
}

#[test]
fn a_reader_waits_for_a_database_that_is_not_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = server::meshcore_web(folder.path());
    command.args(["--port", "0", "--db"]).arg(server::database(folder.path()));
    let reader = Process::start(&mut command);
    reader.wait_for_line("waiting for meshcore-ingest", 1);
    let writer = Server::playing(folder.path(), &messages::demo_file());
    reader.wait_for_line("the web page is open", 1);
    writer.stop();
}
