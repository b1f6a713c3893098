//! A packet on its way: every transmission of it, and who heard which.

use std::sync::Arc;

use meshcore_proto::{FrameBuf, Header, Packet, PacketHash, PathBuf, PayloadType, TransportCodes};

/// A frame about to leave its origin.
#[derive(Clone, Debug)]
pub(super) struct Parcel {
    pub(super) frame: FrameBuf,
    pub(super) from: u32,
    /// The one it is for, when it is for one.
    pub(super) to: Option<u32>,
    /// The nodes meant by a direct path, or by the route of a trace.
    pub(super) route: Vec<u32>,
    /// The scope of a flood: only repeaters of this region pass it on.
    pub(super) region: Option<u8>,
}

/// One transmission of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transmission {
    pub(super) node: u32,
    /// The transmission that was heard before; the first is its own.
    pub(super) parent: u32,
    /// When it begins: milliseconds since 1970.
    pub(super) at: i64,
    /// As it is in the frame.
    pub(super) path: PathBuf,
}

/// All that happened to one packet.
#[derive(Debug)]
pub(super) struct Flight {
    pub(super) header: Header,
    pub(super) codes: Option<TransportCodes>,
    pub(super) payload: Box<[u8]>,
    /// Of all types but `TRACE`, whose hash changes on the way.
    hash: PacketHash,
    pub(super) route: Vec<u32>,
    pub(super) transmissions: Vec<Transmission>,
}

/// A copy of a packet at an observer.
#[derive(Clone, Debug)]
pub(super) struct FlightCopy {
    pub(super) flight: Arc<Flight>,
    pub(super) transmission: u32,
}

/// The first copy that reached the one the packet is for.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) at: i64,
    pub(super) copy: FlightCopy,
}

impl Flight {
    pub(super) fn new(packet: &Packet<'_>, route: &[u32]) -> Self {
        Self {
            header: packet.header(),
            codes: packet.transport(),
            payload: packet.payload_bytes().into(),
            hash: packet.packet_hash(),
            route: route.to_vec(),
            transmissions: Vec::new(),
        }
    }

    /// The frame of the transmission, in place.
    pub(super) fn packet<'a>(&'a self, transmission: &'a Transmission) -> Packet<'a> {
        let path = &transmission.path;
        Packet::new(self.header, self.codes, path.path_len(), path.as_bytes(), &self.payload)
            .expect("forwarding changes the path only, and no path outgrows a frame")
    }

    pub(super) fn origin(&self) -> &Transmission {
        &self.transmissions[0]
    }
}

impl FlightCopy {
    pub(super) fn transmission(&self) -> &Transmission {
        &self.flight.transmissions[self.transmission as usize]
    }

    pub(super) fn packet(&self) -> Packet<'_> {
        self.flight.packet(self.transmission())
    }

    /// Computed once per packet, but for traces.
    pub(super) fn hash(&self) -> PacketHash {
        match self.flight.header.payload_type() {
            PayloadType::Trace => self.packet().packet_hash(),
            _ => self.flight.hash,
        }
    }

    /// The nodes meant by the hops of the frame, in order.
    pub(super) fn hops(&self) -> Vec<u32> {
        let flight = &self.flight;
        if flight.header.payload_type() == PayloadType::Trace {
            return flight.route.clone();
        }
        let count = usize::from(self.transmission().path.path_len().count());
        if flight.header.route().is_direct() {
            return flight.route[flight.route.len() - count..].to_vec();
        }
        let mut hops = Vec::with_capacity(count);
        let mut index = self.transmission;
        while index != 0 {
            let transmission = &flight.transmissions[index as usize];
            hops.push(transmission.node);
            index = transmission.parent;
        }
        hops.reverse();
        hops
    }
}
