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
    /// Number of blocks of samples.
    pub fn sample_blocks(&self) -> usize {
        self.blocks(Kind::Samples).count()
    }

    /// Every `every`th block of samples.
    pub fn machine_blocks(&self, every: usize) -> MachineBlocks {
        let blocks = self.blocks(Kind::Samples).step_by(every.max(1));
        MachineBlocks(blocks.map(|(entry, limit)| (*entry, limit)).collect())
    }
}

impl MachineBlocks {
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
            while let Ok(Some((sample, _))) = samples.head() {
                take(&sample);
            }
        }
        Ok(())
    }
}
