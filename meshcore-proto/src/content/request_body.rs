//! What a `REQ` asks for.

use core::fmt;

use crate::content::Request;
use crate::error::EncodeError;
use crate::write::Writer;

/// Bytes of the longest parameters that have a meaning.
const MAX_KNOWN_PARAMS: usize = 10;

/// What a node is asked for (firmware `src/helpers/BaseChatMesh.cpp`,
/// `examples/simple_repeater/MyMesh.cpp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestKind {
    /// Battery, counters, noise: answered with a status.
    GetStatus,
    /// A client of a room server is still there: answered with an `ACK`.
    KeepAlive,
    /// What its sensors measure: answered with telemetry.
    GetTelemetry,
    /// What its sensors measured in a span of time: answered with a series.
    GetAvgMinMax,
    /// Who may do what: answered with an access list, to an admin only.
    GetAccessList,
    /// Which repeaters it hears: answered with a list of neighbours.
    GetNeighbours,
    /// Version, name and owner: answered with a text.
    GetOwnerInfo,
    /// Anything else, such as the requests of an application. Holds the number.
    Other(u8),
}

impl RequestKind {
    /// From the byte after the timestamp.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0x01 => Self::GetStatus,
            0x02 => Self::KeepAlive,
            0x03 => Self::GetTelemetry,
            0x04 => Self::GetAvgMinMax,
            0x05 => Self::GetAccessList,
            0x06 => Self::GetNeighbours,
            0x07 => Self::GetOwnerInfo,
            number => Self::Other(number),
        }
    }

    /// The byte on the wire.
    pub const fn get(self) -> u8 {
        match self {
            Self::GetStatus => 0x01,
            Self::KeepAlive => 0x02,
            Self::GetTelemetry => 0x03,
            Self::GetAvgMinMax => 0x04,
            Self::GetAccessList => 0x05,
            Self::GetNeighbours => 0x06,
            Self::GetOwnerInfo => 0x07,
            Self::Other(number) => number,
        }
    }

    /// The firmware's name: `GET_STATUS`; `OTHER` for numbers without one.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GetStatus => "GET_STATUS",
            Self::KeepAlive => "KEEP_ALIVE",
            Self::GetTelemetry => "GET_TELEMETRY",
            Self::GetAvgMinMax => "GET_AVG_MIN_MAX",
            Self::GetAccessList => "GET_ACCESS_LIST",
            Self::GetNeighbours => "GET_NEIGHBOURS",
            Self::GetOwnerInfo => "GET_OWNER_INFO",
            Self::Other(_) => "OTHER",
        }
    }
}

impl fmt::Display for RequestKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Which telemetry is asked for: one bit per group (firmware
/// `src/helpers/SensorManager.h`). On the wire the bits are inverted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TelemetryPermissions(u8);

impl TelemetryPermissions {
    /// Everything there is.
    pub const ALL: Self = Self(0xff);

    /// From the bits: 1 base, 2 location, 4 environment.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits: 1 base, 2 location, 4 environment; the others are reserved.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the battery is asked for.
    pub const fn base(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Whether the place is asked for.
    pub const fn location(self) -> bool {
        self.0 & 0x02 != 0
    }

    /// Whether sensors are asked for.
    pub const fn environment(self) -> bool {
        self.0 & 0x04 != 0
    }
}

/// In which order neighbours are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NeighbourOrder {
    /// Heard last, listed first.
    NewestFirst,
    /// Heard longest ago, listed first.
    OldestFirst,
    /// Heard best, listed first.
    StrongestFirst,
    /// Heard worst, listed first.
    WeakestFirst,
    /// Not assigned. Holds the number.
    Other(u8),
}

impl NeighbourOrder {
    /// From the byte on the wire.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::NewestFirst,
            1 => Self::OldestFirst,
            2 => Self::StrongestFirst,
            3 => Self::WeakestFirst,
            number => Self::Other(number),
        }
    }

    /// The byte on the wire.
    pub const fn get(self) -> u8 {
        match self {
            Self::NewestFirst => 0,
            Self::OldestFirst => 1,
            Self::StrongestFirst => 2,
            Self::WeakestFirst => 3,
            Self::Other(number) => number,
        }
    }
}

/// What a node is asked for, with what it needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestBody<'a> {
    /// Battery, counters, noise.
    GetStatus,
    /// A client of a room server is still there.
    KeepAlive {
        /// Time of the last post it has, Unix seconds; 0 when not said.
        since: u32,
    },
    /// What the sensors measure.
    GetTelemetry {
        /// Which groups of sensors.
        allowed: TelemetryPermissions,
    },
    /// What the sensors measured in a span of time.
    GetAvgMinMax {
        /// When the span starts, seconds before now.
        start_secs_ago: u32,
        /// When it ends, seconds before now.
        end_secs_ago: u32,
    },
    /// Who may do what.
    GetAccessList,
    /// Which repeaters the node hears.
    GetNeighbours {
        /// Most entries wanted.
        count: u8,
        /// Entries to skip.
        offset: u16,
        /// Which come first.
        order: NeighbourOrder,
        /// Bytes of each key wanted; the answer does not repeat it.
        prefix_len: u8,
    },
    /// Version, name and owner.
    GetOwnerInfo,
    /// A request without known meaning, or in a form that nodes do not answer.
    Other {
        /// The byte after the timestamp.
        request_type: u8,
        /// What follows it.
        params: &'a [u8],
    },
}

impl<'a> RequestBody<'a> {
    /// Reads what follows the timestamp: see [`Request::body`].
    pub(super) fn read(request_type: u8, params: &'a [u8]) -> Self {
        let mut known = [0; MAX_KNOWN_PARAMS];
        known.iter_mut().zip(params).for_each(|(known, byte)| *known = *byte);
        let [a, b, c, d, e, f, g, h, i, j] = known;
        match RequestKind::from_byte(request_type) {
            RequestKind::GetStatus => Self::GetStatus,
            RequestKind::KeepAlive => Self::KeepAlive { since: u32::from_le_bytes([a, b, c, d]) },
            RequestKind::GetTelemetry => Self::GetTelemetry { allowed: TelemetryPermissions::from_bits(!a) },
            RequestKind::GetAvgMinMax if [i, j] == [0, 0] => Self::GetAvgMinMax {
                start_secs_ago: u32::from_le_bytes([a, b, c, d]),
                end_secs_ago: u32::from_le_bytes([e, f, g, h]),
            },
            RequestKind::GetAccessList if [a, b] == [0, 0] => Self::GetAccessList,
            RequestKind::GetNeighbours if a == 0 => Self::GetNeighbours {
                count: b,
                offset: u16::from_le_bytes([c, d]),
                order: NeighbourOrder::from_byte(e),
                prefix_len: f,
            },
            RequestKind::GetOwnerInfo => Self::GetOwnerInfo,
            _ => Self::Other { request_type, params },
        }
    }

    /// What is asked for.
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::GetStatus => RequestKind::GetStatus,
            Self::KeepAlive { .. } => RequestKind::KeepAlive,
            Self::GetTelemetry { .. } => RequestKind::GetTelemetry,
            Self::GetAvgMinMax { .. } => RequestKind::GetAvgMinMax,
            Self::GetAccessList => RequestKind::GetAccessList,
            Self::GetNeighbours { .. } => RequestKind::GetNeighbours,
            Self::GetOwnerInfo => RequestKind::GetOwnerInfo,
            Self::Other { request_type, .. } => RequestKind::from_byte(*request_type),
        }
    }

    /// Writes the plaintext of this request to the start of `out` and returns
    /// its length.
    ///
    /// `timestamp` must be unique to the sender: it comes back as the tag of the
    /// answer. `random` makes the packets of equal requests differ; keep-alive,
    /// series, access list and owner requests, and others, have no place for it.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; [`EncodeError::PlaintextTooLong`] for
    /// more than 162 bytes of parameters.
    pub fn encode_plaintext(
        &self,
        timestamp: u32,
        random: [u8; 4],
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut params = [0; MAX_KNOWN_PARAMS];
        let mut params_out = Writer::new(&mut params, MAX_KNOWN_PARAMS)?;
        match *self {
            Self::GetStatus => {
                params_out.put(&[0; 4])?;
                params_out.put(&random)?;
            }
            Self::KeepAlive { since } => params_out.put(&since.to_le_bytes())?,
            Self::GetTelemetry { allowed } => {
                params_out.put(&[!allowed.bits(), 0, 0, 0])?;
                params_out.put(&random)?;
            }
            Self::GetAvgMinMax { start_secs_ago, end_secs_ago } => {
                params_out.put(&start_secs_ago.to_le_bytes())?;
                params_out.put(&end_secs_ago.to_le_bytes())?;
                params_out.put(&[0; 2])?;
            }
            Self::GetAccessList => params_out.put(&[0; 2])?,
            Self::GetNeighbours { count, offset, order, prefix_len } => {
                params_out.put(&[0, count])?;
                params_out.put(&offset.to_le_bytes())?;
                params_out.put(&[order.get(), prefix_len])?;
                params_out.put(&random)?;
            }
            Self::GetOwnerInfo => {}
            Self::Other { request_type, params } => {
                return Request::new(timestamp, request_type, params)?.encode_into(out);
            }
        }
        let len = params_out.written();
        let params = params.get(..len).unwrap_or_default();
        Request::new(timestamp, self.kind().get(), params)?.encode_into(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::MAX_PEER_PLAINTEXT;
    use hex_literal::hex;
    use std::vec::Vec;

    fn encoded(body: RequestBody<'_>) -> Vec<u8> {
        let mut out = [0; MAX_PEER_PLAINTEXT];
        let len = body.encode_plaintext(1, hex!("dd191696"), &mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn every_request_is_written_as_it_is_read() {
        let requests = [
            (RequestBody::GetStatus, &hex!("01000000 01 00000000 dd191696")[..]),
            (RequestBody::KeepAlive { since: 0x6553_f0ff }, &hex!("01000000 02 fff05365")),
            (
                RequestBody::GetTelemetry { allowed: TelemetryPermissions::from_bits(0xfd) },
                &hex!("01000000 03 02000000 dd191696"),
            ),
            (
                RequestBody::GetAvgMinMax { start_secs_ago: 3600, end_secs_ago: 60 },
                &hex!("01000000 04 100e0000 3c000000 0000"),
            ),
            (RequestBody::GetAccessList, &hex!("01000000 05 0000")),
            (
                RequestBody::GetNeighbours {
                    count: 10,
                    offset: 0x0102,
                    order: NeighbourOrder::StrongestFirst,
                    prefix_len: 6,
                },
                &hex!("01000000 06 00 0a 0201 02 06 dd191696"),
            ),
            (RequestBody::GetOwnerInfo, &hex!("01000000 07")),
            (RequestBody::Other { request_type: 0x80, params: b"custom" }, &hex!("01000000 80 637573746f6d")),
        ];
        for (body, plaintext) in requests {
            assert_eq!(encoded(body), plaintext);
            let request = Request::parse(plaintext).unwrap();
            assert_eq!((request.timestamp(), request.body()), (1, body));
            assert_eq!(RequestKind::from_byte(request.request_type()), body.kind());
        }
    }

    #[test]
    fn missing_parameters_are_zero() {
        let request = Request::parse(&hex!("01000000 02 ff")).unwrap();
        assert_eq!(request.body(), RequestBody::KeepAlive { since: 0xff });
        let request = Request::parse(&hex!("01000000 03")).unwrap();
        assert_eq!(request.body(), RequestBody::GetTelemetry { allowed: TelemetryPermissions::ALL });
        assert_eq!(Request::parse(&hex!("01000000")).unwrap_err().kind(), "Truncated");
    }

    #[test]
    fn a_form_that_nodes_do_not_answer_is_another_request() {
        for plaintext in [hex!("01000000 06 01 0a"), hex!("01000000 05 00 01")] {
            let request = Request::parse(&plaintext).unwrap();
            let other = RequestBody::Other { request_type: plaintext[4], params: &plaintext[5..] };
            assert_eq!(request.body(), other);
            assert_eq!(encoded(other), plaintext);
        }
    }

    #[test]
    fn telemetry_is_asked_for_by_groups() {
        let allowed = TelemetryPermissions::from_bits(0x05);
        assert_eq!((allowed.base(), allowed.location(), allowed.environment()), (true, false, true));
    }
}
