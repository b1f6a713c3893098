//! What a node says of itself in an advert.

use crate::error::{AppDataError, EncodeError};
use crate::field::Field;
use crate::node_type::NodeType;
use crate::parse::{Reader, byte, i32_pair_le, u16_le, until_nul};
use crate::write::Writer;

/// Most bytes of advert data that nodes read and sign (firmware `src/MeshCore.h`, `MAX_ADVERT_DATA_SIZE`).
pub const MAX_APP_DATA: usize = 32;

const HAS_POSITION: u8 = 0x10;
const HAS_FEAT1: u8 = 0x20;
const HAS_FEAT2: u8 = 0x40;
const HAS_NAME: u8 = 0x80;

/// Latitude and longitude in millionths of a degree, as on air.
///
/// Not range-checked: nodes send what they were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LatLonE6 {
    /// Degrees north times 1 000 000.
    pub lat: i32,
    /// Degrees east times 1 000 000.
    pub lon: i32,
}

impl LatLonE6 {
    /// From degrees, truncated towards zero as the firmware does.
    #[expect(clippy::cast_possible_truncation, reason = "degrees times 10^6 fit, anything else saturates")]
    pub fn from_degrees(lat: f64, lon: f64) -> Self {
        Self { lat: (lat * 1e6) as i32, lon: (lon * 1e6) as i32 }
    }

    /// Degrees north.
    pub fn latitude(self) -> f64 {
        f64::from(self.lat) / 1e6
    }

    /// Degrees east.
    pub fn longitude(self) -> f64 {
        f64::from(self.lon) / 1e6
    }

    /// Whether this is a place on Earth.
    pub const fn is_on_earth(self) -> bool {
        self.lat.unsigned_abs() <= 90_000_000 && self.lon.unsigned_abs() <= 180_000_000
    }
}

/// The advert data: role, position, features, name.
///
/// ```text
/// [flags 1] [lat 4, lon 4]? [feature 1 2]? [feature 2 2]? [name 0..]?
/// ```
///
/// Firmware `src/helpers/AdvertDataHelpers.cpp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppData<'a> {
    /// The flags byte as received. Writing ignores it: the other fields say it all.
    pub flags: u8,
    /// What the node is for.
    pub node_type: NodeType,
    /// Where it says it is.
    pub position: Option<LatLonE6>,
    /// First feature word; reserved.
    pub feat1: Option<u16>,
    /// Second feature word; reserved.
    pub feat2: Option<u16>,
    /// Its name up to the first NUL, UTF-8 expected but not enforced. `None`
    /// without the name flag; empty is possible.
    pub name: Option<&'a [u8]>,
}

impl<'a> AppData<'a> {
    /// A node of which only the role is known.
    pub const fn new(node_type: NodeType) -> Self {
        Self { flags: node_type.bits(), node_type, position: None, feat1: None, feat2: None, name: None }
    }

    /// Reads advert data. Bytes after a name are part of it, bytes after
    /// anything else are ignored.
    ///
    /// # Errors
    /// [`AppDataError::Missing`] without a byte; [`AppDataError::Truncated`] when
    /// the flags promise more than there is, and then nothing is usable.
    pub fn parse(app_data: &'a [u8]) -> Result<Self, AppDataError> {
        if app_data.is_empty() {
            return Err(AppDataError::Missing);
        }
        let mut fields = Reader::new(app_data);
        let flags = fields.read(byte(Field::Flags))?;
        let mut parsed = Self { flags, ..Self::new(NodeType::from_bits(flags)) };
        if flags & HAS_POSITION != 0 {
            let (lat, lon) = fields.read(i32_pair_le(Field::Position))?;
            parsed.position = Some(LatLonE6 { lat, lon });
        }
        if flags & HAS_FEAT1 != 0 {
            parsed.feat1 = Some(fields.read(u16_le(Field::Feature1))?);
        }
        if flags & HAS_FEAT2 != 0 {
            parsed.feat2 = Some(fields.read(u16_le(Field::Feature2))?);
        }
        if flags & HAS_NAME != 0 {
            parsed.name = Some(until_nul(fields.rest()));
        }
        Ok(parsed)
    }

    /// Where the name starts in the bytes that were read.
    pub(crate) fn name_offset(&self) -> usize {
        1 + self.position.map_or(0, |_| 8) + self.feat1.map_or(0, |_| 2) + self.feat2.map_or(0, |_| 2)
    }

    /// The name as text; `None` without a name or when it is not UTF-8.
    pub fn name_str(&self) -> Option<&'a str> {
        self.name.and_then(|name| core::str::from_utf8(name).ok())
    }

    /// Writes advert data to the start of `out` and returns its length, 1 to 32.
    ///
    /// As the firmware writes it: features that are 0 are left out; the name is
    /// cut at the last whole UTF-8 character that fits, and left out when
    /// nothing of it does.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; 32 bytes are always enough.
    pub fn encode_into(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let feat1 = self.feat1.filter(|&word| word != 0);
        let feat2 = self.feat2.filter(|&word| word != 0);
        let before_name = Self { feat1, feat2, ..*self }.name_offset();
        let name = utf8_prefix(until_nul(self.name.unwrap_or_default()), MAX_APP_DATA - before_name);

        let flag = |is_set, bit| if is_set { bit } else { 0 };
        let flags = self.node_type.bits()
            | flag(self.position.is_some(), HAS_POSITION)
            | flag(feat1.is_some(), HAS_FEAT1)
            | flag(feat2.is_some(), HAS_FEAT2)
            | flag(!name.is_empty(), HAS_NAME);

        let mut data = Writer::new(out, before_name + name.len())?;
        data.put(&[flags])?;
        if let Some(LatLonE6 { lat, lon }) = self.position {
            data.put(&lat.to_le_bytes())?;
            data.put(&lon.to_le_bytes())?;
        }
        for word in [feat1, feat2].into_iter().flatten() {
            data.put(&word.to_le_bytes())?;
        }
        data.put(name)?;
        Ok(data.written())
    }
}

/// The longest valid UTF-8 that starts `bytes` and fits `max`
/// (firmware `src/helpers/UTF8Helpers.h`).
fn utf8_prefix(bytes: &[u8], max: usize) -> &[u8] {
    let head = bytes.get(..max).unwrap_or(bytes);
    match core::str::from_utf8(head) {
        Ok(_) => head,
        Err(err) => head.get(..err.valid_up_to()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex_literal::hex;

    fn encode(app_data: &AppData<'_>, out: &mut [u8; 32]) -> usize {
        app_data.encode_into(out).unwrap()
    }

    #[test]
    fn all_fields_come_in_the_order_of_their_flags() {
        let data = hex!("f2 60e31600 a0252600 0100 0200 6e6f6465");
        let parsed = AppData::parse(&data).unwrap();
        assert_eq!(parsed.node_type, NodeType::Repeater);
        assert_eq!(parsed.position, Some(LatLonE6 { lat: 1_500_000, lon: 2_500_000 }));
        assert_eq!((parsed.feat1, parsed.feat2), (Some(1), Some(2)));
        assert_eq!(parsed.name_str(), Some("node"));
        let mut out = [0; 32];
        let len = encode(&parsed, &mut out);
        assert_eq!(out[..len], data);
    }

    #[test]
    fn a_promise_not_kept_spoils_all() {
        let err = AppData::parse(&hex!("92 60e31600 a02526")).unwrap_err();
        assert_eq!(err, AppDataError::Truncated { field: Field::Position, offset: 1, need: 8, have: 7 });
        assert_eq!(AppData::parse(&[]), Err(AppDataError::Missing));
    }

    #[test]
    fn a_nul_ends_the_name() {
        assert_eq!(AppData::parse(&hex!("81 6100 62")).unwrap().name, Some(&b"a"[..]));
        assert_eq!(AppData::parse(&hex!("81")).unwrap().name, Some(&b""[..]));
        assert_eq!(AppData::parse(&hex!("01 6162")).unwrap().name, None);
        assert_eq!(AppData::parse(&hex!("81 ff")).unwrap().name_str(), None);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let name = "zzzzzzzzzzzzzzzzzzzzzzé";
        let position = Some(LatLonE6 { lat: 0, lon: 0 });
        let app_data = AppData { position, name: Some(name.as_bytes()), ..AppData::new(NodeType::Sensor) };
        let mut out = [0; 32];
        let len = encode(&app_data, &mut out);
        assert_eq!(AppData::parse(&out[..len]).unwrap().name_str(), Some("zzzzzzzzzzzzzzzzzzzzzz"));
    }

    #[test]
    fn a_zero_feature_is_not_written() {
        let app_data = AppData { feat1: Some(0), feat2: Some(513), ..AppData::new(NodeType::None) };
        let mut out = [0; 32];
        assert_eq!(encode(&app_data, &mut out), 3);
        assert_eq!(out[..3], hex!("40 0102"));
    }

    #[test]
    fn degrees_are_truncated_towards_zero() {
        let position = LatLonE6::from_degrees(-1.9e-6, 179.999_999_9);
        assert_eq!(position, LatLonE6 { lat: -1, lon: 179_999_999 });
        assert!(position.is_on_earth());
        assert!(!LatLonE6 { lat: 90_000_001, lon: 0 }.is_on_earth());
        assert!(!LatLonE6 { lat: i32::MIN, lon: 0 }.is_on_earth());
    }
}
