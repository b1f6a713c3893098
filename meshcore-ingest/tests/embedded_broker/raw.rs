//! MQTT by hand, for clients that misbehave.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::DEADLINE;

/// A connection without a library behind it.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    /// Connects and says nothing.
    pub(crate) fn silent(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Connects with MQTT 3.1.1 and a will, and waits until it is in.
    pub(crate) fn connected(address: SocketAddr, id: &str, will: Option<(&str, &str)>) -> Self {
        let mut raw = Self::silent(address);
        let mut body = text("MQTT");
        body.extend([4, if will.is_some() { 0b0010_0110 } else { 2 }, 0, 60]);
        body.extend(text(id));
        if let Some((topic, payload)) = will {
            body.extend(text(topic));
            body.extend(text(payload));
        }
        raw.send(0x10, &body).unwrap();
        let mut answer = [0; 4];
        raw.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x20, 2, 0, 0], "let in");
        raw
    }

    /// Subscribes with this quality of service, and waits until that is confirmed.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: u8) {
        let mut body = vec![0, 1];
        body.extend(text(filter));
        body.push(qos);
        self.send(0x82, &body).unwrap();
        let mut answer = [0; 5];
        self.0.read_exact(&mut answer).unwrap();
        assert_eq!(answer, [0x90, 3, 0, 1, qos]);
    }

    /// Publishes with QoS 0.
    pub(crate) fn publish(&mut self, topic: &str, payload: &[u8]) -> io::Result<()> {
        let mut body = text(topic);
        body.extend(payload);
        self.send(0x30, &body)
    }

    /// Announces a packet of `length` bytes, and sends none of them.
    pub(crate) fn announce(&mut self, length: usize) -> io::Result<()> {
        let mut head = vec![0x30];
        head.extend(remaining(length));
        self.0.write_all(&head)
    }

    /// Whether the other side has hung up; waits for it.
    pub(crate) fn is_hung_up(&mut self) -> bool {
        let mut rest = [0; 1024];
        loop {
            match self.0.read(&mut rest) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == io::ErrorKind::ConnectionReset,
            }
        }
    }

    pub(crate) fn send(&mut self, kind: u8, body: &[u8]) -> io::Result<()> {
        let mut packet = vec![kind];
        packet.extend(remaining(body.len()));
        packet.extend(body);
        self.0.write_all(&packet)
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

fn remaining(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(length & 0x7f).unwrap();
        length >>= 7;
        bytes.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return bytes;
        }
    }
}
