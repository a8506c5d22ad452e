//! Shows how far a run is.

use std::{io::IsTerminal, time::Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::config::Schedule;

/// A progress bar on stderr: only on a terminal, and only for runs of more than 2 s.
pub(crate) struct Progress(Option<(ProgressBar, Instant)>);

impl Progress {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        let intervals = schedule
            .intervals()
            .filter(|intervals| schedule.interval.as_secs_f64() * *intervals as f64 > 2.0);
        let shown = intervals.filter(|_| std::io::stderr().is_terminal());
        Self(shown.map(|intervals| {
            let bar = ProgressBar::hidden();
            bar.set_length(intervals);
            if let Ok(style) =
                ProgressStyle::with_template("watching {wide_bar} {pos}/{len} samples, {eta} left")
            {
                bar.set_style(style);
            }
            (bar, Instant::now())
        }))
    }

    pub(crate) fn step(&self, is_shown: bool) {
        let Some((bar, began)) = &self.0 else { return };
        if is_shown {
            bar.inc(1);
        }
        if began.elapsed().as_secs_f64() > 2.0 && bar.is_hidden() {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
    }

    pub(crate) fn end(&self) {
        if let Some((bar, _)) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
