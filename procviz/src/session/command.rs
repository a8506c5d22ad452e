//! Runs a command under watch. The process is created before procviz attaches, stops
//! itself, and continues when procviz watches. It runs as the user who called sudo.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::{process::CommandExt as _, process::ExitStatusExt as _},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{self, Receiver},
    },
};

use anyhow::Context as _;
use nix::{
    sys::{
        signal::{Signal, kill, raise as stop_with},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{Gid, Pid, Uid},
};
use rustix::fs::{Mode, OFlags, open};
use tokio::sync::Notify;

use crate::{
    model::Status,
    runtime::{
        Failure, ending,
        text::escaped,
        warning::{Warning, warn},
    },
    source::{accounts, capabilities::raise, invoker},
};

/// A command that is stopped before its start, or runs.
pub(crate) struct Child {
    process: std::process::Child,
    stopped: Stopped,
}

/// Ends a command that is never started: nobody else would continue it. The kernel does not do
/// that when procviz exits (`PR_SET_PDEATHSIG`), because procviz has given up root's user id.
struct Stopped {
    pid: u32,
    is_started: AtomicBool,
}

impl Stopped {
    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let _raised = raise();
        Ok(kill(Pid::from_raw(i32::try_from(self.pid)?), signal)?)
    }

    /// Lets the command start (SIGCONT).
    fn start(&self) -> anyhow::Result<()> {
        self.is_started.store(true, Relaxed);
        self.signal(Signal::SIGCONT)
            .context("failed to start the command")
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if !self.is_started.load(Relaxed) {
            // Without the right to do that, it stays.
            _ = self.signal(Signal::SIGKILL);
        }
    }
}

impl Child {
    /// Creates the process and waits until it has stopped itself. With `kept`, its
    /// output goes to that file and its input is empty: a view has the terminal.
    ///
    /// # Errors
    ///
    /// When the process cannot be created.
    pub(crate) fn prepare(command: &[OsString], kept: Option<&File>) -> anyhow::Result<Self> {
        let myself =
            std::env::current_exe().context("failed to find the path of procviz itself")?;
        let mut launch = Command::new(myself);
        launch.arg("__launch").args(command);
        if let Some(file) = kept {
            launch
                .stdin(Stdio::null())
                .stdout(file.try_clone()?)
                .stderr(file.try_clone()?);
        }
        let child = launch.spawn().context("failed to create a process")?;
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        match waitpid(pid, Some(WaitPidFlag::WUNTRACED))? {
            WaitStatus::Stopped(..) => {
                ending::command_started();
                let stopped = Stopped {
                    pid: child.id(),
                    is_started: AtomicBool::new(false),
                };
                Ok(Self {
                    process: child,
                    stopped,
                })
            }
            other => Err(anyhow::anyhow!(
                "the process for the command exited before the command started: {other:?}"
            )),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Waits for the exit of the command on a thread of its own, and notifies `ended`.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub(crate) fn wait(self, ended: Arc<Notify>) -> std::io::Result<Waiting> {
        let Self {
            mut process,
            stopped,
        } = self;
        let (sender, status) = mpsc::sync_channel(1);
        let body = move || {
            // The status comes first: the notified run ends, and then reads the status.
            _ = sender.send(process.wait().ok());
            ended.notify_one();
            ending::command_exited();
        };
        std::thread::Builder::new()
            .name("procviz-command".to_owned())
            .spawn(body)?;
        Ok(Waiting { stopped, status })
    }

    /// Lets the command start (SIGCONT).
    ///
    /// # Errors
    ///
    /// When the process no longer exists.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        self.stopped.start()
    }

    /// Forwards a signal to the command, except SIGINT: the terminal sends Ctrl-C to the
    /// command, too.
    pub(crate) fn pass_on(&self, signal: Signal) {
        if signal != Signal::SIGINT {
            // The command can have exited meanwhile.
            _ = self.stopped.signal(signal);
        }
    }

    /// The exit status of the command in the encoding of a shell; `None` while the
    /// command runs.
    ///
    /// # Errors
    ///
    /// Errors of wait(2).
    pub(crate) fn status(&mut self) -> std::io::Result<Option<u8>> {
        let status = self.process.try_wait()?.map(shell_status);
        if status.is_some() {
            ending::command_exited();
        }
        Ok(status)
    }
}

/// A command; a thread waits for its exit.
pub(crate) struct Waiting {
    stopped: Stopped,
    status: Receiver<Option<ExitStatus>>,
}

/// How the command ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// In the encoding of a shell.
    pub(crate) shell: u8,
    /// As wait(2) reports it; `None` if that failed.
    pub(crate) status: Option<Status>,
}

impl From<Option<ExitStatus>> for Ended {
    fn from(status: Option<ExitStatus>) -> Self {
        Self {
            shell: status.map_or(1, shell_status),
            status: status.map(|status| Status(status.into_raw() as u32)),
        }
    }
}

impl Waiting {
    /// Lets the command start (SIGCONT).
    ///
    /// # Errors
    ///
    /// When the process no longer exists.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        self.stopped.start()
    }

    /// Waits for the exit.
    pub(crate) fn ended(self) -> Ended {
        self.status.recv().ok().flatten().into()
    }

    /// How the command ended, if it has. Otherwise `None`, and a message that the command still
    /// runs.
    pub(crate) fn ended_now(self) -> Option<Ended> {
        let status = self.status.try_recv().ok();
        if status.is_none() {
            warn(Warning::CommandStillRuns {
                pid: self.stopped.pid,
            });
        }
        status.map(Ended::from)
    }
}

/// Creates a file without a name for the output of a command while a view has the
/// terminal.
///
/// # Errors
///
/// Errors of open(2) for the folder of temporary files.
pub(crate) fn nameless_file() -> anyhow::Result<File> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = open(&folder, flags, Mode::RUSR | Mode::WUSR)
        .with_context(|| format!("failed to create a file in `{}`", escaped(&folder)))?;
    Ok(file.into())
}

/// Prints the kept output of a command. A closed standard output is not an error.
///
/// # Errors
///
/// Errors of read(2).
pub(crate) fn print_output(mut kept: File) -> std::io::Result<()> {
    kept.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    kept.read_to_end(&mut bytes)?;
    _ = std::io::stdout().write_all(&bytes);
    Ok(())
}

/// The exit status in the encoding of a shell: 128 plus the number for a signal.
fn shell_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, signal) => 128 + signal.unwrap_or(0) as u8,
    }
}

/// Runs in the child process: stops, becomes the user who called sudo, runs the command.
/// Returns only on failure: 127 if the command is not found, 126 if it cannot run.
pub(crate) fn launch(command: &[OsString]) -> Result<u8, Failure> {
    // If procviz dies first, no process would continue this one.
    _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    stop_with(Signal::SIGSTOP)?;
    _ = rustix::process::set_parent_process_death_signal(None);
    let Some((program, args)) = command.split_first() else {
        return Ok(127);
    };
    let mut run = Command::new(program);
    run.args(args);
    become_invoker(&mut run)?;
    let error = run.exec();
    warn(Warning::CommandNotStarted {
        program,
        error: &error,
    });
    Ok(if error.kind() == std::io::ErrorKind::NotFound {
        127
    } else {
        126
    })
}

/// Changes from root to the user who called sudo, doas, pkexec or run0.
fn become_invoker(run: &mut Command) -> anyhow::Result<()> {
    let Some(invoker) = invoker()? else {
        return Ok(());
    };
    let user = accounts::by_id(invoker.uid)?;
    nix::unistd::setgroups(&invoker.groups()).context("failed to set the groups")?;
    nix::unistd::setgid(Gid::from_raw(invoker.gid)).context("failed to set the group")?;
    nix::unistd::setuid(Uid::from_raw(invoker.uid)).context("failed to set the user")?;
    if let Some(user) = user {
        run.env("HOME", &user.home)
            .env("USER", &user.name)
            .env("LOGNAME", &user.name)
            .env("SHELL", &user.shell);
    }
    Ok(())
}
