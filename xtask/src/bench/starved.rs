//! Measures whether a view answers on a machine with busy CPUs and hardly any free memory.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use super::{
    Row,
    live::{Ended, below, build, in_terminal},
    load::{Load, spawn},
};
use crate::ebpf::say;

/// Number of spinning threads per core.
const SPINNERS: usize = 20;
/// Memory limit of all processes, MiB.
const LIMIT: usize = 256;
/// Memory that is in use before procviz starts, MiB.
const USED: usize = 216;
const KEYS: usize = 50;
/// Timeout for the answer to a key.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the output of the terminal is checked.
const LOOK: Duration = Duration::from_millis(2);

pub(super) fn run() -> Result<Vec<Row>> {
    build()?;
    let cores = std::thread::available_parallelism()?.get();
    say(&format!(
        "{SPINNERS} spinning threads per core, {cores} cores"
    ));
    let group = MemoryGroup::new()?;
    let mut load = Load::none();
    load.add("spin", SPINNERS * cores)?;
    let _hog = Ended(group.enter(&["hold", &USED.to_string()])?);
    let typed = std::env::temp_dir().join(format!("procviz-starved-{}", std::process::id()));
    let mut viewer = view(&group, &typed)?;
    let mut hand = viewer.0.stdin.take().context("no stdin")?;
    let pid = below(viewer.0.id())?;
    let mut answers = Vec::new();
    // Pause the view, so that any output is an answer and not a new picture.
    hand.write_all(b"p")?;
    sleep(Duration::from_secs(3));
    for key in [b"?", b"x"].into_iter().cycle().take(KEYS) {
        let before = size(&typed);
        let asked = Instant::now();
        hand.write_all(key)?;
        while size(&typed) == before && asked.elapsed() < PATIENCE {
            sleep(LOOK);
        }
        answers.push(asked.elapsed().as_secs_f64());
        sleep(Duration::from_millis(150));
    }
    let used = group.figure("memory.usage_in_bytes")? as f64 / f64::from(1 << 20);
    say(&format!("{used:.0} of {LIMIT} MiB in use"));
    _ = Command::new("kill").arg(pid.to_string()).status();
    sleep(Duration::from_secs(1));
    _ = fs::remove_file(&typed);
    let in_time = answers.iter().filter(|seconds| **seconds <= 1.0).count();
    answers.sort_by(f64::total_cmp);
    let of = format!("{SPINNERS} spinning threads per core, {used:.0} of {LIMIT} MiB in use");
    let slow = answers.get(KEYS * 95 / 100).copied().unwrap_or(f64::NAN);
    Ok(vec![
        Row::new(
            format!("share of {KEYS} keys answered within 1 s: {of}"),
            in_time as f64 / KEYS as f64 * 100.0,
            "%",
        )
        .bar(">= 95"),
        Row::new("95 % of these keys were answered within", slow * 1e3, "ms"),
    ])
}

/// A view in a terminal of its own, in the cgroup with the memory limit.
fn view(group: &MemoryGroup, typed: &Path) -> Result<Ended> {
    let enter = format!("echo $$ > {};", group.0.join("cgroup.procs").display());
    let viewer = in_terminal(&enter, "", typed)?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !fs::read(typed).is_ok_and(|bytes| has_picture(&bytes)) {
        if Instant::now() > deadline {
            bail!("procviz has drawn no picture after 60 s");
        }
        sleep(Duration::from_millis(50));
    }
    Ok(viewer)
}

fn has_picture(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|part| part == b"watched")
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

/// A cgroup of version 1 with a low memory limit.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn new() -> Result<Self> {
        let name = format!("/sys/fs/cgroup/memory/procviz-bench-{}", std::process::id());
        fs::create_dir(&name).context("no memory controller of cgroup v1")?;
        let group = Self(name.into());
        let limit = (LIMIT << 20).to_string();
        fs::write(group.0.join("memory.limit_in_bytes"), limit)?;
        Ok(group)
    }

    /// Starts a workload in the cgroup.
    fn enter(&self, args: &[&str]) -> Result<Child> {
        let group = self.0.join("cgroup.procs");
        let path = group.to_str().context("the path is not UTF-8")?;
        spawn(&[&["in", path], args].concat())
    }

    fn figure(&self, name: &str) -> Result<u64> {
        Ok(fs::read_to_string(self.0.join(name))?.trim().parse()?)
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // The last processes of the cgroup can still be exiting.
        for _ in 0..50 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            sleep(Duration::from_millis(100));
        }
    }
}
