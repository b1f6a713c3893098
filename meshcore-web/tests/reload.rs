//! SIGHUP: what has changed in the configuration takes effect, and what has not changed notices nothing.

mod support;

use meshcore_proto::content::ChannelMessage;
use meshcore_proto::{ChannelKey, Route};
use serde_json::{Value, json};
use support::broker::Mosquitto;
use support::eventually;
use support::messages::{self, Message};
use support::server::{self, Server};

/// A packet of this region.
fn from(region: &str, message: Message) -> Message {
    Message { topic: message.topic.replace("/ZRH/", &format!("/{region}/")), ..message }
}

#[test]
fn a_new_configuration_takes_effect_and_unchanged_sources_keep_their_connection() {
    let Some(broker) = Mosquitto::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = |name: &str, topic: &str, regions: &[&str]| {
        json!({
            "name": name, "broker": broker.url(), "clientId": format!("client-{name}"),
            "topics": [topic], "iataFilter": regions,
        })
    };
    let config = |sources: &[Value], more: Value| {
        let mut config = json!({"mqttSources": sources, "retention": {"packetDays": 0}});
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    };
    let before =
        [source("kept", "meshcore/#", &["ZRH"]), source("gone", "gone/#", &[]), source("moved", "a/#", &[])];
    let mut corescope = Server::configured(folder.path(), &config(&before, json!({})));
    for name in ["kept", "gone", "moved"] {
        corescope.process.wait_for_line(&format!("connected to broker mqtt.source=\"{name}\""), 1);
    }
    let publisher = broker.publisher();
    let packets = messages::made_up(4);
    publisher.publish(&[from("ZRH", packets[0].clone()), from("SJC", packets[1].clone())]);
    eventually("one is stored, one filtered", || {
        let figures = corescope.figures_of("kept");
        (figures.stored == 1 && figures.dropped.get("iata") == Some(&1)).then_some(())
    });

    // A faulty file changes nothing.
    server::configure(folder.path(), &json!({"mqttSources": [{"name": "kept", "broker": "ftp://x"}]}));
    corescope.process.hang_up();
    let line = corescope.process.wait_for_line("the configuration is not reloaded", 1);
    assert!(line.contains("mqttSources[0].broker: unknown scheme `ftp`"), "{line}");

    let after =
        [source("kept", "meshcore/#", &["SJC"]), source("moved", "b/#", &[]), source("new", "new/#", &[])];
    let more = json!({"hashChannels": ["#reload"], "port": 1, "metrics": {"sampleIntervalSec": 60}});
    server::configure(folder.path(), &config(&after, more));
    corescope.process.hang_up();
    let line = corescope.process.wait_for_line("the configuration is reloaded", 1);
    for part in [
        "keys=\"hashChannels mqttSources\"",
        "sources.added=\"new\"",
        "sources.changed=\"moved\"",
        "sources.removed=\"gone\"",
        "sources.unchanged=1",
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    let line = corescope.process.wait_for_line("need a restart", 1);
    assert!(line.contains("keys=metrics port"), "{line}");
    corescope.process.wait_for_line("connected to broker mqtt.source=\"new\"", 1);
    corescope.process.wait_for_line("connected to broker mqtt.source=\"moved\"", 2);
    broker.log().wait_for_line("Client client-gone disconnected", 1);

    // The other filter, the other key, the other topics.
    publisher.publish(&[from("ZRH", packets[2].clone()), from("SJC", packets[3].clone())]);
    eventually("the other one is stored, the other one filtered", || {
        let figures = corescope.figures_of("kept");
        (figures.stored == 2 && figures.dropped.get("iata") == Some(&2)).then_some(())
    });
    publisher.publish(&[from("SJC", Message::packet("roof", &channel_text("#reload", "Ann", "hello")))]);
    eventually("the text is opened", || {
        let packets = corescope.json("/api/packets?limit=1");
        packets["packets"][0]["decoded_json"].to_string().contains("Ann: hello").then_some(())
    });
    let elsewhere = |topic: &str, number: usize| Message {
        topic: format!("{topic}/SJC/roof/packets"),
        ..messages::made_up(6)[number].clone()
    };
    publisher.publish(&[elsewhere("a", 4), elsewhere("gone", 4), elsewhere("b", 4), elsewhere("new", 5)]);
    eventually("what is listened to now is stored", || {
        let stored = |name: &str| corescope.figures_of(name).stored;
        (stored("moved") == 1 && stored("new") == 1).then_some(())
    });
    assert_eq!((corescope.figures_of("moved").received, corescope.figures_of("gone").received), (1, 0));

    // The broker saw the unchanged one come once, and never go.
    assert_eq!(broker.log().count("as client-kept "), 1);
    assert_eq!(broker.log().count("Client client-kept "), 0);
    eventually("the status tells who has gone", || {
        let gone = corescope.status_of("gone");
        (gone["removed"] == true && gone["connected"] == false).then_some(())
    });
    let kept = corescope.status_of("kept");
    assert_eq!((&kept["connectCount"], &kept["disconnectCount"]), (&json!(1), &json!(0)));

    // One that was removed comes back.
    server::configure(folder.path(), &config(&[before[0].clone(), before[1].clone()], json!({})));
    corescope.process.hang_up();
    corescope.process.wait_for_line("connected to broker mqtt.source=\"gone\"", 2);
    eventually("it is a source again", || (corescope.status_of("gone")["removed"] == false).then_some(()));
    publisher.publish(&[elsewhere("gone", 5)]);
    eventually("it receives again", || (corescope.figures_of("gone").received == 1).then_some(()));
    corescope.stop();
}

/// The frame of a text on a channel whose key follows from its name, as hex.
fn channel_text(channel: &str, sender: &str, message: &str) -> String {
    let text = ChannelMessage { timestamp: 1_777_636_800, sender, message };
    let key = ChannelKey::hashtag(channel);
    let frame = Route::flood(1).unwrap().frame(&key.seal(&text)).unwrap();
    hex::encode(&*frame)
}
