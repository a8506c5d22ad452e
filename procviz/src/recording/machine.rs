//! Reads the figures of the machine alone, without its tasks.

use std::io::{Read, Seek};

use super::{
    block::Kind,
    budget::Budget,
    map::{Entry, Map, payload_at},
    samples::SamplesIn,
};
use crate::model::Sample;

/// Blocks of samples of a file of which only the figures of the machine are wanted.
#[derive(Clone, Debug)]
pub struct MachineBlocks(Vec<(Entry, u64)>);

impl Map {
    /// The blocks of samples that are wanted, by the times of their first and last sample, ns
    /// since boot.
    pub fn machine_blocks(&self, mut wants: impl FnMut((u64, u64)) -> bool) -> MachineBlocks {
        let blocks = self.blocks(Kind::Samples);
        let wanted = blocks.filter(|(entry, _)| wants((entry.begin_ns, entry.end_ns)));
        MachineBlocks(wanted.map(|(entry, limit)| (*entry, limit)).collect())
    }
}

impl MachineBlocks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads the blocks: passes on each sample without its lists. Damaged blocks are left out.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn read(
        &self,
        file: &mut (impl Read + Seek),
        mut take: impl FnMut(&Sample),
    ) -> std::io::Result<()> {
        let mut budget = Budget::new();
        for (entry, limit) in &self.0 {
            let payload = payload_at(file, entry, *limit, &mut budget)?;
            let Some(Ok(mut samples)) = payload.map(SamplesIn::new) else {
                continue;
            };
            if budget.rows(samples.rows()).is_err() {
                return Ok(());
            }
            while let Ok(Some((sample, _))) = samples.head() {
                take(&sample);
            }
        }
        Ok(())
    }
}
