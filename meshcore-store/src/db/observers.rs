//! Observers: stations that publish what their radio hears.

use std::collections::HashMap;

use meshcore_proto::PublicKey;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::{ObserverId, Reception, UnixMillis};

/// An observer as the end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ObserverEnd {
    /// `observers.rowid`.
    pub(super) row: i64,
    /// `None`: its id is no key, so it is nobody's neighbor.
    pub(super) key: Option<PublicKey>,
}

/// The observers a writer has met, and what the open transaction has still to write about them.
///
/// A busy observer sends many messages per transaction, but its row is written once, by [`flush`](Self::flush). Holds
/// for one transaction after the other as long as each is committed: forget it when one is rolled back.
#[derive(Debug, Default)]
pub(super) struct Observers {
    /// Places in `met`, by the id as it was sent.
    by_id: HashMap<ObserverId, usize>,
    met: Vec<Met>,
}

/// An observer, and the news of it.
#[derive(Debug)]
struct Met {
    end: ObserverEnd,
    /// What was last written, so that only a change is.
    name: Option<String>,
    region: Option<String>,
    news: Option<News>,
}

/// Not yet written.
#[derive(Clone, Copy, Debug)]
struct News {
    first_at: UnixMillis,
    last_at: UnixMillis,
    packet_at: Option<UnixMillis>,
    packets: i64,
    is_renamed: bool,
}

/// Observers remembered: more than any mesh has.
const REMEMBERED: usize = 4_096;

/// Hours in which clock events are counted together.
const SKEW_WINDOW_MILLIS: i64 = 24 * 3_600_000;

/// A moment at which an observer's clock was found to run in another time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSkew {
    /// Seconds the clock is ahead (positive) or behind UTC (negative).
    pub seconds: i64,
}

/// Why an observer is being noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A packet of its will be stored.
    WithPacket,
    /// It said something, but nothing of it is stored.
    Only,
}

/// Whether a status message tells about the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Sent now by a living observer.
    Live,
    /// Kept by the broker, or a farewell: true about the device, not about the present.
    Past,
}

/// What a status message says. Absent fields keep what is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ObserverStatus {
    /// The observer.
    pub id: ObserverId,
    /// Server time of arrival.
    pub received_at: UnixMillis,
    /// Whether it says anything about the present.
    pub presence: Presence,
    /// Name.
    pub name: Option<String>,
    /// Region, upper case.
    pub region: Option<String>,
    /// Hardware.
    pub model: Option<String>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// Version of the publishing program.
    pub client_version: Option<String>,
    /// `MHz,kHz,sf,cr`.
    pub radio: Option<String>,
    /// Whether it also repeats packets.
    pub can_relay: Option<bool>,
    /// Readings and counters.
    pub readings: Radio,
}

/// Readings of a status message; counters run since the device started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Radio {
    /// Millivolt.
    pub battery_mv: Option<i64>,
    /// Seconds since the device started.
    pub uptime_s: Option<i64>,
    /// dBm.
    pub noise_floor: Option<f64>,
    /// Seconds of sending.
    pub tx_air_s: Option<i64>,
    /// Seconds of receiving.
    pub rx_air_s: Option<i64>,
    /// Frames received broken.
    pub recv_errors: Option<i64>,
    /// Packets sent.
    pub packets_sent: Option<i64>,
    /// Packets received.
    pub packets_recv: Option<i64>,
}

/// An observer as listed.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "columns of the table, explained at ObserverStatus")]
pub struct ObserverRow {
    pub id: String,
    pub name: Option<String>,
    pub iata: Option<String>,
    pub first_seen: Option<UnixMillis>,
    pub last_seen: Option<UnixMillis>,
    pub last_packet_at: Option<UnixMillis>,
    pub packet_count: i64,
    pub packets_last_hour: i64,
    pub model: Option<String>,
    pub firmware: Option<String>,
    pub client_version: Option<String>,
    pub radio: Option<String>,
    pub battery_mv: Option<i64>,
    pub uptime_s: Option<i64>,
    pub noise_floor: Option<f64>,
    /// `None`: it never said.
    pub can_relay: Option<bool>,
    pub clock_skew_s: Option<i64>,
    pub clock_skew_count_24h: i64,
    pub clock_last_naive_at: Option<UnixMillis>,
    /// Position and role of the node with the same key.
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub node_role: Option<String>,
}

impl Observers {
    /// Notes that an observer was heard from, makes its row when it is new, and says which one it is.
    pub(super) fn seen(
        &mut self,
        connection: &Connection,
        reception: &Reception,
        why: Seen,
    ) -> rusqlite::Result<ObserverEnd> {
        let place = self.meet(connection, &reception.observer)?;
        let Some(met) = self.met.get_mut(place) else { return Err(rusqlite::Error::QueryReturnedNoRows) };
        let at = reception.received_at;
        let news = met.news.get_or_insert(News {
            first_at: at,
            last_at: at,
            packet_at: None,
            packets: 0,
            is_renamed: false,
        });
        news.first_at = news.first_at.min(at);
        news.last_at = news.last_at.max(at);
        if why == Seen::WithPacket {
            news.packet_at = news.packet_at.max(Some(at));
            news.packets += 1;
        }
        for (known, said) in [(&mut met.name, &reception.observer_name), (&mut met.region, &reception.region)]
        {
            if said.is_some() && known != said {
                known.clone_from(said);
                news.is_renamed = true;
            }
        }
        Ok(met.end)
    }

    /// Writes what is new. `now` is the newest arrival so far: no stored "last seen" may lie beyond it.
    pub(super) fn flush(&mut self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        for met in &mut self.met {
            met.write_news(connection, now)?;
        }
        if self.by_id.len() > REMEMBERED {
            (self.by_id, self.met) = <_>::default(); // somebody makes names up
        }
        Ok(())
    }

    /// Stores what a status message says.
    pub(super) fn store_status(
        &mut self,
        connection: &Connection,
        status: &ObserverStatus,
        now: UnixMillis,
        sample_interval_s: i64,
    ) -> rusqlite::Result<()> {
        let place = self.meet(connection, &status.id)?;
        let Some(met) = self.met.get_mut(place) else { return Err(rusqlite::Error::QueryReturnedNoRows) };
        met.write_news(connection, now)?; // what was said earlier is written earlier
        (met.name, met.region) = (None, None); // the next packet may say something else
        update_from_status(connection, met.end.row, status, now)?;
        if status.presence == Presence::Live {
            store_sample(connection, status, sample_interval_s)?;
        }
        Ok(())
    }

    /// The place of an observer; a bare row is made when there is none in whatever case.
    fn meet(&mut self, connection: &Connection, id: &ObserverId) -> rusqlite::Result<usize> {
        if let Some(place) = self.by_id.get(id) {
            return Ok(*place);
        }
        let row = row_id(connection, id)?;
        let place = self.met.iter().position(|met| met.end.row == row).unwrap_or_else(|| {
            let end = ObserverEnd { row, key: id.as_str().parse().ok() };
            self.met.push(Met { end, name: None, region: None, news: None });
            self.met.len() - 1
        });
        self.by_id.insert(id.clone(), place);
        Ok(place)
    }
}

impl Met {
    fn write_news(&mut self, connection: &Connection, now: UnixMillis) -> rusqlite::Result<()> {
        let Some(news) = self.news.take() else { return Ok(()) };
        connection
            .prepare_cached(
                "UPDATE observers
                    SET name = COALESCE(:name, name), iata = COALESCE(:iata, iata),
                        first_seen = COALESCE(first_seen, :first_at),
                        last_seen = MAX(MIN(COALESCE(last_seen, ''), :now), :last_at),
                        last_packet_at = CASE WHEN :packet_at IS NULL THEN last_packet_at
                            ELSE MAX(MIN(COALESCE(last_packet_at, ''), :now), :packet_at) END,
                        packet_count = COALESCE(packet_count, 0) + :packets,
                        inactive = 0
                  WHERE rowid = :row",
            )?
            .execute(named_params! {
                ":row": self.end.row,
                ":name": self.name.as_ref().filter(|_| news.is_renamed),
                ":iata": self.region.as_ref().filter(|_| news.is_renamed),
                ":first_at": news.first_at.to_rfc3339_seconds(),
                ":last_at": news.last_at.to_rfc3339_seconds(),
                ":packet_at": news.packet_at.map(UnixMillis::to_rfc3339_seconds),
                ":now": now.to_rfc3339_seconds(),
                ":packets": news.packets,
            })?;
        Ok(())
    }
}

fn update_from_status(
    connection: &Connection,
    row: i64,
    status: &ObserverStatus,
    now: UnixMillis,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE observers
                SET name = COALESCE(:name, name), iata = COALESCE(:iata, iata), model = COALESCE(:model, model),
                    firmware = COALESCE(:firmware, firmware),
                    client_version = COALESCE(:client_version, client_version), radio = COALESCE(:radio, radio),
                    battery_mv = COALESCE(:battery_mv, battery_mv), uptime_secs = COALESCE(:uptime_s, uptime_secs),
                    noise_floor = COALESCE(:noise_floor, noise_floor), can_relay = COALESCE(:can_relay, can_relay),
                    can_relay_seen = CASE WHEN :can_relay IS NULL THEN can_relay_seen ELSE 1 END,
                    first_seen = CASE WHEN :live THEN COALESCE(first_seen, :at) ELSE first_seen END,
                    last_seen = CASE WHEN :live THEN MAX(MIN(COALESCE(last_seen, ''), :now), :at)
                                     ELSE last_seen END,
                    inactive = CASE WHEN :live THEN 0 ELSE inactive END
              WHERE rowid = :row",
        )?
        .execute(named_params! {
            ":row": row,
            ":name": status.name,
            ":iata": status.region,
            ":model": status.model,
            ":firmware": status.firmware,
            ":client_version": status.client_version,
            ":radio": status.radio,
            ":battery_mv": status.readings.battery_mv,
            ":uptime_s": status.readings.uptime_s,
            ":noise_floor": status.readings.noise_floor,
            ":can_relay": status.can_relay,
            ":live": status.presence == Presence::Live,
            ":at": status.received_at.to_rfc3339_seconds(),
            ":now": now.to_rfc3339_seconds(),
        })?;
    Ok(())
}

/// One row per observer and sampling interval, the last status wins; none when there is nothing to tell.
fn store_sample(connection: &Connection, status: &ObserverStatus, interval_s: i64) -> rusqlite::Result<()> {
    let r = &status.readings;
    let counters = [r.tx_air_s, r.rx_air_s, r.recv_errors, r.battery_mv, r.packets_sent, r.packets_recv];
    if r.noise_floor.is_none() && counters.iter().all(Option::is_none) {
        return Ok(());
    }
    let interval_s = interval_s.max(1);
    let rounded = (status.received_at.seconds() + interval_s / 2).div_euclid(interval_s) * interval_s;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO observer_metrics (observer_id, timestamp, noise_floor, tx_air_secs, rx_air_secs,
                                                      recv_errors, battery_mv, packets_sent, packets_recv)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            status.id.as_str(),
            UnixMillis::from_seconds(rounded).to_rfc3339_seconds(),
            r.noise_floor,
            r.tx_air_s,
            r.rx_air_s,
            r.recv_errors,
            r.battery_mv,
            r.packets_sent,
            r.packets_recv,
        ))?;
    Ok(())
}

/// Notes that the observer's clock runs in another zone; events less than a day apart are counted together.
pub(super) fn record_skew(
    connection: &Connection,
    observer: i64,
    skew: ClockSkew,
    at: UnixMillis,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE observers
                SET clock_skew_seconds = :skew,
                    clock_skew_count_24h = CASE WHEN clock_last_naive_at >= :day_ago THEN clock_skew_count_24h + 1
                                                ELSE 1 END,
                    clock_last_naive_at = :at
              WHERE rowid = :row",
        )?
        .execute(named_params! {
            ":row": observer,
            ":skew": skew.seconds,
            ":at": at.to_rfc3339_seconds(),
            ":day_ago": at.plus_millis(-SKEW_WINDOW_MILLIS).to_rfc3339_seconds(),
        })?;
    Ok(())
}

/// The row of this observer in whatever case it was stored; a bare one is made when there is none.
fn row_id(connection: &Connection, id: &ObserverId) -> rusqlite::Result<i64> {
    let stored: Option<i64> = connection
        .prepare_cached(
            "SELECT rowid FROM observers WHERE id = ?1 OR lower(id) = ?2 ORDER BY id <> ?1, rowid",
        )?
        .query_row((id.as_str(), id.key()), |row| row.get(0))
        .optional()?;
    if let Some(row) = stored {
        return Ok(row);
    }
    connection
        .prepare_cached("INSERT INTO observers (id, name) VALUES (?1, ?2)")?
        .execute((id.as_str(), id.first_name()))?;
    Ok(connection.last_insert_rowid())
}

/// All active observers, the one heard last first.
pub(super) fn list(connection: &Connection, now: UnixMillis) -> rusqlite::Result<Vec<ObserverRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT b.id, b.name, b.iata, b.first_seen, b.last_seen, b.last_packet_at, b.packet_count, b.model,
                b.firmware, b.client_version, b.radio, b.battery_mv, b.uptime_secs, b.noise_floor,
                b.can_relay, b.can_relay_seen, b.clock_skew_seconds, b.clock_skew_count_24h, b.clock_last_naive_at,
                n.lat, n.lon, n.role AS node_role,
                (SELECT COUNT(*) FROM observations o
                  WHERE o.observer_idx = b.rowid AND o.timestamp >= :hour_ago) AS packets_last_hour
           FROM observers b
           LEFT JOIN nodes n ON n.public_key = lower(b.id) AND NOT hides_node(n.public_key, n.name)
          WHERE COALESCE(b.inactive, 0) = 0 AND NOT hides_observer(b.id)
          ORDER BY b.last_seen DESC, b.id",
    )?;
    let hour_ago = now.plus_millis(-3_600_000).seconds();
    let rows = statement.query_map(named_params! { ":hour_ago": hour_ago }, |row| read(row, now))?;
    rows.collect()
}

fn read(row: &Row<'_>, now: UnixMillis) -> rusqlite::Result<ObserverRow> {
    let clock_last_naive_at = time(row, "clock_last_naive_at")?;
    let clock_is_naive = clock_last_naive_at.is_some_and(|at| at > now.plus_millis(-SKEW_WINDOW_MILLIS));
    Ok(ObserverRow {
        id: ObserverId::display_of(&row.get::<_, String>("id")?),
        name: row.get("name")?,
        iata: row.get("iata")?,
        first_seen: time(row, "first_seen")?,
        last_seen: time(row, "last_seen")?,
        last_packet_at: time(row, "last_packet_at")?,
        packet_count: row.get::<_, Option<i64>>("packet_count")?.unwrap_or(0),
        packets_last_hour: row.get("packets_last_hour")?,
        model: row.get("model")?,
        firmware: row.get("firmware")?,
        client_version: row.get("client_version")?,
        radio: row.get("radio")?,
        battery_mv: row.get("battery_mv")?,
        uptime_s: row.get("uptime_secs")?,
        noise_floor: row.get("noise_floor")?,
        can_relay: if row.get::<_, Option<bool>>("can_relay_seen")?.unwrap_or(false) {
            row.get("can_relay")?
        } else {
            None
        },
        clock_skew_s: if clock_is_naive { row.get("clock_skew_seconds")? } else { None },
        clock_skew_count_24h: if clock_is_naive { row.get("clock_skew_count_24h")? } else { 0 },
        clock_last_naive_at: clock_last_naive_at.filter(|_| clock_is_naive),
        lat: row.get("lat")?,
        lon: row.get("lon")?,
        node_role: row.get("node_role")?,
    })
}

/// A text time column; what cannot be read counts as unknown.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<UnixMillis>> {
    Ok(row.get::<_, Option<String>>(column)?.and_then(|text| text.parse().ok()))
}
