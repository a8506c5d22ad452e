//! A window on a display of its own, and a hand with a pointer and keys.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    os::fd::AsRawFd,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::support::{Running, has_program, output, procviz, skip};

/// Runs a test if the X server Xvfb and xdotool are installed.
pub(crate) fn display(test: fn() -> Result<(), Failed>) -> Result<(), Failed> {
    match ["Xvfb", "xdotool"]
        .into_iter()
        .find(|name| !has_program(name))
    {
        None => test(),
        Some(missing) => skip(&format!("{missing} is not installed")),
    }
}

/// An X server without a physical screen.
pub(crate) struct Screen {
    pub(crate) server: Running,
    pub(crate) name: String,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let number = writer.as_raw_fd();
        // The server inherits the file descriptor and writes its display number to it.
        nix::fcntl::fcntl(
            &writer,
            nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()),
        )
        .unwrap();
        let server = Running::new(
            Command::new("Xvfb")
                .args(["-displayfd", &number.to_string()])
                .args(["-screen", "0", "1300x900x24", "-nolisten", "tcp"])
                .stderr(Stdio::null()),
        );
        drop(writer);
        let mut line = String::new();
        BufReader::new(std::fs::File::from(reader))
            .read_line(&mut line)
            .unwrap();
        Self {
            server,
            name: format!(":{}", line.trim()),
        }
    }

    pub(crate) fn hand(&self, args: &[&str]) -> String {
        let result = output(
            Command::new("xdotool")
                .args(args)
                .env("DISPLAY", &self.name),
        );
        assert!(result.status.success(), "xdotool {args:?}: {result:?}");
        String::from_utf8(result.stdout).unwrap()
    }

    /// The pixels of a row of a window: red, green, blue.
    pub(crate) fn pixels(&self, window: &str, y: i16, width: u16) -> Vec<[u8; 3]> {
        use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat};
        let (connection, _) = x11rb::connect(Some(&self.name)).unwrap();
        let window = window.parse().unwrap();
        let image = connection.get_image(ImageFormat::Z_PIXMAP, window, 0, y, width, 1, !0);
        let data = image.unwrap().reply().unwrap().data;
        // Blue comes first.
        data.chunks_exact(4)
            .map(|pixel| [pixel[2], pixel[1], pixel[0]])
            .collect()
    }

    /// Sends the message of a window manager when the user clicks its close button.
    pub(crate) fn ask_to_close(&self, window: &str) {
        use x11rb::{
            connection::Connection as _,
            protocol::xproto::{ClientMessageEvent, ConnectionExt as _, EventMask},
        };
        let (connection, _) = x11rb::connect(Some(&self.name)).unwrap();
        let atom = |name: &str| {
            let cookie = connection.intern_atom(false, name.as_bytes()).unwrap();
            cookie.reply().unwrap().atom
        };
        let window = window.parse().unwrap();
        let words = [atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0];
        let message = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), words);
        let sent = connection.send_event(false, window, EventMask::NO_EVENT, message);
        sent.unwrap().check().unwrap();
        connection.flush().unwrap();
    }
}

/// The last places of all tasks that the view printed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) at: HashMap<u32, (i32, i32)>,
    pub(crate) tick: u64,
    pub(crate) clock: String,
    pub(crate) popups: Vec<u32>,
    /// The rows of the table, from the top: pids and places.
    pub(crate) rows: Vec<(u32, (i32, i32))>,
}

/// A window with procviz in it.
pub(crate) struct Shown<'a> {
    pub(crate) screen: &'a Screen,
    pub(crate) running: Running,
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
    pub(crate) window: String,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(screen: &'a Screen, args: &[&str]) -> Self {
        Self::at_scale(screen, "1", "1200x700", args)
    }

    /// Like `new`, with several pixels of the screen for a point of the program.
    pub(crate) fn at_scale(screen: &'a Screen, scale: &str, size: &str, args: &[&str]) -> Self {
        let mut running = Running::new(
            procviz()
                .env("WINIT_X11_SCALE_FACTOR", scale)
                .args(args)
                .args(["--size", size])
                .env("DISPLAY", &screen.name)
                // A compositor that has exited leaves its name behind.
                .env("WAYLAND_DISPLAY", "wayland-stale")
                .env("PROCVIZ_TEST_PLACES", "1")
                .stderr(Stdio::piped()),
        );
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let errors = BufReader::new(running.0.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in errors.lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        let mut shown = Self {
            screen,
            running,
            lines,
            window: String::new(),
        };
        shown.wait("picture", |_| true);
        let found = screen.hand(&["search", "--name", "^procviz$"]);
        shown.window = found.lines().next().unwrap().to_owned();
        screen.hand(&["windowfocus", "--sync", &shown.window]);
        shown
    }

    pub(crate) fn said(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    pub(crate) fn places(&self) -> Option<Places> {
        let lines = self.lines.lock().unwrap();
        let line = lines
            .iter()
            .rev()
            .find(|line| line.starts_with("places "))?;
        let mut places = Places::default();
        let mut words = line.split(' ').skip(1);
        while let Some(word) = words.next() {
            match word {
                "tick" => places.tick = words.next()?.parse().ok()?,
                "clock" => words.next()?.clone_into(&mut places.clock),
                "rows" => {
                    let rows = words.next().unwrap_or("").split(';');
                    places.rows = rows
                        .filter_map(|row| {
                            let (tid, at) = row.split_once('=')?;
                            let (x, y) = at.split_once(',')?;
                            Some((tid.parse().ok()?, (x.parse().ok()?, y.parse().ok()?)))
                        })
                        .collect();
                }
                "popups" => {
                    let popups = words.next().unwrap_or("");
                    places.popups = popups
                        .split(',')
                        .filter_map(|pid| pid.parse().ok())
                        .collect();
                }
                place => {
                    let (tid, at) = place.split_once(':')?;
                    let (x, y) = at.split_once(',')?;
                    places
                        .at
                        .insert(tid.parse().ok()?, (x.parse().ok()?, y.parse().ok()?));
                }
            }
        }
        Some(places)
    }

    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&Places) -> bool) -> Places {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let places = self.places();
            if let Some(places) = places.filter(&is_there) {
                return places;
            }
            assert!(
                Instant::now() < deadline,
                "timeout waiting for {what}: {}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn point(&self, (x, y): (i32, i32)) {
        let (x, y) = (x.to_string(), y.to_string());
        self.screen
            .hand(&["mousemove", "--window", &self.window, &x, &y]);
    }

    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            if let Some(status) = self.running.0.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(100));
                return (status.code(), self.said());
            }
            assert!(Instant::now() < deadline, "procviz does not exit");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
