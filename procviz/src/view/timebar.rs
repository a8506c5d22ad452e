//! The time bar of a recording: where one is, and when something began to
//! stand out. Places are from 0 to 1.

/// What a bar shows, whatever draws it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TimeBar {
    pub(crate) at: f32,
    pub(crate) marks: Vec<f32>,
    /// The first and the last moment.
    pub(crate) begin: String,
    pub(crate) end: String,
}
