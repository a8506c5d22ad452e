//! Tracks how far the samples of one boot of the machine have been read.

/// How far the samples of a boot have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// No sample was given out: the next sample is the first of this boot.
    Begins,
    /// The first sample was given out. The first sample is a census without an interval.
    Opened,
    /// Samples with intervals were given out, or a keyframe was restored.
    Runs,
}

impl Progress {
    /// The state after one more sample.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Begins => Self::Opened,
            Self::Opened | Self::Runs => Self::Runs,
        }
    }

    /// Whether a sample was given out, so that the next one follows it.
    pub(super) fn has_begun(self) -> bool {
        self != Self::Begins
    }
}
