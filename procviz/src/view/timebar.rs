//! The time bar of a recording: where one is, when something began to
//! stand out, and of when there is nothing. Places are from 0 to 1.

/// What a bar shows, whatever draws it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeBar {
    pub(crate) at: f32,
    pub(crate) marks: Vec<f32>,
    /// Where there are no samples: from, to.
    pub(crate) holes: Vec<(f32, f32)>,
    /// The first and the last moment.
    pub(crate) begin: String,
    pub(crate) end: String,
}
