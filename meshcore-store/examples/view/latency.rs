//! How long something takes, many times over.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Nobody waits longer for one line of the table.
const PATIENCE: Duration = Duration::from_secs(4);

/// Percentiles in microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Latency {
    /// What was done.
    pub(crate) name: String,
    /// What p99 must not exceed, when something was promised.
    pub(crate) goal: Option<f64>,
    pub(crate) rounds: usize,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Latency {
    /// Calls `ask` with 0, 1, 2 … up to `rounds` times, or until patience ends.
    pub(crate) fn measure(name: &str, goal: Option<f64>, rounds: usize, mut ask: impl FnMut(usize)) -> Self {
        let begun = Instant::now();
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let asked = Instant::now();
            ask(round);
            times.push(asked.elapsed());
            if begun.elapsed() > PATIENCE {
                break;
            }
        }
        Self::of(name, goal, times)
    }

    /// Of times taken elsewhere; not none.
    pub(crate) fn of(name: &str, goal: Option<f64>, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let rank =
            |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1].as_secs_f64() * 1e6;
        Self {
            name: name.to_owned(),
            goal,
            rounds: times.len(),
            p50: rank(50),
            p99: rank(99),
            max: rank(100),
        }
    }

    /// A line of the table.
    pub(crate) fn row(&self) -> String {
        let Self { name, rounds, .. } = self;
        let goal = self.goal.map_or_else(String::new, |goal| {
            format!("{} {}", duration(goal), if self.p99 <= goal { "✓" } else { "✗" })
        });
        format!(
            "| {name} | {} | {} | {} | {goal} | {rounds} |",
            duration(self.p50),
            duration(self.p99),
            duration(self.max)
        )
    }
}

/// Microseconds with three figures and a fitting unit.
pub(crate) fn duration(micros: f64) -> String {
    match micros {
        _ if micros < 10.0 => format!("{micros:.2} µs"),
        _ if micros < 1_000.0 => format!("{micros:.0} µs"),
        _ if micros < 10_000.0 => format!("{:.2} ms", micros / 1e3),
        _ if micros < 1_000_000.0 => format!("{:.0} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}
