//! Lists the warnings that procviz prints on stderr while it goes on.

use std::path::Path;

use super::{
    stderr::print_line,
    text::{escaped, noun},
};
use crate::model::{bytes_text, duration_text};

/// A warning or a notice to the user, on stderr: procviz goes on, but something was lost,
/// or procviz does something that the user perhaps does not expect.
///
/// An error that ends procviz is a [`Failure`](super::Failure). The last line of a command,
/// with its result, is a [`summary`](super::stderr::summary), and is made where the result
/// is computed. Paths and typed values are escaped here; a field that is escaped already
/// says so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Warning<'a> {
    // Output files.
    /// The folder of an output is reached through a symbolic link that is safe to follow.
    #[error(
        "`{}` resolves through a symbolic link to `{}`",
        escaped(path),
        escaped(real)
    )]
    FolderBehindLink { path: &'a Path, real: &'a Path },

    /// A group with other members than the caller can replace files in the folder that
    /// root writes into. `mode` is the permissions of the folder.
    #[error("group {gid} can replace files in `{}` (mode {mode:o})", escaped(path))]
    GroupCanReplaceFiles { gid: u32, path: &'a Path, mode: u32 },

    /// The kernel does not limit the thread that writes to its folder.
    #[error("the writer thread is not confined: {error}")]
    WriterNotConfined { error: String },

    // The start of a run.
    /// The process keeps system calls or file access that it does not need.
    #[error("not confined: {error}")]
    NotConfined { error: String },

    /// The eBPF programs are not loaded. `tick_ms` is the resolution of CPU times in
    /// `/proc`, milliseconds.
    #[error(
        "no kernel events, only /proc (short-lived tasks are not seen, CPU times have steps of {tick_ms} ms): {why}"
    )]
    NoKernelEvents { tick_ms: u64, why: String },

    /// Threads are asked for, but the recording was made with `--processes`.
    #[error("the recording holds only processes, no threads: showing processes")]
    OnlyProcesses,

    /// An animation of a live machine has no other end than a signal.
    #[error("watching until Ctrl-C; to stop by itself, use `--samples` or `--duration`")]
    UntilInterrupted,

    /// `csv` reads exactly the tasks whose pids are given.
    #[error("`--processes` is ignored because pids are given")]
    ProcessesIgnored,

    /// `csv` reads a file of which recordings hold only the fields `held`; `others` says
    /// what stands in the other columns.
    #[error(
        "of `{file}`, a recording holds only {}: the other fields are {others}",
        held.join(", ")
    )]
    FieldsNotRecorded {
        file: &'static str,
        held: &'static [&'static str],
        others: &'static str,
    },

    // The command after `--`.
    /// The command cannot be started.
    #[error("failed to run `{}`: {error}", escaped(program))]
    CommandNotStarted {
        program: &'a std::ffi::OsStr,
        error: &'a std::io::Error,
    },

    /// A live view ends before its command.
    #[error("the command still runs, as process {pid}")]
    CommandStillRuns { pid: u32 },

    // What was asked for and is not there.
    /// No thread has a pid that matches the pattern.
    #[error("there is no thread `{pid}`")]
    NoSuchThread { pid: &'a glob::Pattern },

    /// No sample of the recording has the process of `--tree`.
    #[error("`--tree {pid}`: no such process in the recording")]
    NoSuchTree { pid: u32 },

    /// `--begin` or `--at` is in a time without samples. The times are local.
    #[error(
        "nothing was recorded at that time: showing the last sample before it, {shown}; the next sample is at {next}"
    )]
    NothingRecordedThen { shown: String, next: String },

    /// An animation or a page has reached a limit: up to `most` pictures, or `--max-size`.
    /// `time` is the local time of the last picture.
    #[error(
        "a file holds up to {most} pictures and `--max-size` bytes: stopped after picture {pictures}, of {time}; for the rest, \
         use `--begin` and `--end`, or sample less often"
    )]
    FileIsFull {
        most: usize,
        pictures: usize,
        time: String,
    },

    /// The recording has counts instead of records for some exits.
    #[error(
        "{count} more short-lived {} exited: the recording has only their number",
        noun(*count, "process", "processes")
    )]
    FoldedExits { count: u64 },

    /// The recording has samples without kernel events.
    #[error(
        "{samples} {} without kernel events: exits are not in the recording",
        noun(*samples, "sample was taken", "samples were taken")
    )]
    RecordedWithoutEvents { samples: u64 },

    /// The kernel refused a program that procviz can do without.
    #[error("{error}: {cost}")]
    ProgramRefused {
        error: &'a dyn std::error::Error,
        cost: &'static str,
    },

    // Damage and gaps of a recording. `name` is the name of the file, escaped.
    /// A recording cannot be read; the others are.
    #[error("{error:#}")]
    UnreadableRecording { error: &'a anyhow::Error },

    /// The file ends in the middle of a block, of which it has `bytes`.
    #[error(
        "`{name}`: the last block is incomplete ({bytes} bytes): the file was cut off, or is still being written"
    )]
    IncompleteBlock { name: &'a str, bytes: u64 },

    /// A gap of the recording: the lost samples and exit records, and the reason that the
    /// recorder wrote into the file.
    #[error(
        "`{name}`: {samples} {} not recorded{}: {}",
        noun(*samples, "sample was", "samples were"),
        lost_exits(*exits),
        escaped(why)
    )]
    Gap {
        name: &'a str,
        samples: u64,
        exits: u64,
        why: &'a str,
    },

    /// The gaps that are not reported one by one.
    #[error(
        "`{name}`: {gaps} more {}, lost samples: {samples}{}",
        noun(*gaps as u64, "gap", "gaps"),
        lost_exits(*exits)
    )]
    MoreGaps {
        name: &'a str,
        gaps: usize,
        samples: u64,
        exits: u64,
    },

    /// A damaged place at byte `offset` of the file. `left_out` is the number of bytes
    /// that are skipped; 0 if unknown.
    #[error("`{name}`: damaged at byte {offset}: {what}{}", bytes_left_out(*left_out))]
    Damage {
        name: &'a str,
        offset: u64,
        what: &'a str,
        left_out: u64,
    },

    /// The damaged places that are not reported one by one.
    #[error(
        "`{name}`: {places} more damaged {}",
        noun(*places as u64, "place", "places")
    )]
    MoreDamage { name: &'a str, places: usize },

    /// A block of findings at byte `offset` cannot be read.
    #[error("`{name}`: damaged at byte {offset}: the findings recorded there are unknown")]
    DamagedFindings { name: &'a str, offset: u64 },

    /// The notes beside a recording cannot be read.
    #[error("failed to read `{name}`: {error}: these notes are left out")]
    UnreadableNotes { name: &'a str, error: String },

    /// A note is damaged.
    #[error("`{name}`: a note is damaged at byte {offset}: it is left out")]
    DamagedNote { name: &'a str, offset: usize },

    // Recorders.
    /// A block of samples is larger than the format allows.
    #[error("a block of samples was not recorded: {error}")]
    SamplesNotRecorded { error: String },

    /// A block of trails is larger than the format allows.
    #[error("a block of trails was not recorded: {error}")]
    TrailsNotRecorded { error: String },

    /// The queue of the writing thread is full.
    #[error("the disk is too slow: samples are lost, but sampling continues")]
    DiskTooSlow,

    /// write(2) fails, for example because the disk is full.
    #[error("failed to write `{}`: {error}; sampling continues", escaped(path))]
    WriteFailed {
        path: &'a Path,
        error: &'a std::io::Error,
    },

    /// The next file of a folder cannot be created now.
    #[error("{error:#}; procviz tries again every second")]
    FileNotCreated { error: &'a anyhow::Error },

    /// No file can be created any more, because the folder was replaced.
    #[error("{error:#}")]
    FolderReplaced { error: &'a anyhow::Error },

    /// A file could be created after all.
    #[error("recording continues")]
    RecordingContinues,

    /// The disk has room again after `lost` samples.
    #[error(
        "recording continues; {lost} {} lost",
        noun(*lost, "sample was", "samples were")
    )]
    RecordingContinuesAfterLoss { lost: u64 },

    /// procviz ends while the last file still cannot be created.
    #[error("the last samples were lost: no file could be created")]
    LastSamplesLost,

    /// Another process removed the file that is being written.
    #[error("`{}` has been removed: the recording ends", escaped(path))]
    RecordingRemoved { path: &'a Path },

    /// The complete recording cannot take the name of an older file.
    #[error(
        "failed to replace `{}`: the old file is unchanged, the new recording is lost",
        escaped(path)
    )]
    NotReplaced { path: &'a Path },

    // The ring.
    /// `--ring-size` bytes hold less time than `--ring`. Times are in ns.
    #[error(
        "a ring of {} holds only the last {}, but `--ring` asks for {}: choose a larger `--ring-size`",
        bytes_text(*bytes),
        duration_text(*held_ns),
        duration_text(*wanted_ns)
    )]
    RingTooSmall {
        bytes: u64,
        held_ns: u64,
        wanted_ns: u64,
    },

    /// A trigger fired: a file begins with what the ring holds.
    #[error(
        "{}: recording to `{}`, which begins with {samples} {} from the ring",
        escaped(trigger),
        escaped(path),
        noun(*samples, "sample", "samples")
    )]
    TriggerFired {
        trigger: &'a str,
        path: &'a Path,
        samples: u64,
    },

    /// A trigger fired within `--cool-down`, of which `wait_ns` remains.
    #[error(
        "{}: no new file, because the last file ended too recently: wait {} or choose a shorter `--cool-down`",
        escaped(trigger),
        duration_text(*wait_ns)
    )]
    TriggerTooSoon { trigger: &'a str, wait_ns: u64 },

    /// A trigger fired while the queue of the writing thread was full.
    #[error("a trigger fired, but its file was not written: the disk is too slow")]
    TriggerLost,

    /// The recording ends, and no trigger fired.
    #[error("no trigger fired (`--on`): no file was written")]
    NoTriggerFired,
}

/// Prints a warning on stderr. A closed stderr is not an error.
pub(crate) fn warn(warning: Warning) {
    print_line(&format!("procviz: {warning}"));
}

fn lost_exits(exits: u64) -> String {
    match exits {
        0 => String::new(),
        exits => format!(" (lost exits: {exits})"),
    }
}

fn bytes_left_out(bytes: u64) -> String {
    match bytes {
        0 => String::new(),
        1 => "; 1 byte was left out".to_owned(),
        bytes => format!("; {bytes} bytes were left out"),
    }
}
