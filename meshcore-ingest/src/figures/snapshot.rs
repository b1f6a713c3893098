//! The figures at one moment: the content of the stats file.

use std::collections::BTreeMap;

use meshcore_store::UnixMillis;
use meshcore_store::db::LockReport;
use meshcore_store::db::migrate::FromPubkeyBackfill;
use serde::{Deserialize, Serialize};

use super::health::Health;
use crate::accounting::SourceReport;
use crate::broker::BrokerReport;
use crate::sources::status::StatusReport;

/// All figures, named as in the stats file. Counts are since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// RFC 3339.
    #[serde(rename = "sampledAt")]
    pub sampled_at: String,
    /// New transmissions.
    pub tx_inserted: u64,
    /// Observations stored or merged.
    pub obs_inserted: u64,
    /// Messages about a known transmission.
    pub tx_dupes: u64,
    /// Adverts applied to nodes.
    pub node_upserts: u64,
    /// Status messages applied to observers.
    pub observer_upserts: u64,
    /// Messages the database refused.
    pub write_errors: u64,
    /// Adverts with a wrong signature.
    pub sig_drops: u64,
    /// Transactions.
    #[serde(rename = "walCommits")]
    pub wal_commits: u64,
    /// Transactions of messages.
    #[serde(rename = "groupCommitFlushes")]
    pub group_commit_flushes: u64,
    /// Rows filled in by upgrades, by what was filled.
    #[serde(rename = "backfillUpdates")]
    pub backfill_updates: BTreeMap<String, u64>,
    /// Absent where the system does not tell.
    #[serde(rename = "procIO", skip_serializing_if = "Option::is_none")]
    pub proc_io: Option<ProcIo>,
    /// Who used the writer, and how long.
    pub writer_perf: BTreeMap<String, LockFigures>,
    /// By source.
    pub source_liveness: BTreeMap<String, Liveness>,
    /// Each source: connection, and where its messages went.
    pub source_statuses: Vec<SourceFigures>,
    /// Unix seconds; 0 before the first look.
    #[serde(rename = "watchdogLastTickUnix", skip_serializing_if = "is_zero")]
    pub watchdog_last_tick_unix: i64,
    /// Looks that ended with a panic.
    #[serde(rename = "watchdogPanicCount", skip_serializing_if = "is_zero")]
    pub watchdog_panic_count: u64,
    /// Messages whose frame could not be decoded, by reason.
    pub decode_errors: BTreeMap<String, u64>,
    /// Other messages that were not kept, by reason.
    pub dropped_messages: BTreeMap<String, u64>,
    /// What is odd about messages that were kept all the same.
    pub notices: BTreeMap<String, u64>,
    /// What waits.
    pub buffer: Buffer,
    /// What the broker inside the program did; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broker: Option<BrokerFigures>,
    /// How far the filling of `from_pubkey` is.
    pub from_pubkey_backfill: FromPubkey,
    /// Whether all is well.
    pub health: Health,
    /// Messages that had arrived and were not stored when the run before this one was killed.
    #[serde(rename = "lostBefore")]
    pub lost_before: u64,
    /// The last one of a run that ended in order.
    pub stopped: bool,
}

/// Rates of the process, per second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named as in /proc/self/io")]
pub struct ProcIo {
    pub read_bytes_per_sec: f64,
    pub write_bytes_per_sec: f64,
    pub cancelled_write_bytes_per_sec: f64,
    pub syscalls_read: f64,
    pub syscalls_write: f64,
    pub sampled_at: String,
}

/// Uses of the writer by one component; milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "percentiles are named like this everywhere")]
pub struct LockFigures {
    pub count: u64,
    pub contention_total: u64,
    pub wait_ms_p50: f64,
    pub wait_ms_p95: f64,
    pub wait_ms_p99: f64,
    pub wait_ms_max: f64,
    pub hold_ms_p50: f64,
    pub hold_ms_p95: f64,
    pub hold_ms_p99: f64,
    pub hold_ms_max: f64,
}

/// When a source spoke last: Unix seconds, 0 = never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Liveness {
    /// A message arrived.
    pub last_receipt_unix: i64,
    /// One of its messages was committed.
    pub last_message_unix: i64,
}

/// One source. `packetsTotal` = `stored` + `duplicate` + all of `rejected` + all of `dropped` + `inFlight`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SourceFigures {
    /// Label.
    pub name: String,
    /// URL without credentials; empty for what is no broker.
    pub broker: String,
    /// Whether it is connected.
    pub connected: bool,
    /// Unix seconds; 0 = never.
    pub last_connect_unix: i64,
    /// Unix seconds; 0 = never.
    pub last_disconnect_unix: i64,
    /// Unix seconds of the last arrival; 0 = never.
    pub last_packet_unix: i64,
    /// Times it was connected.
    pub connect_count: u64,
    /// Times the connection ended.
    pub disconnect_count: u64,
    /// Messages that arrived, also those not kept.
    pub packets_total: u64,
    /// Of these, in the last five minutes.
    #[serde(rename = "packetsLast5m")]
    pub packets_last_5m: u64,
    /// Why it is not connected; empty while it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub last_error: String,
    /// Made or changed a row.
    pub stored: u64,
    /// Already stored.
    pub duplicate: u64,
    /// Wrong, by reason.
    pub rejected: BTreeMap<String, u64>,
    /// Good but not kept, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// On their way.
    pub in_flight: u64,
    /// Connections at which the broker had kept the session, with what was published meanwhile.
    pub sessions_resumed: u64,
    /// Connections at which the broker had not kept the session it was asked to keep.
    pub sessions_lost: u64,
    /// It is not configured any more.
    pub removed: bool,
}

/// What waits in front of the decoder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Buffer {
    /// Messages.
    pub pending: usize,
    /// Most of them.
    pub capacity: usize,
    /// Messages that did not fit.
    pub dropped: u64,
    /// Bytes they take.
    pub pending_bytes: usize,
    /// Most of them.
    pub capacity_bytes: usize,
    /// For how long the oldest has waited.
    pub oldest_ms: i64,
}

/// What the broker inside the program did since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BrokerFigures {
    /// Connections now.
    pub connections: u64,
    /// Good logins.
    pub logins: u64,
    /// Messages handed on.
    pub published: u64,
    /// Messages among them that had to wait.
    pub held_back: u64,
    /// Clients that came back while their old connection was still there.
    pub takeovers: u64,
    /// Last wills handed on.
    pub wills: u64,
    /// What was turned away, by reason.
    pub refused: BTreeMap<String, u64>,
}

/// How far the filling of `from_pubkey` is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "named as the source")]
pub struct FromPubkey {
    pub total: u64,
    pub processed: u64,
    pub done: bool,
}

impl From<BrokerReport> for BrokerFigures {
    fn from(report: BrokerReport) -> Self {
        Self {
            connections: report.connections,
            logins: report.accepted,
            published: report.published,
            held_back: report.held_back,
            takeovers: report.takeovers,
            wills: report.wills,
            refused: report.refused.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect(),
        }
    }
}

impl From<LockReport> for LockFigures {
    fn from(lock: LockReport) -> Self {
        Self {
            count: lock.count,
            contention_total: lock.contended,
            wait_ms_p50: lock.wait.p50,
            wait_ms_p95: lock.wait.p95,
            wait_ms_p99: lock.wait.p99,
            wait_ms_max: lock.wait.max,
            hold_ms_p50: lock.hold.p50,
            hold_ms_p95: lock.hold.p95,
            hold_ms_p99: lock.hold.p99,
            hold_ms_max: lock.hold.max,
        }
    }
}

impl From<&SourceReport> for Liveness {
    fn from(report: &SourceReport) -> Self {
        Self { last_receipt_unix: report.last_receipt_s, last_message_unix: report.last_message_s }
    }
}

impl SourceFigures {
    /// What is counted, and how the connection is, if there is one.
    pub fn of(report: SourceReport, connection: Option<StatusReport>) -> Self {
        let counts = Self::from(report);
        let Some(status) = connection else { return counts };
        let seconds = |time: Option<UnixMillis>| time.map_or(0, UnixMillis::seconds);
        Self {
            broker: status.broker,
            connected: status.connected,
            last_connect_unix: seconds(status.last_connect),
            last_disconnect_unix: seconds(status.last_disconnect),
            connect_count: status.connect_count,
            disconnect_count: status.disconnect_count,
            last_error: status.last_error.unwrap_or_default(),
            sessions_resumed: status.sessions_resumed,
            sessions_lost: status.sessions_lost,
            removed: status.removed,
            ..counts
        }
    }
}

impl From<SourceReport> for SourceFigures {
    fn from(report: SourceReport) -> Self {
        let owned = |counts: Vec<(&'static str, u64)>| {
            counts.into_iter().map(|(reason, count)| (reason.to_owned(), count)).collect()
        };
        Self {
            in_flight: report.in_flight(),
            name: report.name,
            last_packet_unix: report.last_receipt_s,
            packets_total: report.received,
            packets_last_5m: report.received_lately,
            stored: report.stored,
            duplicate: report.duplicate,
            rejected: owned(report.rejected),
            dropped: owned(report.dropped),
            ..Self::default()
        }
    }
}

impl From<FromPubkeyBackfill> for FromPubkey {
    fn from(backfill: FromPubkeyBackfill) -> Self {
        let FromPubkeyBackfill { total, processed, done } = backfill;
        Self { total, processed, done }
    }
}

fn is_zero<N: Default + PartialEq>(number: &N) -> bool {
    *number == N::default()
}
