use clap::Args;

/// The part of a recording to read.
#[derive(Clone, Debug, Default, Args)]
pub struct RangeArgs {
    /// Show this moment: 03:12[:30] or 2026-11-19T03:12 in the time zone of the recorded machine, -30s (before the end), or RFC 3339
    #[arg(
        long,
        value_name = "TIME",
        requires = "from",
        conflicts_with_all = ["begin", "end"],
        allow_hyphen_values = true
    )]
    pub at: Option<String>,
    /// Begin at this moment, in a format of --at
    #[arg(
        long,
        value_name = "TIME",
        requires = "from",
        allow_hyphen_values = true
    )]
    pub begin: Option<String>,
    /// End at this moment, in a format of --at
    #[arg(
        long,
        value_name = "TIME",
        requires = "from",
        allow_hyphen_values = true
    )]
    pub end: Option<String>,
}

impl RangeArgs {
    /// Whether the user chose a part of the recording.
    pub fn is_given(&self) -> bool {
        self.at.is_some() || self.begin.is_some() || self.end.is_some()
    }
}
