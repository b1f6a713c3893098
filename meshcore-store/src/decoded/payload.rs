//! One JSON object per payload type.

use meshcore_proto::payload::{Ack, AnonReq, Control, Multipart, PeerDatagram, Trace};
use meshcore_proto::{KeyRing, Packet, Path, Payload, PayloadError, PayloadType};
use serde::Serialize;

use super::advert::DecodedAdvert;
use super::group::{ChannelMessage, GroupMessage};
use super::{Signatures, payload_type_name};

/// The payload, tagged with `type`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type")]
#[expect(
    missing_docs,
    reason = "the variants are the payload types, the fields are documented in their structs"
)]
pub enum DecodedPayload {
    #[serde(rename = "REQ")]
    Req(PeerFields),
    #[serde(rename = "RESPONSE")]
    Response(PeerFields),
    #[serde(rename = "TXT_MSG")]
    TxtMsg(PeerFields),
    #[serde(rename = "ACK")]
    Ack(AckFields),
    #[serde(rename = "ADVERT")]
    Advert(Box<DecodedAdvert>),
    /// A channel text that one of our keys opened.
    #[serde(rename = "CHAN")]
    Channel(ChannelMessage),
    #[serde(rename = "GRP_TXT")]
    GroupText(GroupMessage),
    #[serde(rename = "GRP_DATA")]
    GroupData(GroupMessage),
    #[serde(rename = "ANON_REQ")]
    AnonReq(AnonFields),
    #[serde(rename = "PATH")]
    Path(PathFields),
    #[serde(rename = "TRACE")]
    Trace(TraceFields),
    #[serde(rename = "MULTIPART")]
    Multipart(MultipartFields),
    #[serde(rename = "CONTROL")]
    Control(ControlFields),
    #[serde(rename = "RAW_CUSTOM")]
    RawCustom(RawCustomFields),
    /// A reserved type: kept, not understood.
    #[serde(rename = "UNKNOWN")]
    Unknown { raw: String },
    /// A payload too short or broken for its type.
    #[serde(untagged)]
    Broken {
        #[serde(rename = "type")]
        payload_type: &'static str,
        error: &'static str,
        raw: String,
    },
}

/// REQ, RESPONSE and TXT_MSG: encrypted between two nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PeerFields {
    /// First byte of the receiver's key.
    pub dest_hash: String,
    /// First byte of the sender's key.
    pub src_hash: String,
    /// Two bytes of message authentication code.
    pub mac: String,
    /// The ciphertext.
    pub encrypted_data: String,
}

/// PATH: as the others, but the ciphertext has another name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "as PeerFields")]
pub struct PathFields {
    pub dest_hash: String,
    pub src_hash: String,
    pub mac: String,
    /// The ciphertext.
    pub path_data: String,
}

/// ANON_REQ: encrypted to a node by somebody it may not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "as PeerFields")]
pub struct AnonFields {
    pub dest_hash: String,
    /// The sender's real key, in spite of the name that readers know it by.
    pub ephemeral_pub_key: String,
    pub mac: String,
    pub encrypted_data: String,
}

/// ACK, on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AckFields {
    /// The checksum as a number in 8 hex digits: byte-reversed against the wire.
    pub extra_hash: String,
    /// 4 to 6; longer ones say 6.
    pub ack_len: usize,
    /// Everything after the checksum.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_extra: Option<String>,
    /// Extended attempt counter, from 6 bytes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_attempt: Option<u8>,
    /// Random byte, from 6 bytes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ack_rand: Option<u8>,
}

/// TRACE.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TraceFields {
    /// Identity of this trace.
    pub tag: u32,
    /// 0 in practice.
    pub auth_code: u32,
    /// Low two bits: log2 of the bytes per route entry.
    pub trace_flags: u8,
    /// The route and any surplus.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path_data: String,
    /// dB at which each completed hop heard the trace.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub snr_values: Vec<f64>,
}

/// MULTIPART.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MultipartFields {
    /// Packets of the sequence still to come.
    pub remaining: u8,
    /// Payload type of the inner payload.
    pub inner_type: u8,
    /// Its name.
    pub inner_type_name: &'static str,
    /// The fields of an inner ACK.
    #[serde(flatten)]
    pub ack: Option<InnerAck>,
    /// Any other inner payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_payload: Option<String>,
}

/// The fields of an ACK inside a MULTIPART; see [`AckFields`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as AckFields")]
pub struct InnerAck {
    #[serde(rename = "innerAckCrc")]
    pub crc: String,
    #[serde(rename = "innerAckLen")]
    pub len: usize,
    #[serde(rename = "innerAckExtra", skip_serializing_if = "Option::is_none")]
    pub extra: Option<String>,
    #[serde(rename = "innerAckAttempt", skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u8>,
    #[serde(rename = "innerAckRand", skip_serializing_if = "Option::is_none")]
    pub rand: Option<u8>,
}

/// CONTROL: discovery requests and answers, and what is not known yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ControlFields {
    /// The whole payload.
    pub raw: String,
    /// First byte.
    #[serde(rename = "ctrlFlags")]
    pub flags: String,
    /// Top bit: never forwarded.
    #[serde(rename = "ctrlZeroHop")]
    pub zero_hop: bool,
    /// Bytes of the payload.
    #[serde(rename = "ctrlLength")]
    pub length: usize,
    /// `DISCOVER_REQ`, `DISCOVER_RESP` or `UNKNOWN`.
    #[serde(rename = "ctrlSubtype")]
    pub subtype: &'static str,
    /// Bit per node type that should answer.
    #[serde(rename = "ctrlFilter", skip_serializing_if = "Option::is_none")]
    pub filter: Option<u8>,
    /// Ties answers to a request.
    #[serde(rename = "ctrlTag", skip_serializing_if = "Option::is_none")]
    pub tag: Option<u32>,
    /// Only nodes changed since, Unix seconds.
    #[serde(rename = "ctrlSince", skip_serializing_if = "Option::is_none")]
    pub since: Option<u32>,
    /// Node type of the one who answers.
    #[serde(rename = "ctrlNodeType", skip_serializing_if = "Option::is_none")]
    pub node_type: Option<u8>,
    /// Quarter dB at which the request was heard.
    #[serde(rename = "ctrlSNR", skip_serializing_if = "Option::is_none")]
    pub snr_q4: Option<i8>,
    /// Key of the one who answers, 8 or 32 bytes.
    #[serde(rename = "ctrlPubKey", skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Set when the payload ends too early; the fields that fit are there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'static str>,
}

/// RAW_CUSTOM: whatever an application made of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RawCustomFields {
    /// Bytes.
    pub raw_length: usize,
    /// The bytes.
    pub raw: String,
    /// The first byte, upper case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_byte_tag: Option<String>,
}

impl DecodedPayload {
    pub(crate) fn of(packet: &Packet<'_>, keys: &KeyRing, signatures: Signatures) -> Self {
        let payload = match packet.payload() {
            Ok(payload) => payload,
            Err(error) => return Self::broken(packet, error),
        };
        match payload {
            Payload::Req(datagram) => Self::Req(datagram.into()),
            Payload::Response(datagram) => Self::Response(datagram.into()),
            Payload::TxtMsg(datagram) => Self::TxtMsg(datagram.into()),
            Payload::Path(datagram) => Self::Path(datagram.into()),
            Payload::Ack(ack) => Self::Ack(ack.into()),
            Payload::Advert(advert) => Self::Advert(Box::new(DecodedAdvert::of(&advert, signatures))),
            Payload::GrpTxt(datagram) => GroupMessage::text(&datagram, keys),
            Payload::GrpData(datagram) => Self::GroupData(GroupMessage::data(&datagram, keys)),
            Payload::AnonReq(request) => Self::AnonReq(request.into()),
            Payload::Trace(trace) => Self::Trace(TraceFields::of(packet, &trace)),
            Payload::Multipart(multipart) => Self::Multipart(multipart.into()),
            Payload::Control(control) => Self::Control(ControlFields::of(packet.payload_bytes(), &control)),
            Payload::RawCustom(bytes) => Self::RawCustom(RawCustomFields {
                raw_length: bytes.len(),
                raw: hex::encode(bytes),
                first_byte_tag: bytes.first().map(|byte| format!("{byte:02X}")),
            }),
            _ => Self::Unknown { raw: hex::encode(packet.payload_bytes()) },
        }
    }

    fn broken(packet: &Packet<'_>, error: PayloadError) -> Self {
        let bytes = packet.payload_bytes();
        let payload_type = packet.header().payload_type();
        if let (PayloadType::Control, Some(&first)) = (payload_type, bytes.first()) {
            return Self::Control(ControlFields::short(first, bytes));
        }
        let error = match (error, payload_type) {
            (PayloadError::InvalidTracePath { .. }, _) => "invalid trace path",
            (_, PayloadType::Advert) => "too short for advert",
            _ => "too short",
        };
        Self::Broken { payload_type: payload_type_name(payload_type), error, raw: hex::encode(bytes) }
    }
}

impl From<PeerDatagram<'_>> for PeerFields {
    fn from(datagram: PeerDatagram<'_>) -> Self {
        Self {
            dest_hash: hex::encode([datagram.dest_hash()]),
            src_hash: hex::encode([datagram.src_hash()]),
            mac: hex::encode(datagram.mac()),
            encrypted_data: hex::encode(datagram.ciphertext()),
        }
    }
}

impl From<PeerDatagram<'_>> for PathFields {
    fn from(datagram: PeerDatagram<'_>) -> Self {
        let PeerFields { dest_hash, src_hash, mac, encrypted_data } = datagram.into();
        Self { dest_hash, src_hash, mac, path_data: encrypted_data }
    }
}

impl From<AnonReq<'_>> for AnonFields {
    fn from(request: AnonReq<'_>) -> Self {
        Self {
            dest_hash: hex::encode([request.dest_hash()]),
            ephemeral_pub_key: request.sender_public_key().to_string(),
            mac: hex::encode(request.mac()),
            encrypted_data: hex::encode(request.ciphertext()),
        }
    }
}

impl From<Ack<'_>> for AckFields {
    fn from(ack: Ack<'_>) -> Self {
        let extra = ack.extra();
        // In a 5-byte ACK the fifth byte counts posts, so only 6 bytes carry attempt and random.
        let (attempt, rand) = match extra {
            [attempt, rand, ..] => (Some(*attempt), Some(*rand)),
            _ => (None, None),
        };
        Self {
            extra_hash: format!("{:08x}", ack.checksum()),
            ack_len: (4 + extra.len()).min(6),
            ack_extra: (!extra.is_empty()).then(|| hex::encode(extra)),
            ack_attempt: attempt,
            ack_rand: rand,
        }
    }
}

impl From<AckFields> for InnerAck {
    fn from(ack: AckFields) -> Self {
        let AckFields {
            extra_hash: crc,
            ack_len: len,
            ack_extra: extra,
            ack_attempt: attempt,
            ack_rand: rand,
        } = ack;
        Self { crc, len, extra, attempt, rand }
    }
}

impl TraceFields {
    fn of(packet: &Packet<'_>, trace: &Trace<'_>) -> Self {
        let snr_values = match packet.path() {
            Path::Snrs(snrs) => snrs.iter().map(|snr| f64::from(snr.db())).collect(),
            _ => Vec::new(),
        };
        Self {
            tag: trace.tag(),
            auth_code: trace.auth_code(),
            trace_flags: trace.flags(),
            path_data: hex::encode(packet.payload_bytes().get(9..).unwrap_or_default()),
            snr_values,
        }
    }
}

impl From<Multipart<'_>> for MultipartFields {
    fn from(multipart: Multipart<'_>) -> Self {
        let inner_type = multipart.inner_type();
        let ack = multipart.ack().map(|ack| AckFields::from(ack).into());
        Self {
            remaining: multipart.remaining(),
            inner_type: inner_type.bits(),
            inner_type_name: payload_type_name(inner_type),
            inner_payload: ack.is_none().then(|| hex::encode(multipart.inner_bytes())),
            ack,
        }
    }
}

impl ControlFields {
    fn of(bytes: &[u8], control: &Control<'_>) -> Self {
        let common = Self::common(bytes.first().copied().unwrap_or_default(), bytes);
        match control {
            Control::DiscoverReq(request) => Self {
                subtype: "DISCOVER_REQ",
                filter: Some(request.type_filter()),
                tag: Some(request.tag()),
                since: request.since(),
                ..common
            },
            Control::DiscoverResp(response) => Self {
                subtype: "DISCOVER_RESP",
                node_type: Some(response.node_type().bits()),
                snr_q4: Some(response.snr().get()),
                tag: Some(response.tag()),
                public_key: Some(hex::encode(response.key_bytes())),
                ..common
            },
            _ => common,
        }
    }

    /// The fields that fit into a discovery too short to be one.
    fn short(first: u8, bytes: &[u8]) -> Self {
        let second = bytes.get(1).copied();
        let common = Self { error: Some("too short"), ..Self::common(first, bytes) };
        if first >> 4 == 0x8 {
            Self { subtype: "DISCOVER_REQ", filter: second, ..common }
        } else {
            let tag = bytes.get(2..6).and_then(|tag| tag.try_into().ok()).map(u32::from_le_bytes);
            let snr_q4 = second.map(u8::cast_signed);
            Self { subtype: "DISCOVER_RESP", node_type: Some(first & 0x0f), snr_q4, tag, ..common }
        }
    }

    fn common(first: u8, bytes: &[u8]) -> Self {
        Self {
            raw: hex::encode(bytes),
            flags: hex::encode([first]),
            zero_hop: first & 0x80 != 0,
            length: bytes.len(),
            subtype: "UNKNOWN",
            ..Self::default()
        }
    }
}
