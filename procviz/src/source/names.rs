//! The process that asks the system's name service who somebody is: it may
//! load libraries, open sockets and hang, none of which procviz itself does once
//! it is confined. It has no rights at all.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{Keep, accounts, keep_only};

/// The process, as seen from procviz.
pub(super) struct Names {
    /// Ends with its input.
    _child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Names {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// When no process can be made.
    pub(super) fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("__names")
            .env_clear()
            // Ctrl-C is for procviz, or for the command that it watches.
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

    /// The name of a user; `None` where there is none. It may take long.
    ///
    /// # Errors
    ///
    /// When the process has ended.
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

/// The other side: answers each line with a name, or an empty line.
///
/// # Errors
///
/// When the rights cannot be given away, or procviz is gone.
pub(crate) fn answer() -> io::Result<()> {
    _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    if rustix::process::geteuid().is_root() {
        let (uid, gid) = (65_534, 65_534);
        // A service may not be allowed to; then it is root without capabilities.
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
