//! Who listens: one bounded ring of frames, and each listener with its own place in it.
//!
//! A listener that falls further behind than the ring is long loses frames and learns how many. It never slows the
//! others, and never costs more memory than its place.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

/// Frames a listener may fall behind.
const RING: usize = 256;

/// One frame, serialised once for all listeners.
pub type Frame = Arc<str>;

/// All listeners of the live feed.
#[derive(Clone, Debug)]
pub struct Hub {
    ring: broadcast::Sender<Frame>,
    closing: watch::Sender<bool>,
}

/// One listener's place.
#[derive(Debug)]
pub struct Listener {
    /// The frames.
    pub frames: broadcast::Receiver<Frame>,
    /// Changes when the server stops.
    pub closing: watch::Receiver<bool>,
}

impl Default for Hub {
    fn default() -> Self {
        Self { ring: broadcast::Sender::new(RING), closing: watch::Sender::new(false) }
    }
}

impl Hub {
    /// Sends to everybody who listens now.
    pub fn send(&self, frame: Frame) {
        // An error means that nobody listens.
        let _ = self.ring.send(frame);
    }

    /// Starts listening.
    pub fn listen(&self) -> Listener {
        Listener { frames: self.ring.subscribe(), closing: self.closing.subscribe() }
    }

    /// How many listen.
    pub fn listeners(&self) -> usize {
        self.ring.receiver_count()
    }

    /// Says farewell to everybody.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::TryRecvError;

    use super::*;

    #[test]
    fn a_slow_listener_learns_how_much_it_lost_and_a_quick_one_loses_nothing() {
        let hub = Hub::default();
        let (mut slow, mut quick) = (hub.listen(), hub.listen());
        let lost: usize = 44;
        for number in 0..RING + lost {
            hub.send(number.to_string().into());
            assert_eq!(quick.frames.try_recv().unwrap().as_ref(), number.to_string());
        }
        assert_eq!(slow.frames.try_recv(), Err(TryRecvError::Lagged(lost as u64)));
        assert_eq!(slow.frames.try_recv().unwrap().as_ref(), lost.to_string());
    }
}
