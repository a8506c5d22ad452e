//! Tries actions that a confined procviz must not be able to do. A test runs this
//! inside procviz, in builds with debug assertions.

use std::{fs::File, io, os::unix::process::CommandExt as _, path::Path, process::Command};

use nix::{errno::Errno, unistd::Pid};

/// Runs all attempts. Returns the name and the result of each: `ok`, or the name of
/// the error from the kernel.
pub(crate) fn all(elsewhere: &Path, victim: i32) -> Vec<(&'static str, String)> {
    let bpf = match crate::source::kernel::Kernel::load() {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    vec![
        (
            "exec",
            of_io(Err(Command::new("/nothing/of/that/name").exec())),
        ),
        ("spawn", of_io(Command::new("/bin/true").status().map(drop))),
        (
            "write",
            of_io(File::options().append(true).open(elsewhere).map(drop)),
        ),
        (
            "create",
            of_io(File::create_new(elsewhere.with_extension("new")).map(drop)),
        ),
        ("remove", of_io(std::fs::remove_file(elsewhere))),
        (
            "socket",
            of_io(std::net::UdpSocket::bind("127.0.0.1:0").map(drop)),
        ),
        ("unix", of_io(listen())),
        (
            "ptrace",
            of_nix(nix::sys::ptrace::attach(Pid::from_raw(victim))),
        ),
        (
            "kill",
            of_nix(nix::sys::signal::kill(
                Pid::from_raw(victim),
                nix::sys::signal::SIGTERM,
            )),
        ),
        (
            "mount",
            of_nix(nix::mount::mount(
                None::<&str>,
                "/mnt",
                Some("tmpfs"),
                nix::mount::MsFlags::empty(),
                None::<&str>,
            )),
        ),
        ("module", of_nix(nix::kmod::init_module(&[0], c""))),
        ("bpf", bpf),
        ("chroot", of_nix(nix::unistd::chroot("/"))),
        (
            "setuid",
            of_nix(nix::unistd::setuid(nix::unistd::Uid::from_raw(0))),
        ),
    ]
}

fn of_nix(outcome: nix::Result<()>) -> String {
    match outcome {
        Ok(()) => "ok".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

fn of_io(outcome: io::Result<()>) -> String {
    match outcome {
        Ok(()) => "ok".to_owned(),
        Err(error) => error.raw_os_error().map_or_else(
            || error.to_string(),
            |code| format!("{:?}", Errno::from_raw(code)),
        ),
    }
}

fn listen() -> io::Result<()> {
    use std::os::unix::net::{UnixDatagram, UnixListener};

    match UnixListener::bind("\0procviz-test").map(drop) {
        // The standard library refuses this name before it asks the kernel for a
        // socket, so ask for a socket without a name.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            UnixDatagram::unbound().map(drop)
        }
        outcome => outcome,
    }
}
