//! Finds the display to open a window on.

use std::{
    ffi::OsString,
    os::unix::net::{SocketAddr, UnixStream},
    path::{Path, PathBuf},
};

use anyhow::anyhow;

use crate::runtime::text::escaped;
#[cfg(feature = "window")]
use winit::{
    event_loop::EventLoop, platform::wayland::EventLoopBuilderExtWayland,
    platform::x11::EventLoopBuilderExtX11,
};

/// A display that accepts connections.
#[derive(Debug)]
pub(super) enum Display {
    /// A Wayland compositor. `env` is the path of its socket if the environment does not
    /// name the socket.
    Wayland { env: Option<PathBuf> },
    /// The X server that `DISPLAY` names.
    X11 {
        /// The file with the key to the server, if the environment does not name a file.
        xauthority: Option<PathBuf>,
        /// A connection that is kept until the window is there: an X server resets itself
        /// when its last client leaves.
        _held: Option<UnixStream>,
    },
}

/// Whether to use displays that ssh forwards: these are slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarded {
    Counts,
    No,
}

impl Display {
    /// The first display that accepts connections.
    ///
    /// # Errors
    ///
    /// Why there is none, in one line.
    pub(super) fn find(forwarded: Forwarded) -> Result<Self, String> {
        let mut missing = Vec::new();
        match wayland_socket() {
            Some(socket) if UnixStream::connect(&socket).is_ok() => {
                let is_named = set("WAYLAND_DISPLAY").is_some();
                return Ok(Self::Wayland {
                    env: (!is_named).then_some(socket),
                });
            }
            Some(socket) => missing.push(format!("no answer at {}", escaped(socket))),
            None => missing.push("WAYLAND_DISPLAY is not set".to_owned()),
        }
        match std::env::var("DISPLAY")
            .ok()
            .filter(|name| !name.is_empty())
        {
            None => missing.push("DISPLAY is not set".to_owned()),
            Some(name) => match x11(&name, forwarded) {
                Ok(held) => {
                    return Ok(Self::X11 {
                        xauthority: xauthority_of_the_user(),
                        _held: held,
                    });
                }
                Err(why) => missing.push(why),
            },
        }
        Err(missing.join(", "))
    }

    /// The event loop of a window on this display.
    #[cfg(feature = "window")]
    pub(super) fn event_loop(&self) -> anyhow::Result<EventLoop<()>> {
        let mut builder = EventLoop::builder();
        match self {
            Self::Wayland { env } => {
                if let Some(socket) = env {
                    return Err(restart_with("WAYLAND_DISPLAY", socket));
                }
                builder.with_wayland();
            }
            Self::X11 { xauthority, .. } => {
                if let Some(path) = xauthority {
                    return Err(restart_with("XAUTHORITY", path));
                }
                builder.with_x11();
            }
        }
        builder.build().map_err(|_| {
            anyhow!(
                "the display refused a window (is XAUTHORITY set?): use `-o FILE` or `--view terminal` instead"
            )
        })
    }
}

/// Restarts procviz with a variable that sudo took out of the environment: the
/// environment of a running process must not change. Returns only on failure.
#[cfg(feature = "window")]
fn restart_with(name: &str, value: &Path) -> anyhow::Error {
    use std::os::unix::process::CommandExt as _;
    let error = std::env::current_exe().map(|myself| {
        std::process::Command::new(myself)
            .args(std::env::args_os().skip(1))
            .env(name, value)
            .exec()
    });
    anyhow!(
        "failed to restart procviz with `{name}`: {}",
        error.unwrap_or_else(|error| error)
    )
}

fn wayland_socket() -> Option<PathBuf> {
    let name = set("WAYLAND_DISPLAY");
    let folder = set("XDG_RUNTIME_DIR").map(PathBuf::from);
    match (name, folder) {
        (Some(name), _) if Path::new(&name).is_absolute() => Some(name.into()),
        (Some(name), Some(folder)) => Some(folder.join(name)),
        // sudo removes both variables: try the usual socket of the user's compositor.
        (None, None) => {
            let uid = set("SUDO_UID")?.into_string().ok()?.parse::<u32>().ok()?;
            let socket = PathBuf::from(format!("/run/user/{uid}/wayland-0"));
            socket.exists().then_some(socket)
        }
        _ => None,
    }
}

fn x11(name: &str, forwarded: Forwarded) -> Result<Option<UnixStream>, String> {
    let (host, rest) = name.rsplit_once(':').unwrap_or(("", ""));
    let number: u32 = rest
        .split('.')
        .next()
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| format!("invalid DISPLAY {name:?}"))?;
    if !host.is_empty() && host != "unix" {
        return match forwarded {
            Forwarded::Counts => Ok(None),
            Forwarded::No => Err(format!(
                "DISPLAY {name} is forwarded and slow (`--view window` uses it)"
            )),
        };
    }
    let path = format!("/tmp/.X11-unix/X{number}");
    let by_name = {
        use std::os::linux::net::SocketAddrExt as _;
        SocketAddr::from_abstract_name(&path)
    };
    let stream = UnixStream::connect(&path)
        .or_else(|_| by_name.and_then(|address| UnixStream::connect_addr(&address)));
    stream
        .map(Some)
        .map_err(|_| format!("no answer at DISPLAY {name}"))
}

/// The file with the key to the X server; under sudo, the file of the user.
fn xauthority_of_the_user() -> Option<PathBuf> {
    if set("XAUTHORITY").is_some() {
        return None;
    }
    let user = set("SUDO_USER")?.into_string().ok()?;
    let home = crate::source::accounts::by_name(&user).ok()??.home;
    let path = home.join(".Xauthority");
    path.exists().then_some(path)
}

fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
