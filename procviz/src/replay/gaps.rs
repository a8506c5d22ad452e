//! Finds the periods that the recordings do not cover, and warns about them.

use super::{
    LONG_NS, Player,
    archive::{RecordingFile, spans},
    moment::Span,
};
use crate::{
    export::time,
    model::{Host, Sample},
    recording::Gap,
    runtime::warning::{Warning, warn},
};

/// Upper limit for the difference of the wall clock from sample to sample, ns.
const SLACK_NS: u64 = 1_000_000;

impl Player {
    /// Periods without samples, wall clock in ns since 1970. They are known after
    /// [`Player::browse`].
    pub(crate) fn gaps(&self) -> Vec<Span> {
        let gaps = self.archive.iter().flat_map(RecordingFile::gap_spans);
        let spans = spans(&self.archive);
        let between = spans.windows(2).map(|pair| (pair[0].1, pair[1].0));
        let long = between.filter(|(end, begin)| begin - end > i128::from(LONG_NS));
        gaps.chain(long).collect()
    }

    /// The gap at the end of the last file.
    pub(crate) fn gap_at_the_end(&self) -> Option<&Gap> {
        let gap = self.reader.integrity().gaps.last();
        gap.filter(|gap| gap.span_ns.0 > self.before_ns)
    }

    /// The number of lost exit records in a gap of this boot. The period is in ns
    /// since boot.
    pub(crate) fn unknown_deaths(&self, (begin, end): (u64, u64)) -> u64 {
        let own = self.reader.integrity().gaps.iter();
        let boot = &self.facts().boot_id;
        let all_recorded = self.archive.iter().enumerate();
        let others =
            all_recorded.filter(|(index, it)| *index != self.current && it.facts.boot_id == *boot);
        let gaps = own.chain(others.flat_map(|(_, recorded)| recorded.gaps()));
        let within = gaps.filter(|gap| begin < gap.span_ns.1 && gap.span_ns.0 <= end);
        within.map(|gap| gap.deaths).sum()
    }

    /// Warns if the wanted moment lies in a gap; `next` is the first sample after it.
    pub(super) fn warn_of_gap(&self, next: &Sample, next_wall_ns: i128) {
        // The wall clock can have been adjusted in between.
        let interval_ns = next.stamp.interval_ns.saturating_add(SLACK_NS);
        let began = next_wall_ns - i128::from(interval_ns);
        if self.progress.has_begun() && self.range.end.is_some_and(|end| end < began) {
            let of = |boot_wall_ns, boot_ns| {
                let host = Host {
                    boot_wall_ns,
                    ..self.facts().machine()
                };
                time::local(&host, boot_ns)
            };
            warn(Warning::NothingRecordedThen {
                shown: of(self.boot_wall_ns, self.before_ns),
                next: of(self.read_boot_wall_ns, next.stamp.boot_ns),
            });
        }
    }
}
