//! Reads samples one after another, through all files.

use super::{Ahead, Player, archive::failed};
use crate::{
    model::{ExitRecord, Host, Sample, Sources},
    runtime::Failure,
    tracker::Keyframe,
};
use std::sync::Arc;

impl Player {
    /// Reads the next sample; `None` at the end of the last file, or of the range.
    pub(super) fn read_ahead(&mut self) -> Result<Option<Ahead>, Failure> {
        loop {
            self.archive[self.current].is_read = true;
            let read = self.reader.read();
            let read = read.map_err(|error| failed(&self.archive[self.current].name, &error))?;
            let keyframe = self.reader.take_keyframe();
            let Some(mut sample) = read else {
                let ended = self.reader.take_ended();
                self.carried.add(ended);
                if self.current + 1 >= self.archive.len() {
                    return Ok(None);
                }
                match self.read_next_file()? {
                    Some((first, host, is_same_boot)) => {
                        return Ok(self.limit(first, None, Some(host), is_same_boot));
                    }
                    None => continue,
                }
            };
            // A census at the time of the last sample repeats what is known.
            if sample.complete && self.repeats(&sample) {
                self.carried.add(sample.ended().cloned());
                continue;
            }
            self.carried.put_into(&mut sample);
            return Ok(self.limit(sample, keyframe, None, true));
        }
    }

    /// Opens a file at its beginning.
    pub(super) fn open_file(&mut self, index: usize) -> Result<(), Failure> {
        self.archive[self.current].merge_integrity(self.reader.integrity());
        self.reader = self.archive[index].reader()?;
        self.restored_gaps = 0;
        self.current = index;
        self.users = None;
        self.read_boot_wall_ns = self.archive[index].facts.boot_wall_ns.into();
        Ok(())
    }

    /// Opens the next file and reads its first sample, with the machine of the file
    /// and whether the machine was not rebooted in between. `None`: the file has no
    /// samples, or its first sample repeats what is known.
    fn read_next_file(&mut self) -> Result<Option<(Sample, Host, bool)>, Failure> {
        let boot = self.reader.facts().boot_id.clone();
        let next = self.current + 1;
        self.open_file(next)?;
        let facts = self.reader.facts();
        let is_same_boot = facts.boot_id == boot;
        let machine = facts.machine();
        let first = self.reader.read();
        let first = first.map_err(|error| failed(&self.archive[next].name, &error))?;
        let Some(mut first) = first else {
            return Ok(None);
        };
        if is_same_boot && self.repeats(&first) {
            self.read_boot_wall_ns = first.boot_wall_ns.unwrap_or(self.read_boot_wall_ns);
            self.carried.add(first.ended().cloned());
            return Ok(None);
        }
        if is_same_boot && self.carried.precede(&first) {
            self.carried.put_into(&mut first);
        }
        let from = first.stamp.boot_ns.saturating_sub(first.stamp.interval_ns);
        if is_same_boot && self.progress.has_begun() && from > self.before_ns {
            first.gap_ns = Some((self.before_ns, from));
        }
        Ok(Some((first, machine, is_same_boot)))
    }

    /// Whether a sample has the same time as the sample that was given out last.
    fn repeats(&self, sample: &Sample) -> bool {
        sample.stamp.boot_ns == self.before_ns && self.progress.has_begun()
    }

    /// The sample, unless it is after the end of the range.
    fn limit(
        &mut self,
        sample: Sample,
        keyframe: Option<(Keyframe, usize)>,
        begins: Option<Host>,
        is_same_boot: bool,
    ) -> Option<Ahead> {
        self.read_boot_wall_ns = sample.boot_wall_ns.unwrap_or(self.read_boot_wall_ns);
        let wall_ns = self.read_boot_wall_ns + i128::from(sample.stamp.boot_ns);
        let recorded = &self.archive[self.current];
        let boot_ns = sample.stamp.boot_ns;
        // The clock drifts a little between two times at which it was noted.
        let drift_ns = wall_ns - recorded.facts.wall_ns(boot_ns);
        let is_over = |end| match recorded.map {
            Some(_) => i128::from(boot_ns) + drift_ns > recorded.boot_ns(end),
            // A stream shows as it goes how the clock was set.
            None => wall_ns > end,
        };
        let is_over = self.range.end.is_some_and(is_over);
        if is_over && self.range.is_moment {
            self.warn_of_gap(&sample, wall_ns);
        }
        if is_over && self.progress.has_begun() && is_same_boot {
            self.carried.add(sample.ended().cloned());
        }
        (!is_over || !self.progress.has_begun()).then_some(Ahead {
            sample,
            keyframe,
            begins,
            wall_ns,
        })
    }

    /// Exit records after the last sample that was given out.
    pub(crate) fn take_ended(&mut self) -> Vec<Arc<ExitRecord>> {
        let mut sample = Sample::new(Sources::EbpfAndProc);
        std::mem::take(&mut self.carried).put_into(&mut sample);
        if let Some(tree) = &mut self.tree {
            tree.mark(&mut sample);
        }
        sample.ended().cloned().collect()
    }
}
