//! Seeks: finds the place in the files from which reading leads to a moment.

use super::{
    Player,
    archive::{RecordingFile, failed, load_maps, spans},
    moment::Span,
    progress::Progress,
    range::Range,
    tree::Tree,
};
use crate::{
    runtime::Failure,
    tracker::{Keyframe, Tracker},
    trails::Past,
};

/// Blocks of samples that are read before a moment: charts look back a little.
const LEAD: usize = 4;

/// Where to begin reading.
struct Target {
    /// Index of the file.
    index: usize,
    /// Offset of a keyframe; `None`: the beginning of the file.
    keyframe: Option<u64>,
    /// The trails before the keyframe.
    past: Option<Past>,
}

impl Player {
    /// Prepares for seeking in both directions. Returns the first and the last moment
    /// of the wanted range, and the moment to begin at, wall clock in ns since 1970.
    ///
    /// # Errors
    ///
    /// When the recording is a stream, or has no samples.
    pub(crate) fn browse(&mut self) -> Result<(Span, i128), Failure> {
        load_maps(&mut self.archive)?;
        if self.archive.iter().any(|recorded| recorded.map.is_none()) {
            return Err(Failure::usage(
                "a live view cannot seek in a stream: draw it into a file with -o, or save it first"
                    .to_owned(),
            ));
        }
        let spans = spans(&self.archive);
        let (Some((first, _)), Some(last)) =
            (spans.first(), spans.iter().map(|(_, last)| *last).max())
        else {
            return Err(anyhow::anyhow!("the recording has no samples").into());
        };
        let range = std::mem::take(&mut self.range);
        if range.is_moment {
            return Ok(((*first, last), range.end.unwrap_or(last)));
        }
        let (begin, end) = (range.begin.unwrap_or(*first), range.end.unwrap_or(last));
        self.range.end = range.end;
        Ok(((begin, end), begin))
    }

    /// Seeks so that reading leads to a moment, wall clock in ns since 1970.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn seek(&mut self, wall_ns: i128, tracker: &mut Tracker) -> Result<(), Failure> {
        self.is_placed = true;
        self.is_browsed = true;
        self.seek_to(wall_ns, Some(tracker))
    }

    /// Seeks to the beginning of the wanted range, before the first sample is read.
    pub(super) fn place(&mut self, tracker: Option<&mut Tracker>) -> Result<(), Failure> {
        let last = self.archive.last().and_then(|recorded| recorded.span);
        let target = match self.range {
            Range {
                begin: Some(begin), ..
            } => Some(begin),
            Range {
                is_moment: true,
                end,
                ..
            } => end.or(last.map(|(_, last)| last)),
            Range { .. } => None,
        };
        match target {
            Some(target) => self.seek_to(target, tracker),
            None => {
                self.ahead = self.read_ahead()?;
                Ok(())
            }
        }
    }

    /// Seeks to the last keyframe from which a moment is reached as if everything
    /// had been read, or to the beginning of its file.
    fn seek_to(&mut self, target: i128, tracker: Option<&mut Tracker>) -> Result<(), Failure> {
        let filter = tracker.as_deref().map(Tracker::filter);
        let is_filtered = filter.is_some_and(|filter| !filter.is_plain()) || self.tree.is_some();
        let Target {
            index,
            keyframe,
            past,
        } = self.find(target, is_filtered)?;
        self.past = None;
        self.carried.clear();
        self.tree.iter_mut().for_each(Tree::forget);
        if index != self.current || self.progress.has_begun() {
            self.open_file(index)?;
        }
        self.progress = Progress::Begins;
        if let Some(tracker) = tracker {
            if let Some(offset) = keyframe {
                if self.begin_at(offset, tracker)? {
                    self.past = past;
                    return Ok(());
                }
                // A keyframe of another version of procviz is useless: read the whole file.
                self.open_file(index)?;
            }
            self.begin_anew(tracker);
        }
        self.ahead = self.read_ahead()?;
        Ok(())
    }

    /// Finds where reading has to begin for a moment.
    fn find(&self, target: i128, is_filtered: bool) -> Result<Target, Failure> {
        let looks_back_ns = match is_filtered {
            true => i128::from(Tracker::LOOKS_BACK_NS),
            false => 0,
        };
        let shown_ns = i128::from(self.look_back_ns);
        let goal = target
            - i128::from(Tracker::WARM_UP_NS)
                .max(looks_back_ns)
                .max(shown_ns);
        let holds =
            |recorded: &RecordingFile| recorded.span.is_some_and(|(first, _)| first <= goal);
        let index = self.archive.iter().rposition(holds).unwrap_or(0);
        let recorded = &self.archive[index];
        let wants_past = self.wants_past && (self.range.is_moment || self.is_browsed);
        let past = match wants_past && !is_filtered {
            true => recorded.past(target)?,
            false => None,
        };
        // Within a file, time since boot: the clock can have been set.
        let target_ns = recorded.boot_ns(target);
        let goal_ns = target_ns - (target - goal);
        let known = past.as_ref().map(|past| i128::from(past.until_ns()));
        let goal_ns = goal_ns.min(known.unwrap_or(goal_ns));
        let mut lead = 0;
        let mut entries = recorded.map.iter().flat_map(|map| &map.entries).rev();
        let keyframe = entries.find(|entry| {
            lead += usize::from(entry.has_samples() && i128::from(entry.begin_ns) <= target_ns);
            entry.is_keyframe() && i128::from(entry.end_ns) <= goal_ns && lead >= LEAD
        });
        // Without trails, the past of a chart is read from the beginning of the file.
        let is_from_front = wants_past && past.is_none() && self.range.is_moment;
        let keyframe = keyframe.filter(|_| !is_from_front && self.tree.is_none());
        let keyframe = keyframe.map(|entry| entry.offset);
        Ok(Target {
            index,
            keyframe,
            past,
        })
    }

    /// Begins at a keyframe in the middle of a file. Returns whether that succeeded.
    fn begin_at(&mut self, offset: u64, tracker: &mut Tracker) -> Result<bool, Failure> {
        let recorded = &self.archive[self.current];
        let (file, name) = (recorded.open()?, recorded.name.clone());
        let Some(map) = &recorded.map else {
            return Ok(false);
        };
        self.reader
            .jump(file, map, offset)
            .map_err(|error| failed(&name, &error))?;
        let Some(mut ahead) = self.read_ahead()? else {
            return Ok(false);
        };
        self.begin_anew(tracker);
        let Some((keyframe, gaps)) = ahead.keyframe.take() else {
            return Ok(false);
        };
        if !restore(tracker, keyframe) {
            return Ok(false);
        }
        self.restored_gaps = gaps;
        self.progress = Progress::Runs;
        self.before_ns = tracker.snapshot().stamp.boot_ns;
        self.ahead = Some(ahead);
        Ok(true)
    }

    /// Empties the tracker, for the machine of the current file.
    fn begin_anew(&self, tracker: &mut Tracker) {
        let host = self.reader.facts().machine();
        *tracker = tracker.anew(host);
    }
}

/// Puts the state of a keyframe into the tracker. Returns whether that succeeded.
pub(super) fn restore(tracker: &mut Tracker, keyframe: Keyframe) -> bool {
    let is_restored = tracker.restore(keyframe).is_ok();
    if is_restored && !tracker.filter().is_plain() {
        tracker.reset_unfiltered_data();
    }
    is_restored
}
