//! Keeps the exit records of samples that are lost, in blocks of deaths.

use std::sync::Arc;

use super::{
    block::{BLOCK_HEADER, Header, Kind, unpacked},
    samples::{SamplesIn, SamplesOut},
    writer::Block,
};
use crate::model::{Event, ExitRecord, Sample, Sources, Stamp};

impl Block {
    /// The exit records in a block of samples, and the number of short-lived processes
    /// that the block only counts in folds.
    pub fn ended(&self) -> (Vec<Arc<ExitRecord>>, u64) {
        let (mut ended, mut folded) = (Vec::new(), 0);
        let mut samples = self.samples();
        while let Some(Ok(Some(sample))) = samples.as_mut().map(SamplesIn::next) {
            folded += sample.folds.iter().map(|fold| fold.count).sum::<u64>();
            ended.extend(sample.ended().cloned());
        }
        (ended, folded)
    }

    /// Builds a block with the exit records of a period whose samples are lost.
    ///
    /// # Errors
    ///
    /// When there are too many records, or they cannot be packed.
    pub fn deaths(span_ns: (u64, u64), ended: &[Arc<ExitRecord>]) -> std::io::Result<Self> {
        let (begin_ns, end_ns) = span_ns;
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.stamp = Stamp {
            boot_ns: end_ns,
            interval_ns: end_ns.saturating_sub(begin_ns),
        };
        let ended = ended.iter().cloned();
        sample.events.extend(ended.map(Event::ProcessEnd));
        let mut samples_out = SamplesOut::new();
        samples_out.add(&sample);
        Self::new(Kind::Deaths, &samples_out.finish(), span_ns)
    }

    fn samples(&self) -> Option<SamplesIn> {
        let head = self.bytes.first_chunk::<BLOCK_HEADER>()?;
        let header = Header::parse(head).filter(|_| self.has_samples())?;
        let payload = unpacked(&header, self.bytes.get(BLOCK_HEADER..)?)?;
        SamplesIn::new(payload).ok()
    }
}

/// The exit records in a block of deaths; `None` if the block is invalid.
pub(super) fn ends(samples: &mut SamplesIn) -> Option<Vec<Arc<ExitRecord>>> {
    let sample = samples.next().ok()?;
    let ended = sample.map(|sample| sample.ended().cloned().collect());
    Some(ended.unwrap_or_default())
}
