//! `corescope` as a broker: every way in leads to the database, and to nothing else.
//!
//! What a broker has to refuse is tested with the broker alone, in `meshcore-ingest/tests/embedded_broker`.

mod support;

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rcgen::generate_simple_self_signed;
use serde_json::{Value, json};
use support::broker::Publisher;
use support::embedded::{self, Embedded};
use support::eventually;
use support::expected::Expected;
use support::messages::{self, Message};
use support::server::{self, Server};
use support::socket::{Frame, Socket};

const MQTT: &str = "Sec-WebSocket-Protocol: mqtt\r\n";

/// An MQTT 3.1.1 CONNECT with client id `x` and keep-alive 60.
const CONNECT: &[u8] = b"\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x01x";

/// Certificate and key of this machine, in `folder`.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let made = generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (cert, key)
}

/// The ways in; each as URL, version of MQTT, and whether it is encrypted.
fn ways(broker: &Embedded) -> Vec<(String, u32, bool)> {
    let (tcp, tls, web) = (broker.port, broker.tls.unwrap(), broker.server.port);
    let urls = [
        (format!("tcp://127.0.0.1:{tcp}"), false),
        (format!("ssl://127.0.0.1:{tls}"), true),
        (format!("ws://127.0.0.1:{web}/mqtt"), false),
        (format!("ws://127.0.0.1:{web}/"), false),
    ];
    urls.into_iter().flat_map(|(url, tls)| [(url.clone(), 4, tls), (url, 5, tls)]).collect()
}

#[test]
fn what_a_mesh_publishes_is_stored_by_every_way_in() {
    let messages = messages::captured().unwrap_or_else(messages::demo);
    let expected = Expected::of(&messages);
    for way in 0..8 {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = certificate(folder.path());
        let broker = Embedded::open(
            folder.path(),
            json!({
                "anonymous": true, "tls": {"port": 0, "cert": cert, "key": key},
                "limits": {"messagesPerSecond": 100_000, "bytesPerSecond": 1_000_000_000},
            }),
        );
        let (url, version, is_encrypted) = ways(&broker).remove(way);
        let start = Instant::now();
        Publisher::connected(&url, version, is_encrypted.then_some(cert.as_path())).publish(&messages);
        let took = start.elapsed();
        assert_eq!(broker.server.settled(expected.figures.received), expected.figures, "{url} {version}");
        assert_eq!(server::rows(&server::read_only(folder.path())), expected.rows, "{url} {version}");
        eprintln!("{url}, MQTT {version}: {} messages confirmed in {took:?}", messages.len());
        let start = Instant::now();
        broker.server.stop();
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    }
}

#[test]
fn an_observer_connects_as_its_presets_do_and_is_known_by_its_token() {
    let Some(python) = embedded::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = certificate(folder.path());
    let broker = Embedded::open(
        folder.path(),
        json!({
            "tokens": {"enabled": true, "audience": ["mqtt.example"]},
            "tls": {"port": 0, "cert": cert, "key": key},
        }),
    );
    let (tcp, tls, web) = (broker.port, broker.tls.unwrap(), broker.server.port);
    let ways = [
        json!({"port": tcp, "transport": "tcp"}),
        json!({"port": tls, "transport": "tcp", "ca": cert}),
        json!({"port": web, "transport": "websockets", "path": "/"}),
        json!({"port": web, "transport": "websockets", "path": "/mqtt"}),
    ];
    let mut received = 0;
    for (number, mut options) in ways.into_iter().enumerate() {
        let is_lost = number % 2 == 0;
        let seed = [u8::try_from(number).unwrap(); 32];
        let more = json!({
            "host": "127.0.0.1", "seed": hex::encode(seed), "iata": "SJC", "audience": "mqtt.example",
            "frames": [format!("3E00{number:08X}"), format!("3E00FF{number:08X}")],
            "end": if is_lost { "lost" } else { "stopped" },
        });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut observer = embedded::observer(&python, &options);
        let (code, said) = observer.wait_for_end();
        assert_eq!(code, Some(0), "{options}: {said}");
        assert!(said.contains("connected: Success") && said.contains("subscribed: Granted QoS 1"), "{said}");
        // Online, two packets, and offline: by itself, or by its last will.
        received += 4;
        let figures = broker.server.settled(received);
        assert_eq!((figures.received, figures.stored), (received, received), "{options}: {figures:?}");
    }
    let database = server::read_only(folder.path());
    let count = |rows: &str| server::value::<u32>(&database, &format!("SELECT COUNT(*) FROM {rows}"));
    assert_eq!(
        count("observers WHERE length(id) = 64 AND id = upper(id) AND name = 'Roof' AND iata = 'SJC'"),
        4
    );
    assert_eq!(
        count("observers WHERE firmware = 'v1.14.1' AND model = 'Heltec V3' AND battery_mv = 4187"),
        4
    );
    assert_eq!((count("observations"), count("transmissions")), (8, 8));

    // A token for another broker, and the key of somebody else.
    for (options, reason) in [
        (json!({"audience": "other.example"}), "token_audience"),
        (json!({"audience": null}), "token_audience"),
    ] {
        let mut all = json!({
            "host": "127.0.0.1", "port": tcp, "transport": "tcp", "seed": "07".repeat(32), "iata": "SJC",
            "frames": [], "end": "stopped",
        });
        all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        let observer = embedded::observer(&python, &all);
        observer.wait_for_line("connected: Bad user name or password", 1);
        broker.server.process.wait_for_line(&format!("reason=\"{reason}\""), 1);
    }
    broker.server.stop();
}

#[test]
fn the_live_feed_stays_where_it_was_and_shows_what_observers_publish() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({}));
    let mut pages = [Socket::open(broker.server.port, "/ws"), Socket::open(broker.server.port, "/")];
    let publisher = Publisher::connected(&format!("tcp://127.0.0.1:{}", broker.port), 4, None);
    publisher.publish(&messages::made_up(1));
    for page in &mut pages {
        assert_eq!(page.next_json()["type"], "packet");
    }
    let sources = broker.server.json("/api/healthz")["ingest_liveness"].clone();
    assert_eq!(
        sources.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["local"],
        "its source has this name"
    );
    broker.server.stop();
}

#[test]
fn nobody_is_nameless_on_the_port_of_the_page_unless_it_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({}));
    let mut socket = Socket::try_open_with(broker.server.port, "/mqtt", MQTT).unwrap();
    socket.send_binary(CONNECT).unwrap();
    assert_eq!(
        socket.next_binary().as_deref(),
        Some(&[0x20, 2, 0, 4][..]),
        "CONNACK: bad user name or password"
    );
    assert_eq!(socket.next(), Frame::Ended);
    broker.server.process.wait_for_line("reason=\"no_credentials\"", 1);
    broker.server.stop();

    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({"anonymous": true}));
    let mut ours = Socket::try_open_with(broker.server.port, "/mqtt", MQTT).unwrap();
    ours.send_binary(CONNECT).unwrap();
    assert_eq!(ours.next_binary().as_deref(), Some(&[0x20, 2, 0, 0][..]));
    let foreign = format!("{MQTT}Origin: https://evil.example\r\n");
    let mut foreign = Socket::try_open_with(broker.server.port, "/mqtt", &foreign).unwrap();
    foreign.send_binary(CONNECT).unwrap();
    assert_eq!(foreign.next_binary().as_deref(), Some(&[0x20, 2, 0, 4][..]), "a page of another site");
    broker.server.stop();
}

#[test]
fn a_web_socket_that_announces_300_mb_or_is_silent_costs_no_memory_and_keeps_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({"anonymous": true}));
    let open = || Socket::try_open_with(broker.server.port, "/mqtt", MQTT).unwrap();
    let before = broker.server.process.resident_kib();
    let _silent: Vec<Socket> = (0..20).map(|_| open()).collect();
    for _ in 0..4 {
        let mut greedy = open();
        greedy.announce(300 << 20).unwrap();
        // It may be told to go before it has said it all.
        for _ in 0..128 {
            if greedy.send_raw(&[0; 64 * 1024]).is_err() {
                break;
            }
        }
        let farewell = greedy.next();
        assert!(matches!(farewell, Frame::Close(_) | Frame::Ended), "{farewell:?}");
    }
    let mut polite = open();
    polite.send_binary(CONNECT).unwrap();
    assert_eq!(polite.next_binary().as_deref(), Some(&[0x20, 2, 0, 0][..]));
    if let (Some(before), Some(after)) = (before, broker.server.process.resident_kib()) {
        eprintln!("{before} KiB before, {after} KiB after 4 times 8 MB of 300");
        assert!(after < before + 12 * 1024, "{before} KiB before, {after} KiB after");
    }
    let start = Instant::now();
    broker.server.stop();
    assert!(start.elapsed() < Duration::from_secs(6), "open sockets do not keep it: {:?}", start.elapsed());
}

#[test]
fn without_a_broker_there_is_no_mqtt_on_the_port_of_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("empty.jsonl");
    fs::write(&recording, "").unwrap();
    let server = Server::playing(folder.path(), &recording);
    assert!(Socket::try_open_with(server.port, "/mqtt", MQTT).is_err());
    assert!(Socket::try_open_with(server.port, "/", MQTT).is_ok(), "the live feed, as without sub-protocol");
    server.stop();

    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({"webSocket": false, "anonymous": true}));
    assert!(Socket::try_open_with(broker.server.port, "/mqtt", MQTT).is_err());
    broker.server.stop();
}

#[test]
fn a_taken_port_stops_the_start_when_the_broker_is_asked_for_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let config = json!({"broker": {"enabled": true, "port": port}, "retention": {"packetDays": 0}});
    fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    let mut process =
        support::process::Process::start(server::corescope(folder.path()).args(["--port", "0"]));
    let (code, said) = process.wait_for_end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("port {port}")) && said.contains("in use"), "{said}");
    assert!(!folder.path().join("data").exists());
}

#[test]
fn without_any_configuration_another_broker_on_the_usual_port_is_used() {
    // Whoever has the port, this test or somebody else: it is taken.
    let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 1883));
    let folder = tempfile::tempdir().unwrap();
    let server =
        Server::open(server::corescope(folder.path()).arg("--db").arg(server::database(folder.path())));
    server.process.wait_for_line("another program listens on the port of MQTT", 1);
    let sources = server.json("/api/healthz")["ingest_liveness"].clone();
    assert!(sources["local"].is_object(), "{sources}");
}

#[test]
fn what_clients_call_themselves_never_breaks_a_line_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({"anonymous": true}));
    let mut socket = Socket::try_open_with(broker.server.port, "/mqtt", MQTT).unwrap();
    let id = b"x\n2026 ERROR forged\x1b[2J";
    let mut connect = vec![0x10, u8::try_from(12 + id.len()).unwrap()];
    connect.extend(b"\0\x04MQTT\x04\x02\0\x3c\0");
    connect.push(u8::try_from(id.len()).unwrap());
    connect.extend(id);
    socket.send_binary(&connect).unwrap();
    socket.next_binary();
    // Publishes to a topic as odd as its name, which nobody may.
    let _ = socket.send_binary(b"\x30\x11\0\x0fweather\n\x1bforged");
    drop(socket);
    let publisher = Publisher::connected(&format!("tcp://127.0.0.1:{}", broker.port), 4, None);
    publisher.publish(&messages::made_up(1));
    broker.server.settled(1);
    let lines = broker.server.process.lines();
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:#?}");
    assert!(
        !lines.iter().any(|line| line.starts_with("2026 ERROR") || line.starts_with("forged")),
        "{lines:#?}"
    );
    broker.server.stop();
}

#[test]
fn a_demonstration_publishes_through_the_broker_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().join("temporary");
    fs::create_dir(&temporary).unwrap();
    let mut command = server::corescope(folder.path());
    command.args(["--demo", "--speed", "0"]).env("TMPDIR", &temporary);
    let demonstration = Embedded::started(&mut command);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 1, "its database");
    demonstration.server.process.wait_for_line("recording played to its end", 1);
    let figures = demonstration.server.settled(1000);
    assert_eq!(figures.received, 1000);
    // Its observers have the faults of real ones: they repeat the last frame when they report a transmission.
    let faults: Vec<&String> = figures.rejected.keys().chain(figures.dropped.keys()).collect();
    assert_eq!(faults, ["tx_stale_raw"], "{figures:?}");
    let page: Value = demonstration.server.json("/api/packets?limit=1");
    assert_eq!(page["packets"].as_array().map(Vec::len), Some(1), "{page}");
    demonstration.server.stop();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_demonstration_is_alive() {
    let folder = tempfile::tempdir().unwrap();
    let demonstration = Embedded::started(server::corescope(folder.path()).arg("--demo"));
    let mut page = Socket::open(demonstration.server.port, "/ws");
    assert_eq!(page.next_json()["type"], "packet");
    // First comes what happened before the start, as fast as it can.
    let mut before = 0;
    let caught_up = eventually("it has caught up", || {
        let received = demonstration.server.settled(1000).received;
        (std::mem::replace(&mut before, received) == received).then_some(received)
    });
    let start = Instant::now();
    eventually("it goes on", || (demonstration.server.figures().received >= caught_up + 5).then_some(()));
    eprintln!("the demonstration: {caught_up} messages at once, 5 more after {:?}", start.elapsed());
    demonstration.server.stop();
}

#[test]
fn a_full_stop_of_the_program_stores_what_was_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Embedded::open(folder.path(), json!({}));
    let publisher = Publisher::connected(&format!("tcp://127.0.0.1:{}", broker.port), 4, None);
    let burst: Vec<Message> = messages::made_up(5000);
    publisher.publish(&burst);
    broker.server.stop(); // at once, with what is in the queue
    assert_eq!(server::rows(&server::read_only(folder.path())), Expected::of(&burst).rows);
}
