//! Runs the process that asks the system's name service for user names. The name
//! service can load libraries, open sockets and hang; a confined procviz must do none
//! of these. The process itself has no privileges.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{Keep, accounts, keep_only};

/// The name process, as procviz itself uses it.
pub(super) struct Names {
    /// Exits when its standard input is closed.
    _child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Names {
    /// Starts the process.
    ///
    /// # Errors
    ///
    /// When the process cannot be started.
    pub(super) fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("__names")
            .env_clear()
            // Ctrl-C must reach only procviz, or the command that procviz watches.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = pipes.ok_or_else(|| io::Error::other("no pipes"))?;
        Ok(Self {
            _child: child,
            questions,
            answers: BufReader::new(answers),
        })
    }

    /// The name of a user; `None` if the user has no name. The call can take long.
    ///
    /// # Errors
    ///
    /// When the process has exited.
    pub(super) fn of(&mut self, uid: u32) -> io::Result<Option<String>> {
        writeln!(self.questions, "{uid}")?;
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let name = line.trim_end_matches('\n');
        Ok((!name.is_empty()).then(|| name.to_owned()))
    }
}

/// Runs inside the name process: answers each line, a user id, with a name or an
/// empty line.
///
/// # Errors
///
/// When reading or writing fails, for example because procviz has exited.
pub(crate) fn answer() -> io::Result<()> {
    _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    if rustix::process::geteuid().is_root() {
        let (uid, gid) = (65_534, 65_534);
        // A systemd unit can forbid these calls. Then the process stays root, but
        // without capabilities.
        _ = nix::unistd::setgroups(&[]);
        _ = nix::unistd::setgid(nix::unistd::Gid::from_raw(gid));
        _ = nix::unistd::setuid(nix::unistd::Uid::from_raw(uid));
    }
    keep_only(Keep::Nothing);
    for line in io::stdin().lock().lines() {
        let uid = line?.parse::<u32>().ok();
        let account = uid.and_then(|uid| accounts::by_id(uid).ok().flatten());
        let name = account.map_or_else(String::new, |account| account.name.replace('\n', "?"));
        let mut out = io::stdout().lock();
        writeln!(out, "{name}")?;
        out.flush()?;
    }
    Ok(())
}
