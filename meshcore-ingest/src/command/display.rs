//! Progress for people: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use meshcore_store::db::Progress;

/// Least time between two lines about one step.
const BETWEEN_LINES: Duration = Duration::from_secs(1);

const BAR: &str = "{msg:8} {wide_bar} {percent:>3} % {eta}";

/// Where lines and progress are shown.
pub struct Display {
    out: Box<dyn Write>,
    bar: Option<ProgressBar>,
    /// The step of the last line, and when that was.
    said: Option<(&'static str, Instant)>,
}

impl Display {
    /// Writes to standard output.
    pub fn standard() -> Self {
        Self::new(io::stdout(), io::stdout().is_terminal())
    }

    /// Writes to `out`, which is a terminal or not.
    pub fn new(out: impl Write + 'static, is_terminal: bool) -> Self {
        let bar = is_terminal.then(|| {
            let style = ProgressStyle::with_template(BAR).expect("the template is a good one");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout()).with_style(style)
        });
        Self { out: Box::new(out), bar, said: None }
    }

    /// Shows how far the work is.
    pub fn progress(&mut self, progress: Progress) {
        let Progress { step, done, total } = progress;
        if let Some(bar) = &self.bar {
            bar.set_message(step);
            bar.set_length(total);
            bar.set_position(done);
        } else if self.is_due(step, Instant::now()) {
            // Whoever closed the output wants the work all the same.
            drop(writeln!(self.out, "{step}: {done} of {total}"));
        }
    }

    /// Shows a result.
    ///
    /// # Errors
    /// When the output takes nothing.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        writeln!(self.out, "{text}")
    }

    /// At a new step, and then once per second.
    fn is_due(&mut self, step: &'static str, now: Instant) -> bool {
        let is_due = self.said.is_none_or(|(last, at)| last != step || now - at >= BETWEEN_LINES);
        if is_due {
            self.said = Some((step, now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_step_and_per_second_is_enough() {
        let mut display = Display::new(Vec::new(), false);
        let begin = Instant::now();
        let at = |millis| begin + Duration::from_millis(millis);
        assert!(display.is_due("copy", at(0)));
        assert!(!display.is_due("copy", at(999)));
        assert!(display.is_due("copy", at(1_000)));
        assert!(display.is_due("verify", at(1_001)));
        assert!(!display.is_due("verify", at(1_002)));
    }
}
