//! How many bytes the view may take, so that the process stays within what its operator allows.
//!
//! The view knows its own bytes exactly. What else the process needs (its program, connections, what the allocator keeps
//! back) is the difference between those and the memory that the system says it occupies; where the system says
//! nothing, a part of the allowance is left for it.

use std::time::{Duration, Instant};

/// The rest of the process is measured no more often: memory that was given back takes a moment to leave.
const MEASURE_EVERY: Duration = Duration::from_secs(60);
/// However much else the process needs, this part of the allowance (a half) is the most that is kept free for it.
const MOST_FOR_OTHERS: usize = 2;
/// Without a measurement, this part (an eighth) is kept free.
const USUAL_FOR_OTHERS: usize = 8;

/// What the operator allows.
#[derive(Debug)]
pub struct Budget {
    /// Bytes for the whole process; `None`: as much as it likes.
    allowed: Option<usize>,
    others: usize,
    measured_at: Option<Instant>,
}

impl Budget {
    /// `allowed` bytes for the whole process; `None`: no limit.
    pub const fn new(allowed: Option<usize>) -> Self {
        Self { allowed, others: 0, measured_at: None }
    }

    /// Has the rest of the process measured when it is asked next: something large has just been done.
    pub const fn measure_again(&mut self) {
        self.measured_at = None;
    }

    /// Bytes that the view may take, when it takes `bytes` now; `None`: no limit.
    pub fn limit(&mut self, bytes: usize) -> Option<usize> {
        let allowed = self.allowed?;
        if self.measured_at.is_none_or(|at| at.elapsed() >= MEASURE_EVERY) {
            let others = resident_bytes().map(|resident| resident.saturating_sub(bytes));
            self.others = others.unwrap_or(allowed / USUAL_FOR_OTHERS).min(allowed / MOST_FOR_OTHERS);
            self.measured_at = Some(Instant::now());
        }
        Some(allowed - self.others)
    }
}

/// Memory that this process occupies, where the system says so.
pub fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_the_process_gets_what_it_needs_and_no_more_than_half() {
        assert_eq!(Budget::new(None).limit(7), None);
        let mut tight = Budget::new(Some(1_000));
        assert_eq!(tight.limit(0), Some(if resident_bytes().is_some() { 500 } else { 875 }));
        let Some(resident) = resident_bytes() else { return };
        let mut wide = Budget::new(Some(resident * 100));
        let limit = wide.limit(0).unwrap();
        assert!(limit < resident * 100 && limit > resident * 95, "{limit} with {resident} resident");
        assert_eq!(wide.limit(resident), Some(limit), "not measured again at once");
    }
}
