//! Measures the CPU time of procviz, and of other programs in the same run. It does not
//! judge the results: see BENCHMARKS.md.

mod draw;
mod live;
mod load;
mod machine;
mod peers;
mod record;
mod recorded;
mod sample;
mod scale;
mod signal;
mod starved;
mod storm;
mod switch;
mod week;

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

pub(crate) use load::run as run_load;
pub(crate) use week::make_at as make_week;

use crate::ebpf::{root, say};

/// One measured value.
#[derive(Serialize)]
pub(crate) struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    /// Target: an upper or lower limit for the value, such as `<= 5`.
    bar: Option<String>,
}

impl Row {
    fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            what: what.into(),
            value,
            unit,
            bar: None,
        }
    }

    fn bar(mut self, bar: impl Into<String>) -> Self {
        self.bar = Some(bar.into());
        self
    }

    /// Whether the value is not within its target.
    fn misses(&self) -> bool {
        let Some(bar) = &self.bar else { return false };
        let words: Vec<&str> = bar.split(' ').collect();
        match words.as_slice() {
            ["<=", most, ..] => !most.parse().is_ok_and(|most: f64| self.value <= most),
            [">=", least, ..] => !least.parse().is_ok_and(|least: f64| self.value >= least),
            [exactly] => !exactly.parse().is_ok_and(|value: f64| self.value == value),
            _ => false,
        }
    }
}

/// A part of the benchmark: its name and its function.
type Part = (&'static str, fn() -> Result<Vec<Row>>);

/// Builds xtask in release mode and runs the benchmark in it. Needs root.
pub(crate) fn run(parts: &[&str]) -> Result<()> {
    let status = std::process::Command::new("cargo")
        .args([
            "run",
            "--quiet",
            "--release",
            "--package",
            "xtask",
            "--",
            "bench-here",
        ])
        .args(parts)
        .current_dir(root()?)
        .status()
        .context("failed to run cargo")?;
    ensure!(status.success(), "the benchmark failed");
    Ok(())
}

/// Measures, prints a table and writes JSON.
pub(crate) fn run_here(parts: &[&str]) -> Result<()> {
    let mut rows = Vec::new();
    let all: [Part; 11] = [
        ("draw", draw::run),
        ("switch", switch::run),
        ("signal", signal::run),
        ("storm", storm::run),
        ("sample", sample::run),
        ("scale", scale::run),
        ("record", record::run),
        ("recorded", recorded::run),
        ("week", week::run),
        ("live", live::run),
        ("starved", starved::run),
    ];
    for (_, part) in all
        .iter()
        .filter(|(name, _)| parts.is_empty() || parts.contains(name))
    {
        rows.extend(part()?);
    }
    let machine = machine::facts()?;
    let path = root()?.join("target/bench.json");
    let all = serde_json::json!({"machine": machine, "rows": rows});
    std::fs::write(&path, serde_json::to_string_pretty(&all)?)?;
    say(&machine);
    say(&table(&rows)?);
    for row in rows.iter().filter(|row| row.misses()) {
        let bar = row.bar.as_deref().unwrap_or("");
        say(&format!(
            "missed: {}: {:.3}, target {bar}",
            row.what, row.value
        ));
    }
    say(&format!("written to `{}`", path.display()));
    Ok(())
}

fn table(rows: &[Row]) -> Result<String> {
    let mut out = String::from("| what | measured | target |\n|---|---|---|\n");
    for row in rows {
        writeln!(
            out,
            "| {} | {:.3} {} | {} |",
            row.what,
            row.value,
            row.unit,
            row.bar.as_deref().unwrap_or("")
        )?;
    }
    Ok(out)
}

/// The median of some values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// CPU time that this process has used, ns.
fn own_cpu_ns() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
