//! Checks that a signal ends procviz, whatever procviz is blocked on.

use std::{
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::process::ExitStatusExt as _,
    },
    process::{Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::Signal::{self, SIGHUP, SIGINT, SIGTERM},
};

use crate::{
    Needs, Test, pty,
    support::{Folder, Running, output, procviz, wait_until, workload},
};

pub(crate) const TESTS: &[Test] = &[
    ("a_full_pipe_is_left", Needs::Events, a_full_pipe_is_left),
    (
        "a_terminal_that_stops_reading_is_left",
        Needs::Nothing,
        a_terminal_that_stops_reading_is_left,
    ),
    (
        "input_that_does_not_come_is_left",
        Needs::Nothing,
        input_that_does_not_come_is_left,
    ),
    ("a_hang_up_is_quiet", Needs::Nothing, a_hang_up_is_quiet),
    (
        "a_command_decides_for_itself",
        Needs::Nothing,
        a_command_decides_for_itself,
    ),
    (
        "an_interrupted_picture_is_written",
        Needs::Nothing,
        an_interrupted_picture_is_written,
    ),
];

/// Timeout for the exit after a signal, which takes a second or less.
const PATIENCE: Duration = Duration::from_secs(6);

/// Waits for the exit; `None` after the timeout.
fn end_of(running: &mut Running) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = running.0.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// The exit status as a shell shows it: the exit code, or 128 + the signal number.
fn shell_status(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap())
}

/// Whether a thread of a process waits in one of these kernel functions.
fn waits_in(pid: u32, functions: &[&str]) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    threads.flatten().any(|thread| {
        let stack = std::fs::read_to_string(thread.path().join("stack")).unwrap_or_default();
        let wchan = std::fs::read_to_string(thread.path().join("wchan")).unwrap_or_default();
        functions
            .iter()
            .any(|function| stack.contains(function) || wchan.contains(function))
    })
}

fn a_full_pipe_is_left() -> Result<(), Failed> {
    let deaths = Running::new(
        workload(&["fork-loop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    let commands: [&[&str]; 3] = [
        &["exits", "--json"],
        &["dump", "--json", "-s", "0.02"],
        &["csv", "-r", "-w", "0.01"],
    ];
    for args in commands {
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            let mut run = Running::new(
                procviz()
                    .args(args)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null()),
            );
            let pid = run.pid();
            // Start processes here, too, so that `exits` has output without the workload.
            wait_until(&format!("{args:?} does not fill its pipe"), || {
                _ = Command::new("/bin/true").status();
                waits_in(pid, &["pipe_write", "anon_pipe_write"])
            });
            run.signal(signal);
            let status = end_of(&mut run);
            assert!(status.is_some(), "{args:?} runs on after {signal}");
            assert_eq!(
                shell_status(status.unwrap()),
                128 + signal as i32,
                "{args:?}"
            );
        }
        // A second signal ends procviz at once. It can arrive before the first is handled.
        let mut run = Running::new(
            procviz()
                .args(args)
                .stdout(Stdio::piped())
                .stderr(Stdio::null()),
        );
        let pid = run.pid();
        wait_until("the pipe does not fill", || {
            _ = Command::new("/bin/true").status();
            waits_in(pid, &["pipe_write", "anon_pipe_write"])
        });
        run.signal(SIGTERM);
        std::thread::sleep(Duration::from_millis(50));
        // The process can have exited already, so an error is ignored.
        _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), SIGINT);
        assert!(
            end_of(&mut run).is_some(),
            "{args:?} runs on after two signals"
        );
    }
    drop(deaths);
    Ok(())
}

/// A live view on a terminal whose output is not read.
fn on_a_terminal(args: &[&str]) -> (Running, OwnedFd) {
    pty::start(&[&["--view", "terminal"], args].concat())
}

/// The pid of procviz: `setsid` either becomes procviz (exec) or forks it as a child.
fn procviz_under(pid: u32) -> u32 {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    if name.starts_with("procviz") {
        return pid;
    }
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(children).unwrap_or_default();
    let first = children.split_whitespace().next();
    first.and_then(|pid| pid.parse().ok()).unwrap_or(pid)
}

fn a_terminal_that_stops_reading_is_left() -> Result<(), Failed> {
    for signal in [SIGTERM, SIGINT] {
        let (mut run, master) = on_a_terminal(&["-s", "0.1"]);
        let mut pid = 0;
        wait_until("the terminal does not fill", || {
            pid = procviz_under(run.pid());
            // The key `g` changes the grouping, so that a new picture is drawn.
            _ = nix::unistd::write(&master, b"g");
            waits_in(pid, &["n_tty_write", "tty_write", "wait_woken"])
        });
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid as i32), signal)?;
        assert!(end_of(&mut run).is_some(), "it runs on after {signal}");
        drop(master);
    }
    Ok(())
}

fn input_that_does_not_come_is_left() -> Result<(), Failed> {
    let folder = Folder::new("fifo");
    let fifo = folder.file("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::from_bits_truncate(0o600))?;
    let picture = folder.file("x.png");
    let picture = picture.to_string_lossy();
    let commands: [&[&str]; 6] = [
        &["check"],
        &["dump", "--from"],
        &["exits", "--from"],
        &["csv", "--from"],
        &["csv", "-r", "--from"],
        &["grid", "-o", &picture, "--from"],
    ];
    for args in commands {
        for has_writer in [false, true] {
            // With a writer that writes nothing, read() blocks and not open().
            let writer = has_writer.then(|| {
                std::fs::File::options()
                    .read(true)
                    .write(true)
                    .open(&fifo)
                    .unwrap()
            });
            let mut run = Running::new(
                procviz()
                    .args(args)
                    .arg(&fifo)
                    .stdout(Stdio::null())
                    .stderr(Stdio::null()),
            );
            std::thread::sleep(Duration::from_millis(300));
            run.signal(SIGTERM);
            let status = end_of(&mut run);
            assert!(status.is_some(), "{args:?} runs on");
            drop(writer);
        }
    }
    Ok(())
}

fn a_hang_up_is_quiet() -> Result<(), Failed> {
    let folder = Folder::new("hangup");
    let recording = folder.file("x.pvz");
    let made = output(
        procviz()
            .args(["record", "-s", "0.1", "--samples", "5", "-o"])
            .arg(&recording),
    );
    assert!(made.status.success());
    let recording = recording.to_string_lossy();
    for args in [&["-s", "0.1"] as &[&str], &["--from", &recording]] {
        for _ in 0..3 {
            let (mut run, master) = on_a_terminal(args);
            let master = std::fs::File::from(master);
            let mut bytes = vec![0; 1 << 16];
            let began = Instant::now();
            while began.elapsed() < Duration::from_secs(1) {
                // Read the output, so that procviz does not block.
                let mut fds = [PollFd::new(master.as_fd(), PollFlags::POLLIN)];
                if poll(&mut fds, PollTimeout::from(100u8))? > 0 {
                    _ = std::io::Read::read(&mut &master, &mut bytes);
                }
            }
            drop(master);
            let status = end_of(&mut run);
            assert_eq!(status.map(shell_status), Some(129), "{args:?}");
        }
    }
    Ok(())
}

fn a_command_decides_for_itself() -> Result<(), Failed> {
    let folder = Folder::new("decides");
    let file = folder.file("x.png");
    let mut command = procviz();
    command.args(["grid", "-s", "0.1", "-o"]).arg(&file);
    command.args([
        "--",
        "sh",
        "-c",
        "trap 'n=1$n' INT TERM; while [ \"$n\" != 111 ]; do sleep 0.05; done; exit 7",
    ]);
    let mut run = Running::new(command.stderr(Stdio::null()));
    std::thread::sleep(Duration::from_millis(800));
    for _ in 0..3 {
        run.signal(SIGTERM);
        std::thread::sleep(Duration::from_millis(1_300));
    }
    assert_eq!(end_of(&mut run).and_then(|status| status.code()), Some(7));
    assert!(file.exists());
    Ok(())
}

fn an_interrupted_picture_is_written() -> Result<(), Failed> {
    let folder = Folder::new("interrupted");
    for (name, signal) in [
        ("a.png", SIGINT),
        ("b.gif", SIGTERM),
        ("c.html", Signal::SIGHUP),
    ] {
        let file = folder.file(name);
        let mut command = procviz();
        command
            .args(["grid", "-s", "0.1", "--duration", "1h", "-o"])
            .arg(&file);
        let mut run = Running::new(command.stderr(Stdio::null()));
        std::thread::sleep(Duration::from_millis(1_000));
        run.signal(signal);
        let status = end_of(&mut run);
        assert_eq!(status.map(shell_status), Some(0), "{name}");
        assert!(file.exists(), "{name}");
    }
    Ok(())
}
