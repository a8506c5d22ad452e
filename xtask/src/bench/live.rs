//! Measures a live view: CPU time of the whole program, its memory, and the bytes that the
//! terminal gets.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{Row, load::Load};
use crate::ebpf::{root, say};

/// How long a view runs before it is measured.
const BEFORE: Duration = Duration::from_secs(6);
/// How long a view is measured.
const WATCHED: Duration = Duration::from_secs(20);

pub(super) fn run() -> Result<Vec<Row>> {
    build()?;
    let mut rows = Vec::new();
    let mut load = Load::none();
    say("2,000 threads, 40 active");
    load.add_mixed(2_000, 40)?;
    let terminal = of(View::Terminal, "1")?;
    rows.push(terminal.cpu("terminal 120x40, 1 Hz, 2,000 threads, 40 active", 1));
    rows.push(terminal.memory("terminal", 20));
    let bytes = terminal.bytes_a_frame.context("no bytes were counted")?;
    rows.push(
        Row::new(
            "bytes to the terminal per frame, 2,000 threads, 40 active",
            bytes,
            "bytes",
        )
        .bar("<= 2048"),
    );
    let terminal = of(View::Terminal, "0.1")?;
    rows.push(terminal.cpu("terminal 120x40, 10 Hz, 2,000 threads, 40 active", 5));
    let has_display = Command::new("Xvfb")
        .arg("-version")
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if has_display {
        let window = of(View::Window, "1")?;
        rows.push(window.cpu("window 1200x800, 1 Hz, 2,000 threads, 40 active", 2));
        rows.push(window.memory("window", 60));
    }
    drop(load);
    say("limit for own CPU time");
    rows.push(limited(3)?);
    say("20,000 threads, 200 active");
    let mut load = Load::none();
    load.add_mixed(20_000, 200)?;
    let terminal = of(View::Terminal, "1")?;
    rows.push(terminal.cpu("terminal 120x40, 1 Hz, 20,000 threads, 200 active", 5));
    if has_display {
        let window = of(View::Window, "1")?;
        rows.push(window.cpu("window 1200x800, 1 Hz, 20,000 threads, 200 active", 5));
    }
    Ok(rows)
}

/// The program that is measured.
pub(super) fn program() -> Result<PathBuf> {
    Ok(root()?.join("target/release/procviz"))
}

pub(super) fn build() -> Result<()> {
    let status = Command::new("cargo")
        .args(["build", "--quiet", "--release", "--package", "procviz"])
        .current_dir(root()?)
        .status()?;
    ensure!(status.success(), "failed to build procviz");
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum View {
    Terminal,
    Window,
}

struct Cost {
    /// CPU time, percent of one core.
    percent: f64,
    rss_mb: f64,
    bytes_a_frame: Option<f64>,
}

impl Cost {
    fn cpu(&self, what: &str, bar: u32) -> Row {
        Row::new(what, self.percent, "% of a core").bar(format!("<= {bar}"))
    }

    fn memory(&self, what: &str, bar: u32) -> Row {
        Row::new(
            format!("resident set, {what}, 2,000 threads"),
            self.rss_mb,
            "MB",
        )
        .bar(format!("<= {bar}"))
    }
}

/// A child process. Dropping the value kills the process.
pub(super) struct Ended(pub(super) Child);

impl Drop for Ended {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

fn of(view: View, interval: &str) -> Result<Cost> {
    let procviz = program()?;
    let typed = std::env::temp_dir().join(format!("procviz-bench-{}", std::process::id()));
    let (_server, viewer) = match view {
        View::Terminal => {
            let args = format!("-s {interval} --max-cpu 0");
            (None, in_terminal("", &args, &typed)?)
        }
        View::Window => {
            let (server, display) = display()?;
            let viewer = Command::new(&procviz)
                .args(["--view", "window", "--size", "1200x800", "-s", interval])
                .args(["--max-cpu", "0"])
                .env("DISPLAY", display)
                .env_remove("WAYLAND_DISPLAY")
                .spawn()?;
            (Some(server), Ended(viewer))
        }
    };
    sleep(BEFORE);
    let pid = match view {
        View::Window => viewer.0.id(),
        View::Terminal => below(viewer.0.id())?,
    };
    let bytes = || fs::metadata(&typed).map_or(0, |meta| meta.len());
    let (cpu, began, written) = (cpu_ns(pid)?, Instant::now(), bytes());
    sleep(WATCHED);
    let used = (cpu_ns(pid)? - cpu) as f64;
    let elapsed = began.elapsed();
    let frames = elapsed.as_secs_f64() / interval.parse::<f64>()?;
    let cost = Cost {
        percent: used / elapsed.as_nanos() as f64 * 100.0,
        rss_mb: rss_mb(pid)?,
        bytes_a_frame: (view == View::Terminal).then(|| (bytes() - written) as f64 / frames),
    };
    // SIGTERM, so that the view restores its terminal.
    _ = Command::new("kill").arg(pid.to_string()).status();
    sleep(Duration::from_millis(500));
    _ = fs::remove_file(&typed);
    Ok(cost)
}

/// A view in a terminal of its own, below a shell that runs `before` first. The output to
/// the terminal goes to the file `typed`, and keys come from the pipe on stdin.
pub(super) fn in_terminal(before: &str, args: &str, typed: &Path) -> Result<Ended> {
    let procviz = program()?;
    let line = format!(
        "{before} stty rows 40 cols 120; exec {} --view terminal {args}",
        procviz.display()
    );
    let viewer = Command::new("script")
        .args(["--quiet", "--flush", "--command", &line])
        .arg(typed)
        .env("TERM", "xterm-256color")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("failed to run script(1)")?;
    Ok(Ended(viewer))
}

/// Largest CPU time of any ten seconds while a view needs more than its limit (100 samples
/// per second of a storm of forks), percent of a core.
fn limited(percent: u32) -> Result<Row> {
    let mut storm = Load::none();
    storm.run(&["storm", "45"])?;
    let typed = std::env::temp_dir().join(format!("procviz-bench-{}", std::process::id()));
    let viewer = in_terminal("", &format!("-F 100 --max-cpu {percent}"), &typed)?;
    sleep(Duration::from_secs(2));
    let pid = below(viewer.0.id())?;
    let mut looks = Vec::new();
    for _ in 0..60 {
        looks.push((Instant::now(), cpu_ns(pid)?));
        sleep(Duration::from_millis(500));
    }
    _ = Command::new("kill").arg(pid.to_string()).status();
    sleep(Duration::from_millis(500));
    _ = fs::remove_file(&typed);
    let share = |(before, after): (&(Instant, u64), &(Instant, u64))| {
        (after.1 - before.1) as f64 / (after.0 - before.0).as_nanos() as f64 * 100.0
    };
    let most = looks
        .iter()
        .zip(looks.iter().skip(20))
        .map(share)
        .fold(0.0, f64::max);
    Ok(Row::new(
        format!("maximum of any 10 s: --max-cpu {percent} -F 100 in a storm of forks"),
        most,
        "% of a core",
    )
    .bar(format!("<= {:.1}", f64::from(percent) * 1.2)))
}

/// An X server without a physical screen, and its display name.
fn display() -> Result<(Ended, String)> {
    let mut server = Command::new("Xvfb")
        .args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1300x900x24",
            "-nolisten",
            "tcp",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(server.stdout.take().context("no stdout")?).read_line(&mut line)?;
    Ok((Ended(server), format!(":{}", line.trim())))
}

/// The pid of the procviz that a `script` runs: procviz has replaced its shell (exec).
pub(super) fn below(pid: u32) -> Result<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    let child = children
        .split_whitespace()
        .next()
        .context("procviz does not run")?;
    Ok(child.parse()?)
}

/// CPU time of all current threads of a process, ns. No thread of procviz exits while a
/// view is shown.
pub(super) fn cpu_ns(pid: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(PathBuf::from(format!("/proc/{pid}/task")))? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += text
            .split(' ')
            .next()
            .context("`schedstat` is empty")?
            .parse::<u64>()?;
    }
    Ok(sum)
}

fn rss_mb(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .context("no `VmRSS` in `status`")?;
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .context("`VmRSS` has no value")?
        .parse()?;
    Ok(kib * 1024.0 / 1e6)
}
