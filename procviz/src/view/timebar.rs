//! Describes the time bar of a recording: current position, starts of findings, and
//! gaps. Positions are from 0 to 1.

/// The content of a time bar, for windows and terminals.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeBar {
    pub(crate) at: f32,
    pub(crate) marks: Vec<f32>,
    /// Gaps without samples: from, to.
    pub(crate) gaps: Vec<(f32, f32)>,
    /// Times of the first and the last sample, as text.
    pub(crate) begin: String,
    pub(crate) end: String,
}
