//! A broker that says what no good broker would. It speaks as much MQTT 3.1.1 as it needs.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use super::DEADLINE;

/// Listens on a port of its own; its threads end with the test program.
pub(crate) struct Hostile {
    port: u16,
}

/// A client that has said CONNECT and been let in.
pub(crate) struct Victim {
    stream: TcpStream,
}

impl Hostile {
    /// Does `harm` to every client that connects, one after another.
    pub(crate) fn start(mut harm: impl FnMut(&mut Victim) + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                stream.set_read_timeout(Some(DEADLINE)).unwrap();
                let mut victim = Victim { stream };
                // Who only tries the port says nothing.
                if victim.read().is_some_and(|(kind, _)| kind == 0x10) {
                    victim.write(&[0x20, 2, 0, 0]);
                    harm(&mut victim);
                }
            }
        });
        Self { port }
    }

    /// Its address, as the program is told.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }
}

impl Victim {
    /// Waits for a subscription to one topic, and answers with this code: 0 is granted, 0x80 refused. Gives the topic.
    pub(crate) fn answer_subscription(&mut self, code: u8) -> Option<String> {
        let (_, body) = self.read().filter(|(kind, _)| *kind == 0x82)?;
        let (id, filter) = (&body[..2], &body[4..body.len() - 1]);
        self.write(&[0x90, 3, id[0], id[1], code]);
        Some(String::from_utf8_lossy(filter).into_owned())
    }

    /// Publishes with QoS 0 below a topic of any bytes.
    pub(crate) fn publish(&mut self, topic: &[u8], payload: &[u8]) {
        let length = u8::try_from(2 + topic.len() + payload.len()).expect("a short message");
        assert!(length < 128, "a short message");
        let topic_length = [0, u8::try_from(topic.len()).unwrap()];
        self.write(&[&[0x30, length], &topic_length[..], topic, payload].concat());
    }

    /// Waits until it has hung up.
    pub(crate) fn wait_for_end(&mut self) {
        while self.read().is_some() {}
    }

    fn write(&mut self, bytes: &[u8]) {
        // One that has gone is of no interest any more.
        let _ = self.stream.write_all(bytes);
    }

    /// One packet: its first byte, and what follows its length.
    fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).ok()?;
        assert!(head[1] < 128, "only short packets are expected here");
        let mut body = vec![0; head[1].into()];
        self.stream.read_exact(&mut body).ok()?;
        Some((head[0], body))
    }
}
