//! Measures the cost of an exit in a storm of forks, and the slowdown of the storm.

use std::time::{Duration, Instant};

use anyhow::Result;
use procviz::source::{Exits, host, kernel::Kernel};

use super::{Row, load, median, own_cpu_ns};

const SECONDS: f64 = 5.0;

pub(super) fn run() -> Result<Vec<Row>> {
    let (mut free, mut watched, mut costs, mut lost) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for _ in 0..3 {
        free.push(storm(|| Ok(()))?);
        let mut exits = Exits::start(&host()?, Kernel::load()?, false, None)?;
        let mut seen = 0u64;
        let before = own_cpu_ns();
        watched.push(storm(|| {
            seen += exits.take()?.len() as u64;
            Ok(())
        })?);
        costs.push((own_cpu_ns() - before) / seen.max(1) as f64 / 1e3);
        lost += exits.tally().lost as f64;
    }
    let (free, watched) = (median(free), median(watched));
    Ok(vec![
        Row::new("forks per second without procviz, two cores", free, "/s"),
        Row::new("forks per second while procviz reads exits", watched, "/s"),
        Row::new("slowdown", (1.0 - watched / free) * 100.0, "%").bar("<= 10"),
        Row::new("user space per exit", median(costs), "us").bar("<= 0.3"),
        Row::new("exits lost in three storms", lost, "").bar("0"),
    ])
}

/// Runs two forking processes; returns the forks per second of both.
fn storm(mut meanwhile: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut children = Vec::new();
    for _ in 0..2 {
        children.push(load::spawn(&["storm", &SECONDS.to_string()])?);
    }
    let end = Instant::now() + Duration::from_secs_f64(SECONDS);
    while Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
        meanwhile()?;
    }
    let mut forks = 0.0;
    for mut child in children {
        let file = format!("/tmp/procviz-bench-storm-{}", child.id());
        child.wait()?;
        forks += std::fs::read_to_string(&file)?.parse::<f64>()?;
        std::fs::remove_file(&file)?;
    }
    Ok(forks / SECONDS)
}
