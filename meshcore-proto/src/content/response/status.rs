//! The answer to `GET_STATUS`: battery, counters, noise.

use super::BODY_OFFSET;
use crate::error::{ContentError, EncodeError};
use crate::field::Field;
use crate::parse::{Reader, i16_le, u16_le, u32_le};
use crate::write::Writer;

/// Bytes that every firmware sends.
const MIN_STATUS: usize = 40;

/// What all nodes say of themselves, as their counters stand since the start.
///
/// ```text
/// [battery 2] [queue 2] [noise 2] [rssi 2] [received 4] [sent 4] [air time 4] [up time 4]
/// [sent flood 4] [sent direct 4] [received flood 4] [received direct 4]
/// [errors 2]? [snr 2]? [direct duplicates 2]? [flood duplicates 2]?
/// ```
///
/// Older firmware stops before a field: it is `None` then, and so are those
/// after it. Padding can make it 0 instead (firmware `examples/simple_repeater/MyMesh.h`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Battery voltage in millivolts.
    pub batt_mv: u16,
    /// Packets waiting to be sent.
    pub tx_queue: u16,
    /// Noise floor in dBm.
    pub noise_floor: i16,
    /// Signal strength of the last packet received, in dBm.
    pub last_rssi: i16,
    /// Packets received.
    pub packets_recv: u32,
    /// Packets sent.
    pub packets_sent: u32,
    /// Time spent sending, in seconds.
    pub tx_airtime_secs: u32,
    /// Time since the start, in seconds.
    pub uptime_secs: u32,
    /// Flood packets sent.
    pub sent_flood: u32,
    /// Direct packets sent.
    pub sent_direct: u32,
    /// Flood packets received.
    pub recv_flood: u32,
    /// Direct packets received.
    pub recv_direct: u32,
    /// Error events, one bit each.
    pub err_events: Option<u16>,
    /// Signal-to-noise ratio of the last packet received, in quarter decibels.
    pub last_snr_q4: Option<i16>,
    /// Direct packets received more than once.
    pub direct_dups: Option<u16>,
    /// Flood packets received more than once.
    pub flood_dups: Option<u16>,
}

impl Status {
    /// Reads the body of a response from a node of any role.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 40 bytes.
    pub fn parse(body: &[u8]) -> Result<Self, ContentError> {
        Self::read(&mut Reader::behind(BODY_OFFSET, body))
    }

    fn read(fields: &mut Reader<'_>) -> Result<Self, ContentError> {
        let body = Field::Body;
        let (batt_mv, tx_queue, noise_floor, last_rssi) =
            fields.read((u16_le(body), u16_le(body), i16_le(body), i16_le(body)))?;
        let mut counter = || fields.read(u32_le(body));
        Ok(Self {
            batt_mv,
            tx_queue,
            noise_floor,
            last_rssi,
            packets_recv: counter()?,
            packets_sent: counter()?,
            tx_airtime_secs: counter()?,
            uptime_secs: counter()?,
            sent_flood: counter()?,
            sent_direct: counter()?,
            recv_flood: counter()?,
            recv_direct: counter()?,
            err_events: fields.read(u16_le(body)).ok(),
            last_snr_q4: fields.read(i16_le(body)).ok(),
            direct_dups: fields.read(u16_le(body)).ok(),
            flood_dups: fields.read(u16_le(body)).ok(),
        })
    }

    /// The fields that may be absent, up to the first that is.
    fn tail(&self) -> impl Iterator<Item = u16> + use<> {
        let snr = self.last_snr_q4.map(i16::cast_unsigned);
        [self.err_events, snr, self.direct_dups, self.flood_dups].into_iter().map_while(|field| field)
    }

    /// Whether no field is absent, so that others can follow.
    fn is_whole(&self) -> bool {
        self.tail().count() == 4
    }

    fn encoded_len(&self) -> usize {
        MIN_STATUS + 2 * self.tail().count()
    }

    fn put_into(&self, body: &mut Writer<'_>) -> Result<(), EncodeError> {
        body.put(&self.batt_mv.to_le_bytes())?;
        body.put(&self.tx_queue.to_le_bytes())?;
        body.put(&self.noise_floor.to_le_bytes())?;
        body.put(&self.last_rssi.to_le_bytes())?;
        let counters = [
            self.packets_recv,
            self.packets_sent,
            self.tx_airtime_secs,
            self.uptime_secs,
            self.sent_flood,
            self.sent_direct,
            self.recv_flood,
            self.recv_direct,
        ];
        for counter in counters {
            body.put(&counter.to_le_bytes())?;
        }
        self.tail().try_for_each(|field| body.put(&field.to_le_bytes()))
    }
}

/// What a repeater says of itself.
///
/// ```text
/// [status 40..=48] [receiving 4]? [receive errors 4]?
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RepeaterStatus {
    /// What all nodes say.
    pub status: Status,
    /// Time spent receiving, in seconds.
    pub rx_airtime_secs: Option<u32>,
    /// Packets that could not be received.
    pub recv_errors: Option<u32>,
}

impl RepeaterStatus {
    /// Reads the body of a response from a repeater.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 40 bytes.
    pub fn parse(body: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::behind(BODY_OFFSET, body);
        Ok(Self {
            status: Status::read(&mut fields)?,
            rx_airtime_secs: fields.read(u32_le(Field::Body)).ok(),
            recv_errors: fields.read(u32_le(Field::Body)).ok(),
        })
    }

    /// Writes the body to the start of `out`, up to the first absent field, and
    /// returns its length, 40 to 56.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let tail = [self.rx_airtime_secs, self.recv_errors];
        let tail = tail.into_iter().map_while(|field| field.filter(|_| self.status.is_whole()));
        let mut body = Writer::new(out, self.status.encoded_len() + 4 * tail.clone().count())?;
        self.status.put_into(&mut body)?;
        for field in tail {
            body.put(&field.to_le_bytes())?;
        }
        Ok(body.written())
    }
}

/// What a room server says of itself.
///
/// ```text
/// [status 40..=48] [posts 2]? [pushes 2]?
/// ```
///
/// Firmware `examples/simple_room_server/MyMesh.cpp`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RoomStatus {
    /// What all nodes say.
    pub status: Status,
    /// Posts taken.
    pub posted: Option<u16>,
    /// Posts handed out.
    pub post_push: Option<u16>,
}

impl RoomStatus {
    /// Reads the body of a response from a room server.
    ///
    /// # Errors
    /// [`ContentError::Truncated`] below 40 bytes.
    pub fn parse(body: &[u8]) -> Result<Self, ContentError> {
        let mut fields = Reader::behind(BODY_OFFSET, body);
        Ok(Self {
            status: Status::read(&mut fields)?,
            posted: fields.read(u16_le(Field::Body)).ok(),
            post_push: fields.read(u16_le(Field::Body)).ok(),
        })
    }

    /// Writes the body to the start of `out`, up to the first absent field, and
    /// returns its length, 40 to 52.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let tail = [self.posted, self.post_push];
        let tail = tail.into_iter().map_while(|field| field.filter(|_| self.status.is_whole()));
        let mut body = Writer::new(out, self.status.encoded_len() + 2 * tail.clone().count())?;
        self.status.put_into(&mut body)?;
        for field in tail {
            body.put(&field.to_le_bytes())?;
        }
        Ok(body.written())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    const BODY: [u8; 56] = hex!(
        "ac0f 0100 92ff a9ff 39300000 a6020000 5a000000 80510100
         2c010000 7a010000 28230000 110d0000 0000 2200 0c00 5401 09030000 05000000"
    );

    #[test]
    fn a_repeater_counts_its_packets() {
        let repeater = RepeaterStatus::parse(&BODY).unwrap();
        let status = repeater.status;
        assert_eq!((status.batt_mv, status.noise_floor, status.last_rssi), (4012, -110, -87));
        assert_eq!((status.uptime_secs, status.recv_direct), (86_400, 3345));
        assert_eq!((status.last_snr_q4, status.flood_dups), (Some(34), Some(340)));
        assert_eq!((repeater.rx_airtime_secs, repeater.recv_errors), (Some(777), Some(5)));
        assert_eq!(Status::parse(&BODY), Ok(status));
    }

    #[test]
    fn a_room_counts_its_posts() {
        let room = RoomStatus::parse(&BODY).unwrap();
        assert_eq!((room.posted, room.post_push), (Some(777), Some(0)));
    }

    #[test]
    fn every_prefix_reads_and_writes_whole_fields_only() {
        for len in 40..=56 {
            let body = &BODY[..len];
            let mut out = [0; 56];
            let whole = if len < 48 { len / 2 * 2 } else { len / 4 * 4 };
            let written = RepeaterStatus::parse(body).unwrap().encode_into(&mut out).unwrap();
            assert_eq!(out[..written], body[..whole]);
            let whole = (len / 2 * 2).min(52);
            let written = RoomStatus::parse(body).unwrap().encode_into(&mut out).unwrap();
            assert_eq!(out[..written], body[..whole]);
        }
        let err = Status::parse(&BODY[..39]).unwrap_err();
        assert_eq!(err, ContentError::Truncated { field: Field::Body, offset: 40, need: 4, have: 3 });
    }

    #[test]
    fn nothing_is_written_behind_an_absent_field() {
        let room = RoomStatus { posted: Some(1), ..RoomStatus::default() };
        assert_eq!(room.encode_into(&mut [0; 40]), Ok(40));
    }
}
