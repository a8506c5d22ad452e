use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Options of `note`.
#[derive(Clone, Debug, Args)]
pub struct NoteArgs {
    /// The recording, or a folder of recordings; the note goes into FILE.notes beside the recording
    #[arg(value_name = "REC")]
    pub recording: PathBuf,
    /// What happened, such as "restarted nginx"
    pub text: String,
    /// When it happened [default: now, while the recording is being made]; as in --at of other subcommands
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<String>,
    /// What kind of event it was
    #[arg(long, value_enum, default_value = "note")]
    pub kind: NoteKind,
}

/// What kind of event a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NoteKind {
    /// Another version was installed
    Deploy,
    /// Something was restarted
    Restart,
    /// A configuration was changed
    Config,
    /// Something went wrong
    Incident,
    /// Anything else
    Note,
}

impl NoteKind {
    /// The word on the command line and in the file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Restart => "restart",
            Self::Config => "config",
            Self::Incident => "incident",
            Self::Note => "note",
        }
    }
}
