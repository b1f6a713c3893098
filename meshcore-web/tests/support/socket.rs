//! A WebSocket client of its own, so that the live feed is not tested with the code it is made of.

use std::io::{self, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use serde_json::Value;

use super::DEADLINE;

/// Key and answer of the example in RFC 6455.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// An open connection.
pub(crate) struct Socket {
    stream: BufReader<TcpStream>,
}

/// What the server sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// A text.
    Text(String),
    /// A farewell, with its code.
    Close(Option<u16>),
    /// The connection ended without one.
    Ended,
}

impl Socket {
    /// Opens `path`.
    #[track_caller]
    pub(crate) fn open(port: u16, path: &str) -> Self {
        Self::try_open(port, path, None).unwrap_or_else(|head| panic!("{path}: {head}"))
    }

    /// Opens `path` as a page of `origin` does; else the head of the answer.
    pub(crate) fn try_open(port: u16, path: &str, origin: Option<&str>) -> Result<Self, String> {
        let origin = origin.map(|origin| format!("Origin: {origin}\r\n")).unwrap_or_default();
        Self::try_open_with(port, path, &origin)
    }

    /// Opens `path` with these header lines too; else the head of the answer.
    pub(crate) fn try_open_with(port: u16, path: &str, lines: &str) -> Result<Self, String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{lines}\r\n"
        )
        .unwrap();
        let mut stream = BufReader::new(stream);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        if head.starts_with("HTTP/1.1 101 ") {
            assert!(head.contains(ACCEPT), "{head}");
            Ok(Self { stream })
        } else {
            Err(head)
        }
    }

    /// The next text or the end; pings are answered.
    pub(crate) fn next(&mut self) -> Frame {
        loop {
            match self.read() {
                Ok((TEXT, text)) => return Frame::Text(String::from_utf8(text).unwrap()),
                Ok((CLOSE, code)) => {
                    return Frame::Close(code.first_chunk().map(|code| u16::from_be_bytes(*code)));
                }
                Ok((PING, bytes)) => self.send(PONG, &bytes).unwrap(),
                Ok((PONG, _)) => {}
                Ok((opcode, _)) => panic!("a frame nobody expected: opcode {opcode}"),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    panic!("nothing within {DEADLINE:?}")
                }
                Err(_) => return Frame::Ended,
            }
        }
    }

    /// The next text, which is JSON.
    #[track_caller]
    pub(crate) fn next_json(&mut self) -> Value {
        match self.next() {
            Frame::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("expected a text, got {other:?}"),
        }
    }

    /// The next binary message; `None` when the other side ends.
    pub(crate) fn next_binary(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.read() {
                Ok((BINARY, bytes)) => return Some(bytes),
                Ok((PING, bytes)) => self.send(PONG, &bytes).unwrap(),
                Ok((CLOSE, _)) => return None,
                Ok((opcode, _)) => panic!("a frame nobody expected: opcode {opcode}"),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    panic!("nothing within {DEADLINE:?}")
                }
                Err(_) => return None,
            }
        }
    }

    /// Sends a binary message.
    pub(crate) fn send_binary(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send(BINARY, bytes)
    }

    /// Announces a binary message of `length` bytes, and sends none of them.
    pub(crate) fn announce(&mut self, length: u64) -> io::Result<()> {
        let mut head = vec![0x80 | BINARY, 0x80 | 127];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        self.stream.get_mut().write_all(&head)
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    fn send(&mut self, opcode: u8, bytes: &[u8]) -> io::Result<()> {
        let mut frame = vec![0x80 | opcode];
        match (u8::try_from(bytes.len()), u16::try_from(bytes.len())) {
            (Ok(short), _) if short < 126 => frame.push(0x80 | short),
            (_, Ok(medium)) => {
                frame.push(0x80 | 126);
                frame.extend(medium.to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((bytes.len() as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]); // a mask of zeros changes nothing
        frame.extend(bytes);
        self.stream.get_mut().write_all(&frame)
    }

    /// One frame: opcode and bytes. The server sends whole, unmasked frames.
    fn read(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        assert_eq!(head[0] & 0xf0, 0x80, "final, and no extension");
        let length = match head[1] {
            126 => {
                let mut bytes = [0; 2];
                self.stream.read_exact(&mut bytes)?;
                u64::from(u16::from_be_bytes(bytes))
            }
            127 => {
                let mut bytes = [0; 8];
                self.stream.read_exact(&mut bytes)?;
                u64::from_be_bytes(bytes)
            }
            short => {
                assert!(short < 126, "a server does not mask");
                u64::from(short)
            }
        };
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut bytes)?;
        Ok((head[0] & 0x0f, bytes))
    }
}
