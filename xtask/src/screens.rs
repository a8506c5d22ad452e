//! Takes screenshots of the live views on a display without a physical screen.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, ensure};

/// Programs that the screenshots need besides procviz.
const NEEDED: &str = "Xvfb, xdotool, xterm, import, chromium (packages xvfb xdotool xterm imagemagick fonts-dejavu-core chromium)";

/// Writes `window.png` and `terminal.png`; `path` is a `PATH` that has procviz.
pub(crate) fn photograph(docs: &Path, path: &str) -> Result<()> {
    let display = Display::start()?;
    let mut window = display.run("procviz", &["--require-ebpf", "--size", "1200x700"], path)?;
    display.take_picture("procviz", (1200, 700), &docs.join("window.png"))?;
    end(&mut window)?;
    let terminal = [
        "-geometry",
        "120x40",
        "-fa",
        "DejaVu Sans Mono",
        "-fs",
        "10",
        "-b",
        "0",
        "-e",
        "procviz",
        "--require-ebpf",
        "--view",
        "terminal",
    ];
    let mut terminal = display.run("xterm", &terminal, path)?;
    display.take_picture("procviz|xterm", (0, 0), &docs.join("terminal.png"))?;
    end(&mut terminal)
}

/// Records an incident with a ring, and draws the recording: in a window, and as a page in
/// a browser.
pub(crate) fn incident(docs: &Path, path: &str, folder: &Path) -> Result<()> {
    let kept = folder.join("incident/");
    let mut ring = Command::new("procviz")
        .args(["record", "--ring", "15s", "--after", "15s"])
        .args(["--on", "finding:deaths", "-o"])
        .arg(&kept)
        .env("PATH", path)
        .spawn()?;
    sleep(Duration::from_secs(25));
    let pid = i32::try_from(ring.id())?;
    // SAFETY: `pid` is a child that has not been waited for yet.
    unsafe { libc::kill(pid, libc::SIGINT) };
    ring.wait()?;
    // The README quotes this output.
    let told = Command::new("procviz")
        .args(["findings", "--from"])
        .arg(&kept)
        .env("PATH", path)
        .status()?;
    ensure!(told.success(), "`procviz findings` failed");
    let display = Display::start()?;
    let from = kept.display().to_string();
    let size = ["--size", "1200x700", "--at", "-2s"];
    let args = [&["--from", &from][..], &size].concat();
    let mut window = display.run("procviz", &args, path)?;
    display.take_picture("procviz", (1200, 700), &docs.join("replay.png"))?;
    end(&mut window)?;
    let page = folder.join("ticket.html");
    let drawn = Command::new("procviz")
        .args(["--from", &from, "--size", "1300x560", "-o"])
        .arg(&page)
        .env("PATH", path)
        .status()?;
    ensure!(drawn.success(), "failed to draw the page");
    let shot = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
        ])
        .args(["--disable-background-networking", "--hide-scrollbars"])
        .args(["--window-size=1330,1000", "--virtual-time-budget=3000"])
        .arg(format!(
            "--user-data-dir={}",
            folder.join("browser").display()
        ))
        .arg(format!("--screenshot={}", docs.join("page.png").display()))
        .arg(format!("file://{}", page.display()))
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("failed to run `chromium`; required are {NEEDED}"))?;
    ensure!(shot.success(), "chromium took no screenshot");
    Ok(())
}

fn end(child: &mut Child) -> Result<()> {
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// An X server without a physical screen.
struct Display {
    server: Child,
    name: String,
}

impl Drop for Display {
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

impl Display {
    fn start() -> Result<Self> {
        // The server prints its display number on stdout.
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1400x1000x24",
                "-noreset",
            ])
            .args(["-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("failed to run `Xvfb`; required are {NEEDED}"))?;
        let mut line = String::new();
        let stdout = server.stdout.take().context("no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self {
            server,
            name: format!(":{}", line.trim()),
        })
    }

    fn run(&self, program: &str, args: &[&str], path: &str) -> Result<Child> {
        let child = Command::new(program)
            .args(args)
            .env("PATH", path)
            .env("DISPLAY", &self.name)
            .env("LANG", "C.UTF-8")
            .env("COLORTERM", "truecolor")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("NO_COLOR")
            .spawn()
            .with_context(|| format!("failed to run `{program}`; required are {NEEDED}"))?;
        sleep(Duration::from_secs(9));
        Ok(child)
    }

    /// Pins the first finding and takes a screenshot of the window.
    fn take_picture(&self, name: &str, (width, height): (u32, u32), file: &Path) -> Result<()> {
        let found = self.tool("xdotool", &["search", "--onlyvisible", "--name", name])?;
        let window = found.lines().next().context("no window")?.to_owned();
        self.tool("xdotool", &["windowfocus", "--sync", &window])?;
        for key in ["n", "Return"] {
            self.tool("xdotool", &["key", key])?;
        }
        sleep(Duration::from_millis(2_500));
        let mut args = vec!["-window".to_owned(), window];
        if width > 0 {
            args.extend(["-crop".to_owned(), format!("{width}x{height}+0+0")]);
        }
        args.push(file.display().to_string());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.tool("import", &args)?;
        Ok(())
    }

    fn tool(&self, program: &str, args: &[&str]) -> Result<String> {
        let output = Command::new(program)
            .args(args)
            .env("DISPLAY", &self.name)
            .output()
            .with_context(|| format!("failed to run `{program}`; required are {NEEDED}"))?;
        ensure!(
            output.status.success(),
            "{program} {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }
}
