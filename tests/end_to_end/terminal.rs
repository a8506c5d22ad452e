//! A real terminal: tmux gives the screen that a user would see.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::support::{has_program, output, skip};

/// Runs a test if tmux is installed.
pub(crate) fn tmux(test: fn() -> Result<(), Failed>) -> Result<(), Failed> {
    if has_program("tmux") {
        test()
    } else {
        skip("tmux is not installed")
    }
}

/// A shell in a terminal of its own.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    pub(crate) fn new(columns: u32, rows: u32, environment: &[&str]) -> Self {
        static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let terminal = Self {
            socket: format!("procviz-{}-{number}", std::process::id()),
        };
        let (x, y) = (columns.to_string(), rows.to_string());
        let shell = format!(
            "env -u NO_COLOR -u COLORTERM -u DISPLAY -u WAYLAND_DISPLAY LANG=C.UTF-8 PS1='ready$ ' {} sh -i",
            environment.join(" ")
        );
        let status = terminal
            .command(&[
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                &x,
                "-y",
                &y,
                &shell,
            ])
            .status()
            .unwrap();
        assert!(status.success(), "tmux does not start");
        terminal.wait("prompt", |text| text.contains("ready$"));
        terminal
    }

    /// Runs procviz in the shell and waits for its first picture.
    pub(crate) fn procviz(columns: u32, rows: u32, environment: &[&str], args: &str) -> Self {
        let terminal = Self::new(columns, rows, environment);
        terminal.type_in(&format!("{} {args}", env!("CARGO_BIN_EXE_procviz")));
        terminal.keys(&["Enter"]);
        terminal.wait("picture", |text| text.contains("watched"));
        terminal
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command
            .args(["-L", &self.socket])
            .args(args)
            .env_remove("TMUX");
        command
    }

    pub(crate) fn keys(&self, keys: &[&str]) {
        let mut args = vec!["send-keys"];
        args.extend(keys);
        assert!(self.command(&args).status().unwrap().success());
    }

    /// Types Escape, and waits: the pause distinguishes the key from an escape sequence.
    pub(crate) fn escape(&self) {
        self.keys(&["Escape"]);
        std::thread::sleep(Duration::from_millis(100));
    }

    pub(crate) fn type_in(&self, text: &str) {
        let args = ["send-keys", "-l", text];
        assert!(self.command(&args).status().unwrap().success());
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(output(&mut self.command(&["capture-pane", "-p"])).stdout).unwrap()
    }

    /// The text of the screen with its escape sequences for colours.
    pub(crate) fn colored(&self) -> String {
        String::from_utf8(output(&mut self.command(&["capture-pane", "-p", "-e"])).stdout).unwrap()
    }

    /// Whether a program uses the alternate screen.
    pub(crate) fn is_taken(&self) -> bool {
        let args = ["display-message", "-p", "#{alternate_on}#{mouse_any_flag}"];
        output(&mut self.command(&args)).stdout.starts_with(b"1")
    }

    /// Presses q, and waits for the screen before and the last line.
    pub(crate) fn quit(&self) {
        self.keys(&["q"]);
        // A live view has these words, too.
        self.wait("last line", |text| {
            !self.is_taken() && text.contains("kernel events seen")
        });
    }

    pub(crate) fn resize(&self, columns: u32, rows: u32) {
        let (x, y) = (columns.to_string(), rows.to_string());
        let args = ["resize-window", "-x", &x, "-y", &y];
        assert!(self.command(&args).status().unwrap().success());
    }

    /// Waits until the screen is as expected, and returns its text.
    pub(crate) fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + Duration::from_secs(15);
        loop {
            let text = self.text();
            if is_there(&text) {
                return text;
            }
            assert!(
                Instant::now() < deadline,
                "timeout waiting for {what}:\n{text}"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        _ = self.command(&["kill-server"]).status();
    }
}
