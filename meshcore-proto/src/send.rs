//! Packets on their way out: a route, a payload, a frame.
