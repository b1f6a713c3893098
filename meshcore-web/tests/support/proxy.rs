//! A network between the program and its broker that can swallow what passes without a word.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Passes connections on to a port of this machine. Its threads end with the test program.
pub(crate) struct Proxy {
    port: u16,
    way: Arc<Way>,
}

/// Connections are numbered from 1 as they come.
#[derive(Default)]
struct Way {
    newest: AtomicU64,
    /// Up to this one they are open and dead.
    swallowed: AtomicU64,
}

impl Proxy {
    /// Passes on to `target`.
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let way = Arc::<Way>::default();
        let accepting = Arc::clone(&way);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let number = accepting.newest.fetch_add(1, Ordering::SeqCst) + 1;
                // A broker that is down hangs up.
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else { continue };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let way = Arc::clone(&accepting);
                    thread::spawn(move || way.pass(number, from, to));
                }
            }
        });
        Self { port, way }
    }

    /// Its address, as the program is told.
    pub(crate) fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// From now on nothing passes by the connections there are: they stay open, and nobody is told.
    pub(crate) fn swallow(&self) {
        self.way.swallowed.store(self.way.newest.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// The same for all connections that will be.
    pub(crate) fn swallow_for_ever(&self) {
        self.way.swallowed.store(u64::MAX, Ordering::SeqCst);
    }
}

impl Way {
    fn pass(&self, number: u64, mut from: TcpStream, mut to: TcpStream) {
        let is_swallowed = || number <= self.swallowed.load(Ordering::SeqCst);
        let mut bytes = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut bytes) {
            if !is_swallowed() && to.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        if !is_swallowed() {
            let _ = to.shutdown(Shutdown::Both);
        }
    }
}
