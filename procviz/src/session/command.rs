//! Runs a command under watch: it is made before procviz attaches, stopped,
//! and let go when everything is watching. It runs as the user who called sudo.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::{process::CommandExt as _, process::ExitStatusExt as _},
    process::{Command, ExitStatus, Stdio},
    sync::{
        Arc,
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
    runtime::{
        Failure, ending,
        stdout::{say, shown},
    },
    source::{accounts, capabilities::raise, invoker},
};

/// A command that waits to be let go, or runs.
pub(crate) struct Child(std::process::Child);

impl Child {
    /// Makes the process and waits until it has stopped itself.
    ///
    /// # Errors
    ///
    /// When no process can be made.
    ///
    /// With `kept`, its output goes there and its input is empty: the terminal
    /// is not its own.
    pub(crate) fn prepare(command: &[OsString], kept: Option<&File>) -> anyhow::Result<Self> {
        let myself = std::env::current_exe().context("failed to find procviz itself")?;
        let mut launch = Command::new(myself);
        launch.arg("__launch").args(command);
        if let Some(file) = kept {
            launch
                .stdin(Stdio::null())
                .stdout(file.try_clone()?)
                .stderr(file.try_clone()?);
        }
        let child = launch.spawn().context("failed to make a process")?;
        let pid = Pid::from_raw(i32::try_from(child.id())?);
        match waitpid(pid, Some(WaitPidFlag::WUNTRACED))? {
            WaitStatus::Stopped(..) => {
                ending::mind_the_command();
                Ok(Self(child))
            }
            other => Err(anyhow::anyhow!(
                "the process for the command ended before its time: {other:?}"
            )),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits for its end on a thread of its own, and tells `ended` of it.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(crate) fn wait(self, ended: Arc<Notify>) -> std::io::Result<Waiting> {
        let pid = self.pid();
        let mut child = self.0;
        let (tell, status) = mpsc::sync_channel(1);
        let body = move || {
            // Told before anybody is woken by it.
            _ = tell.send(child.wait().map_or(1, shell_status));
            ended.notify_one();
            ending::forget_the_command();
        };
        std::thread::Builder::new()
            .name("procviz-command".to_owned())
            .spawn(body)?;
        Ok(Waiting { pid, status })
    }

    /// Lets it go.
    ///
    /// # Errors
    ///
    /// When it is gone already.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
            .context("failed to start the command")
    }

    /// Passes a signal on. Ctrl-C has come to it from the terminal already.
    pub(crate) fn pass_on(&self, signal: Signal) {
        if signal != Signal::SIGINT {
            // It may have ended meanwhile.
            _ = self.signal(signal);
        }
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let _raised = raise();
        Ok(kill(Pid::from_raw(i32::try_from(self.0.id())?), signal)?)
    }

    /// Its status, as a shell gives it, once it has ended.
    ///
    /// # Errors
    ///
    /// What wait(2) says.
    pub(crate) fn status(&mut self) -> std::io::Result<Option<u8>> {
        let status = self.0.try_wait()?.map(shell_status);
        if status.is_some() {
            ending::forget_the_command();
        }
        Ok(status)
    }
}

/// A command whose end somebody waits for.
pub(crate) struct Waiting {
    pid: u32,
    status: Receiver<u8>,
}

impl Waiting {
    /// Lets it go.
    ///
    /// # Errors
    ///
    /// When it is gone already.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        let _raised = raise();
        kill(Pid::from_raw(i32::try_from(self.pid)?), Signal::SIGCONT)
            .context("failed to start the command")
    }

    /// Its status, as a shell gives it, once it has ended.
    pub(crate) fn status(self) -> u8 {
        self.status.recv().unwrap_or(1)
    }

    /// Its status if it has ended; else it goes on alone, which is said.
    pub(crate) fn status_now(self) -> u8 {
        if let Ok(status) = self.status.try_recv() {
            return status;
        }
        say(&format!(
            "procviz: the command goes on as process {}",
            self.pid
        ));
        0
    }
}

/// A file without a name that keeps what a command says while a view has the terminal.
///
/// # Errors
///
/// What open(2) says of the folder for temporary files.
pub(crate) fn keeper() -> anyhow::Result<File> {
    let folder = std::env::temp_dir();
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = open(&folder, flags, Mode::RUSR | Mode::WUSR)
        .with_context(|| format!("failed to make a file in `{}`", shown(&folder)))?;
    Ok(file.into())
}

/// Prints what was kept; if nobody listens, nothing is lost.
///
/// # Errors
///
/// What read(2) says.
pub(crate) fn print_kept(mut kept: File) -> std::io::Result<()> {
    kept.seek(SeekFrom::Start(0))?;
    let mut bytes = Vec::new();
    kept.read_to_end(&mut bytes)?;
    _ = std::io::stdout().write_all(&bytes);
    Ok(())
}

fn shell_status(status: ExitStatus) -> u8 {
    match (status.code(), status.signal()) {
        (Some(code), _) => code as u8,
        (None, signal) => 128 + signal.unwrap_or(0) as u8,
    }
}

/// The child's side: stops, becomes the invoking user, runs the command.
/// Returns only when that fails: 127 when it is not found, 126 when it cannot run.
pub(crate) fn launch(command: &[OsString]) -> Result<u8, Failure> {
    // Nobody would wake it if procviz died first.
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
    say(&format!(
        "procviz: failed to run `{}`: {error}",
        shown(program)
    ));
    Ok(if error.kind() == std::io::ErrorKind::NotFound {
        127
    } else {
        126
    })
}

/// Gives up root for the user who called sudo, doas, pkexec or run0.
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
