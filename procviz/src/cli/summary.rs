use clap::{Args, ValueEnum};

/// What to print after a command.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct SummaryArgs {
    /// After -- COMMAND, print on standard error what it used [default: text]
    #[arg(long, value_enum, value_name = "FORM", requires = "run")]
    pub summary: Option<SummaryArg>,
}

/// Form of the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SummaryArg {
    /// Lines for people
    Text,
    /// One line of JSON
    Json,
    /// No summary
    None,
}
