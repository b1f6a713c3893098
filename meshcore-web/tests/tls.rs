//! Encrypted connections: who is trusted, who is not, and what is said about it.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use support::broker::{Mosquitto, free_port};
use support::expected::Expected;
use support::messages;
use support::server::{self, Server};
use tempfile::TempDir;

/// A broker with a certificate of an authority of ours for 127.0.0.1, on four ports.
struct Encrypted {
    broker: Mosquitto,
    /// Takes anybody.
    open: u16,
    /// Takes those with a certificate of that authority.
    closed: u16,
    /// Speaks WebSocket.
    web: u16,
    /// Speaks WebSocket without encryption.
    plain_web: u16,
    /// Where the certificates are.
    files: TempDir,
}

impl Encrypted {
    /// `None`, with a line that says so, where mosquitto or openssl is not installed. In CI they must be.
    fn start() -> Option<Self> {
        let files = tempfile::tempdir().unwrap();
        if !make_certificates(files.path()) {
            return None;
        }
        let (closed, web, plain_web) = (free_port(), free_port(), free_port());
        let file = |name: &str| files.path().join(name).display().to_string();
        let (authority, certificate, key) = (file("authority.pem"), file("broker.pem"), file("broker.key"));
        let encrypted =
            format!("cafile {authority}\ncertfile {certificate}\nkeyfile {key}\nallow_anonymous true\n");
        let lines = format!(
            "{encrypted}listener {closed} 127.0.0.1\n{encrypted}require_certificate true\n\
             listener {web} 127.0.0.1\nprotocol websockets\n{encrypted}\
             listener {plain_web} 127.0.0.1\nprotocol websockets\nallow_anonymous true\n"
        );
        let broker = Mosquitto::with_listener(tempfile::tempdir().unwrap(), &lines)?;
        Some(Self { open: broker.other_port(), closed, web, plain_web, files, broker })
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }
}

/// An authority, a certificate of it for a broker at 127.0.0.1, and one for a client.
fn make_certificates(folder: &Path) -> bool {
    let script = "set -e
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=authority' -keyout authority.key -out authority.pem
        for name in broker client; do
            openssl req -newkey rsa:2048 -nodes -subj \"/CN=$name\" -keyout $name.key -out $name.csr
            printf 'subjectAltName = IP:127.0.0.1' > $name.ext
            openssl x509 -req -days 2 -in $name.csr -CA authority.pem -CAkey authority.key -CAcreateserial \\
                -extfile $name.ext -out $name.pem
        done";
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
        eprintln!("skipped: openssl is not installed");
        return false;
    }
    let made = Command::new("sh").args(["-c", script]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    true
}

#[test]
fn what_a_mesh_publishes_is_stored_whichever_way_the_broker_is_reached() {
    let messages: Vec<_> =
        messages::captured().unwrap_or_default().into_iter().chain(messages::demo()).collect();
    let expected = Expected::of(&messages);
    let ways: [fn(&Encrypted) -> String; 3] = [
        |broker| format!("ws://127.0.0.1:{}/mqtt", broker.plain_web),
        |broker| format!("mqtts://127.0.0.1:{}", broker.open),
        |broker| format!("wss://127.0.0.1:{}/mqtt", broker.web),
    ];
    for way in ways {
        // Each with a broker that has nothing retained.
        let Some(encrypted) = Encrypted::start() else { return };
        let broker = way(&encrypted);
        let folder = tempfile::tempdir().unwrap();
        let mut source = json!({"name": "mesh", "broker": broker});
        if !broker.starts_with("ws:") {
            source["tls"] = json!({"caFile": encrypted.file("authority.pem")});
        }
        let corescope = Server::configured(folder.path(), &json!({"mqttSources": [source]}));
        corescope.process.wait_for_line("connected to broker", 1);
        encrypted.broker.publisher().publish(&messages);
        assert_eq!(corescope.settled(expected.figures.received), expected.figures, "{broker}");
        assert_eq!(server::rows(&server::read_only(folder.path())), expected.rows, "{broker}");
        corescope.stop();
    }
}

#[test]
fn a_broker_is_trusted_for_its_certificate_or_because_the_operator_says_so() {
    let Some(encrypted) = Encrypted::start() else { return };
    let source = |name: &str, broker: String, more: Value| {
        let mut source = json!({"name": name, "broker": broker, "topics": [format!("meshcore/{name}/#")]});
        source.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        source
    };
    let at = |port: u16| format!("mqtts://127.0.0.1:{port}");
    let trusting = json!({"caFile": encrypted.file("authority.pem")});
    let known = json!({
        "caFile": encrypted.file("authority.pem"),
        "certFile": encrypted.file("client.pem"),
        "keyFile": encrypted.file("client.key"),
    });
    let good = [
        source("LAX", at(encrypted.open), json!({"rejectUnauthorized": false})),
        source("CA", at(encrypted.open), json!({"tls": trusting})),
        source("KEY", at(encrypted.closed), json!({"tls": known})),
        source("WSS", format!("wss://127.0.0.1:{}/mqtt", encrypted.web), json!({"tls": trusting})),
    ];
    let bad = [
        source("STRICT", at(encrypted.open), json!({})),
        // Its certificate is for an address, not for this name.
        source("NAME", format!("mqtts://localhost:{}", encrypted.open), json!({"tls": trusting})),
        source("KEYLESS", at(encrypted.closed), json!({"tls": trusting})),
        source("FILE", at(encrypted.open), json!({"tls": {"caFile": "nowhere.pem"}})),
    ];
    let home = tempfile::tempdir().unwrap();
    let sources: Vec<Value> = good.into_iter().chain(bad).collect();
    let config = json!({"mqttSources": sources, "retention": {"packetDays": 0}});
    let corescope = Server::configured(home.path(), &config);
    for name in ["LAX", "CA", "KEY", "WSS"] {
        corescope.process.wait_for_line(&format!("connected to broker mqtt.source=\"{name}\""), 1);
    }
    for (name, reason) in [
        ("STRICT", "the TLS handshake failed: the broker's certificate is not trusted"),
        ("NAME", "the TLS handshake failed: the broker's certificate is not trusted"),
        ("KEYLESS", "it asks for a certificate of ours"),
        ("FILE", "tls.caFile: nowhere.pem: No such file"),
    ] {
        let line =
            corescope.process.wait_for_line(&format!("cannot connect to broker mqtt.source=\"{name}\""), 1);
        assert!(line.contains(reason), "{line}");
    }

    // What comes by each of them is stored; nothing comes by those that were refused.
    let publisher = encrypted.broker.publisher();
    for (name, message) in ["LAX", "CA", "KEY", "WSS", "STRICT", "NAME"].iter().zip(messages::made_up(6)) {
        let topic = message.topic.replace("/ZRH/", &format!("/{name}/"));
        publisher.publish(&[messages::Message { topic, ..message }]);
    }
    for name in ["LAX", "CA", "KEY", "WSS"] {
        support::eventually(name, || (corescope.figures_of(name).stored == 1).then_some(()));
    }
    for name in ["STRICT", "NAME", "KEYLESS"] {
        assert_eq!(corescope.figures_of(name).received, 0, "{name}");
        assert_eq!(corescope.process.count(&format!("connected to broker mqtt.source=\"{name}\"")), 0);
    }
    corescope.stop();
}
