//! Runs procviz on a terminal of its own, and keeps every byte of its output.

use std::{
    ffi::OsStr,
    fs::File,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    pty::{Winsize, openpty},
};

use crate::support::Running;

/// Starts procviz with a new controlling terminal of 200 by 50 cells. Returns the
/// process, which is `setsid`, and the master side of the terminal.
pub(crate) fn start<S: AsRef<OsStr>>(args: &[S]) -> (Running, OwnedFd) {
    let size = Winsize {
        ws_row: 50,
        ws_col: 200,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let pty = openpty(Some(&size), None).unwrap();
    fcntl(&pty.master, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap();
    let end = |fd: &OwnedFd| Stdio::from(fd.try_clone().unwrap());
    let mut command = Command::new("setsid");
    command.args(["--ctty", "--wait", crate::support::binary()]);
    command
        .args(args)
        .env("TERM", "xterm-256color")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(end(&pty.slave))
        .stdout(end(&pty.slave))
        .stderr(end(&pty.slave));
    (Running::new(&mut command), pty.master)
}

/// A procviz on a terminal whose output is read all the time.
pub(crate) struct Session {
    running: Running,
    master: File,
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Session {
    pub(crate) fn new<S: AsRef<OsStr>>(args: &[S]) -> Self {
        let (running, master) = start(args);
        let master = File::from(master);
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut from) = (Arc::clone(&bytes), master.try_clone().unwrap());
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            // Once no process has the terminal open, a read fails with EIO.
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self {
            running,
            master,
            bytes,
            reader,
        }
    }

    /// Types bytes, as a keyboard would.
    pub(crate) fn type_in(&self, bytes: &[u8]) {
        (&self.master).write_all(bytes).unwrap();
    }

    /// Waits for the exit of procviz; returns the exit status (`None` after the timeout)
    /// and the whole output.
    pub(crate) fn end(mut self, patience: Duration) -> (Option<ExitStatus>, Vec<u8>) {
        let deadline = Instant::now() + patience;
        let mut status = None;
        while status.is_none() && Instant::now() < deadline {
            status = self.running.0.try_wait().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(self.running);
        drop(self.master);
        if status.is_some() {
            self.reader.join().unwrap();
        }
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap());
        (status, bytes)
    }
}
