//! Measures a recording of real tasks, and one of atop.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::{
    Row,
    live::{Ended, build, cpu_ns},
    load::Load,
};
use crate::ebpf::say;

/// How long a recorder runs before it is measured.
const BEFORE: Duration = Duration::from_secs(4);
/// How long a recorder is measured: two keyframes.
const WATCHED: Duration = Duration::from_secs(60);

pub(super) fn run() -> Result<Vec<Row>> {
    build()?;
    let folder = std::env::temp_dir().join(format!("procviz-bench-{}", std::process::id()));
    fs::create_dir(&folder)?;
    let mut rows = Vec::new();
    for (threads, active, hz, bars) in [
        (2_000, 40, 10, (Some("<= 0.5".to_owned()), None)),
        (20_000, 200, 1, (None, Some("<= 1".to_owned()))),
    ] {
        say(&format!("{threads} threads, {active} active"));
        let mut load = Load::none();
        load.add_mixed(threads, active)?;
        let what = format!("{threads} threads, {active} active");
        let file = folder.join(format!("{threads}.pvz"));
        let procviz = Command::new(super::live::program()?)
            .args(["record", "-F", &hz.to_string(), "-o"])
            .arg(&file)
            .stderr(Stdio::null())
            .spawn()?;
        let (bytes, percent) = watch(procviz, &file)?;
        let samples = (threads * hz) as f64 * WATCHED.as_secs_f64();
        let mut size = Row::new(
            format!("recording, {what}, {hz} Hz"),
            bytes / samples,
            "bytes per task and sample",
        );
        size.bar = bars.0;
        let mut cpu = Row::new("... total CPU time", percent, "% of a core");
        cpu.bar = bars.1;
        rows.extend([size, cpu]);
        let file = folder.join("atop");
        let mut atop = Command::new("atop");
        atop.arg("-w").arg(&file).arg("1");
        if let Ok(atop) = atop.stderr(Stdio::null()).spawn() {
            let (bytes, percent) = watch(atop, &file)?;
            rows.push(Row::new(
                format!("atop -w, {what}, 1 Hz"),
                bytes / threads as f64 / WATCHED.as_secs_f64(),
                "bytes per task and sample",
            ));
            rows.push(Row::new("... total CPU time", percent, "% of a core"));
        }
        _ = fs::remove_file(&file);
    }
    fs::remove_dir_all(&folder)?;
    Ok(rows)
}

/// Growth of a file, bytes, and CPU time of a process, percent of a core.
fn watch(child: Child, file: &Path) -> Result<(f64, f64)> {
    let child = Ended(child);
    let pid = child.0.id();
    sleep(BEFORE);
    let bytes = || -> Result<u64> {
        let meta = fs::metadata(file).with_context(|| format!("no file `{}`", file.display()))?;
        Ok(meta.len())
    };
    let (cpu, began, before) = (cpu_ns(pid)?, Instant::now(), bytes()?);
    sleep(WATCHED);
    let used = (cpu_ns(pid)? - cpu) as f64;
    let percent = used / began.elapsed().as_nanos() as f64 * 100.0;
    Ok(((bytes()? - before) as f64, percent))
}
