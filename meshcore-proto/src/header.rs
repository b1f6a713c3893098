//! The first byte of a frame: route, payload type and version.

use core::fmt;

/// The header byte `0bVVTTTTRR` (firmware `src/Packet.h`).
///
/// Any byte is a header; whether its version is accepted is decided when a
/// frame is parsed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header(u8);

impl Header {
    /// A header of version 0, the only version there is.
    pub const fn new(route: RouteType, payload_type: PayloadType) -> Self {
        Self(payload_type.bits() << 2 | route.bits())
    }

    /// How the packet travels: bits 0 and 1.
    pub const fn route(self) -> RouteType {
        RouteType::from_bits(self.0)
    }

    /// What the payload is: bits 2 to 5.
    pub const fn payload_type(self) -> PayloadType {
        PayloadType::from_bits(self.0 >> 2)
    }

    /// Payload version, 0 to 3: bits 6 and 7. Only 0 is in use.
    pub const fn version(self) -> u8 {
        self.0 >> 6
    }

    /// The byte on the wire.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<u8> for Header {
    fn from(byte: u8) -> Self {
        Self(byte)
    }
}

impl From<Header> for u8 {
    fn from(header: Header) -> Self {
        header.0
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Header({:#04x}: {} {} v{})", self.0, self.route(), self.payload_type(), self.version())
    }
}

/// How a packet travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RouteType {
    /// Flood within a region: carries transport codes.
    TransportFlood,
    /// Every repeater forwards and appends itself to the path.
    Flood,
    /// Along the path given, each hop removing itself.
    Direct,
    /// As [`Direct`](Self::Direct), with transport codes.
    TransportDirect,
}

impl RouteType {
    /// From the low two bits; the others are ignored.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::TransportFlood,
            1 => Self::Flood,
            2 => Self::Direct,
            _ => Self::TransportDirect,
        }
    }

    /// 0 to 3, as in the header.
    pub const fn bits(self) -> u8 {
        match self {
            Self::TransportFlood => 0,
            Self::Flood => 1,
            Self::Direct => 2,
            Self::TransportDirect => 3,
        }
    }

    /// Whether the path grows on the way (otherwise it shrinks).
    pub const fn is_flood(self) -> bool {
        matches!(self, Self::TransportFlood | Self::Flood)
    }

    /// Whether four bytes of transport codes follow the header.
    pub const fn has_transport_codes(self) -> bool {
        matches!(self, Self::TransportFlood | Self::TransportDirect)
    }

    /// The firmware's name: `FLOOD`, `TRANSPORT_DIRECT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TransportFlood => "TRANSPORT_FLOOD",
            Self::Flood => "FLOOD",
            Self::Direct => "DIRECT",
            Self::TransportDirect => "TRANSPORT_DIRECT",
        }
    }
}

impl fmt::Display for RouteType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PayloadType {
    /// Encrypted request to a node.
    Req,
    /// Encrypted answer to a request.
    Response,
    /// Encrypted text to a node.
    TxtMsg,
    /// Acknowledgement.
    Ack,
    /// A node announces itself.
    Advert,
    /// Encrypted text to a channel.
    GrpTxt,
    /// Encrypted data to a channel.
    GrpData,
    /// Encrypted request from a node the receiver need not know.
    AnonReq,
    /// Encrypted route back to a node.
    Path,
    /// A walk along given nodes that collects signal strengths.
    Trace,
    /// One of several packets that belong together.
    Multipart,
    /// Unencrypted control, such as discovery.
    Control,
    /// Types 12 to 14: valid on air, without meaning. Holds the number.
    Reserved(ReservedType),
    /// Opaque bytes of an application.
    RawCustom,
}

impl PayloadType {
    /// From the low four bits; the others are ignored.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0 => Self::Req,
            1 => Self::Response,
            2 => Self::TxtMsg,
            3 => Self::Ack,
            4 => Self::Advert,
            5 => Self::GrpTxt,
            6 => Self::GrpData,
            7 => Self::AnonReq,
            8 => Self::Path,
            9 => Self::Trace,
            10 => Self::Multipart,
            11 => Self::Control,
            15 => Self::RawCustom,
            number => Self::Reserved(ReservedType(number)),
        }
    }

    /// 0 to 15, as in the header.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Req => 0,
            Self::Response => 1,
            Self::TxtMsg => 2,
            Self::Ack => 3,
            Self::Advert => 4,
            Self::GrpTxt => 5,
            Self::GrpData => 6,
            Self::AnonReq => 7,
            Self::Path => 8,
            Self::Trace => 9,
            Self::Multipart => 10,
            Self::Control => 11,
            Self::Reserved(number) => number.0,
            Self::RawCustom => 15,
        }
    }

    /// The firmware's name: `GRP_TXT`; `RESERVED` for 12 to 14.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Req => "REQ",
            Self::Response => "RESPONSE",
            Self::TxtMsg => "TXT_MSG",
            Self::Ack => "ACK",
            Self::Advert => "ADVERT",
            Self::GrpTxt => "GRP_TXT",
            Self::GrpData => "GRP_DATA",
            Self::AnonReq => "ANON_REQ",
            Self::Path => "PATH",
            Self::Trace => "TRACE",
            Self::Multipart => "MULTIPART",
            Self::Control => "CONTROL",
            Self::Reserved(_) => "RESERVED",
            Self::RawCustom => "RAW_CUSTOM",
        }
    }
}

/// The number of a payload type without a meaning: 12, 13 or 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReservedType(u8);

impl ReservedType {
    /// `None` for other numbers.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            12..=14 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for PayloadType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_version_0_is_the_header_of_its_parts() {
        for byte in 0..=0x3f {
            let header = Header::from(byte);
            assert_eq!(Header::new(header.route(), header.payload_type()), header);
            assert_eq!(u8::from(header), byte);
        }
    }

    #[test]
    fn the_bits_are_where_the_firmware_puts_them() {
        let header = Header::from(0x15);
        assert_eq!(header.route(), RouteType::Flood);
        assert_eq!(header.payload_type(), PayloadType::GrpTxt);
        assert_eq!(header.version(), 0);
        assert_eq!(Header::from(0xff).version(), 3);
    }

    #[test]
    fn reserved_types_keep_their_number() {
        let PayloadType::Reserved(number) = PayloadType::from_bits(13) else { panic!() };
        assert_eq!((number.get(), ReservedType::new(13)), (13, Some(number)));
        assert_eq!(PayloadType::Reserved(number).bits(), 13);
        assert_eq!(ReservedType::new(9), None);
    }
}
