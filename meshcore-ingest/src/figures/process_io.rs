//! What the process reads and writes, as Linux counts it.

use std::fs;

use meshcore_store::UnixMillis;

use super::snapshot::ProcIo;

/// The counts of the last look.
#[derive(Debug, Default)]
pub(super) struct ProcessIo {
    last: Option<(UnixMillis, Counts)>,
}

/// Fields of `/proc/self/io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    read_bytes: u64,
    write_bytes: u64,
    cancelled_write_bytes: u64,
    syscr: u64,
    syscw: u64,
}

impl ProcessIo {
    /// Rates since the last look; 0 at the first. `None` where the system does not tell.
    pub(super) fn sample(&mut self, now: UnixMillis) -> Option<ProcIo> {
        let counts = Counts::parse(&fs::read_to_string("/proc/self/io").ok()?)?;
        let (at, before) = self.last.replace((now, counts)).unwrap_or((now, counts));
        Some(rates(before, counts, now.get() - at.get(), now))
    }
}

impl Counts {
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line?.trim().parse().ok()
        };
        Some(Self {
            read_bytes: field("read_bytes")?,
            write_bytes: field("write_bytes")?,
            cancelled_write_bytes: field("cancelled_write_bytes")?,
            syscr: field("syscr")?,
            syscw: field("syscw")?,
        })
    }
}

fn rates(before: Counts, after: Counts, millis: i64, now: UnixMillis) -> ProcIo {
    #[expect(clippy::cast_precision_loss, reason = "a rate is no exact number")]
    let rate = |before: u64, after: u64| {
        if millis > 0 { after.saturating_sub(before) as f64 * 1000.0 / millis as f64 } else { 0.0 }
    };
    ProcIo {
        read_bytes_per_sec: rate(before.read_bytes, after.read_bytes),
        write_bytes_per_sec: rate(before.write_bytes, after.write_bytes),
        cancelled_write_bytes_per_sec: rate(before.cancelled_write_bytes, after.cancelled_write_bytes),
        syscalls_read: rate(before.syscr, after.syscr),
        syscalls_write: rate(before.syscw, after.syscw),
        sampled_at: now.to_rfc3339_millis(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "rchar: 9\nwchar: 9\nsyscr: 30\nsyscw: 40\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 0\n";

    #[test]
    fn rates_are_per_second_between_two_looks() {
        let before = Counts::parse(TEXT).unwrap();
        let after = Counts { read_bytes: 4096 + 1000, syscw: 42, ..before };
        let rates = rates(before, after, 500, UnixMillis::new(0));
        assert_eq!((rates.read_bytes_per_sec, rates.syscalls_write, rates.syscalls_read), (2000.0, 4.0, 0.0));
    }

    #[test]
    fn what_cannot_be_read_is_absent() {
        assert_eq!(Counts::parse("rchar: 9"), None);
        assert_eq!(Counts::parse(&TEXT.replace("30", "many")), None);
    }
}
