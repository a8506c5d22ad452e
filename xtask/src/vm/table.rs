//! The table of results.

use anyhow::Result;

use super::{
    Kernel,
    boot::{Outcome, text_of},
};

/// The results that are columns, and their headings.
const COLUMNS: &[(&str, &str)] = &[
    ("deaths", "450 children of 14 kinds"),
    ("groups", "60 groups of 9, killed at once"),
    ("bursts", "forks as fast as possible, 3 s"),
    ("hotplug", "a CPU goes and comes"),
];

/// The table in Markdown.
pub(super) fn text(rows: &[(&'static Kernel, Outcome)]) -> String {
    let mut text = String::from("| kernel | release | tests passed |");
    for (_, heading) in COLUMNS {
        text.push_str(&format!(" {heading} |"));
    }
    text.push_str("\n|---|---|---|");
    text.push_str(&"---|".repeat(COLUMNS.len()));
    text.push('\n');
    for (kernel, outcome) in rows {
        let release = outcome.release.as_deref().unwrap_or("did not boot");
        let failed = match outcome.failed.len() {
            0 => String::new(),
            count => format!(", {count} failed"),
        };
        let name = kernel.name;
        text.push_str(&format!(
            "| {name} | {release} | {}{failed} |",
            outcome.passed
        ));
        for (name, _) in COLUMNS {
            let result = outcome.results.iter().find(|(found, _)| found == name);
            let result = result.map_or("-", |(_, result)| result.as_str());
            text.push_str(&format!(" {result} |"));
        }
        text.push('\n');
    }
    text
}

/// The page `docs/KERNELS.md`.
pub(super) fn page(table: &str) -> Result<String> {
    let date = text_of(std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    Ok(format!(
        "# Kernels that procviz was tried on\n\n\
         `cargo xtask vm` boots kernels of Debian in virtual machines (qemu without KVM, two CPUs) and runs the core suite of the end-to-end tests on each. \
         It wrote this page on {}.\n\n{table}\n\
         - *missing*: exits that were neither reported nor counted as lost would make the run fail. \
         *partial*: exit records that say that some figures are not known. *wrong*: figures that differ from those of wait4 in records that are not partial.\n\
         - Since 7.0 the kernel skips a tracepoint program that already runs on the same CPU. procviz reads the kernel's count of these (`recursion_misses`), and reports such an exit from the last `sched_switch` of the task.\n\
         - `6.12-locked` boots with `lockdown=confidentiality`: there are no kernel events, and `procviz doctor` says why.\n\
         - The suite: the programs load; exit records against wait4; every figure of every process against `/proc`; states; threads of io_uring; two capabilities alone; a pid namespace; no BTF; CPUs that come and go.\n",
        date.trim()
    ))
}
