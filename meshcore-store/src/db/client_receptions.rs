//! Mobile receptions: what clients heard where, in the coverage feature.

use meshcore_proto::PublicKey;
use rusqlite::Connection;

use crate::UnixMillis;

/// A node that a moving client heard.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientReception {
    /// Server time of arrival.
    pub received_at: UnixMillis,
    /// The client.
    pub client: PublicKey,
    /// Its name, when the message says one.
    pub client_name: Option<String>,
    /// Who was heard.
    pub heard: Heard,
    /// dBm.
    pub rssi: Option<i64>,
    /// dB.
    pub snr: Option<f64>,
    /// Where the client was: degrees north and east.
    pub position: (f64, f64),
    /// How exact that is, metres.
    pub accuracy_m: Option<f64>,
    /// When, by the client's clock where that can be trusted.
    pub heard_at: UnixMillis,
}

/// How a node was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// By its advert.
    Advert(PublicKey),
    /// By the last hop of a flood: 2 or 3 bytes of its key.
    LastHop(Vec<u8>),
}

impl ClientReception {
    /// Stores it, unless this client reported the same at the same second.
    pub(super) fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        let (key, source) = match &self.heard {
            Heard::Advert(key) => (key.as_bytes().as_slice(), "advert"),
            Heard::LastHop(hop) => (hop.as_slice(), "rxlog"),
        };
        let client = self.client.to_string();
        connection
            .prepare_cached(
                "INSERT INTO client_receptions (rx_pubkey, heard_key, heard_keylen, rssi, snr, lat, lon, pos_acc_m,
                                                rx_at, ingested_at, src)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                 ON CONFLICT (rx_pubkey, heard_key, rx_at) DO NOTHING",
            )?
            .execute((
                &client,
                hex::encode(key),
                u8::try_from(key.len()).unwrap_or(u8::MAX), // 2, 3 or 32
                self.rssi,
                self.snr,
                self.position.0,
                self.position.1,
                self.accuracy_m,
                self.heard_at.to_rfc3339_seconds(),
                self.received_at.to_rfc3339_seconds(),
                source,
            ))?;
        connection
            .prepare_cached(
                "INSERT INTO client_observers (pubkey, name, last_seen) VALUES (?1, ?2, ?3)
                 ON CONFLICT (pubkey) DO UPDATE
                    SET name = COALESCE(excluded.name, name), last_seen = MAX(COALESCE(last_seen, ''), excluded.last_seen)",
            )?
            .execute((client, &self.client_name, self.received_at.to_rfc3339_seconds()))?;
        Ok(())
    }
}
