//! The table of results.

use std::path::Path;

use anyhow::Result;

use super::{
    Kernel,
    boot::{Outcome, text_of},
};
use crate::arch::Arch;

const HEAD: &str = "# Kernels that procviz was tried on

`cargo xtask vm` boots kernels of Debian in virtual machines (qemu without KVM, two CPUs) and runs the core suite of the end-to-end tests on each.

";

const NOTES: &str = "## What the tables say

- *missing*: exits that were neither reported nor counted as lost would make the run fail. *partial*: exit records that say that some figures are not known. *wrong*: figures that differ from those of wait4 in records that are not partial.
- Since 7.0 the kernel skips a tracepoint program that already runs on the same CPU. procviz reads the kernel's count of these (`recursion_misses`), and reports such an exit from the last `sched_switch` of the task.
- `7.1-often` and `newest-rt-often` run the three drivers of exits 20 times, and their numbers are sums.
- `6.12-locked` boots with `lockdown=confidentiality`: there are no kernel events, and `procviz doctor` says why.
- The suite: the programs load; exit records against wait4; every figure of every process against `/proc`; states; threads of io_uring; two capabilities alone; a pid namespace; no BTF; CPUs that come and go.
";

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
            let results = outcome.results.iter();
            let results = results.filter(|(found, _)| found == name);
            let results: Vec<&str> = results.map(|(_, result)| result.as_str()).collect();
            text.push_str(&format!(" {} |", sums(&results)));
        }
        text.push('\n');
    }
    text
}

/// The results of all runs of a test in one text: numbers are added up.
fn sums(results: &[&str]) -> String {
    let [first, rest @ ..] = results else {
        return "-".to_owned();
    };
    let mut words: Vec<String> = first.split(' ').map(str::to_owned).collect();
    for result in rest {
        for (sum, word) in words.iter_mut().zip(result.split(' ')) {
            if let (Ok(before), Ok(more)) = (sum.parse::<u64>(), word.parse::<u64>()) {
                *sum = (before + more).to_string();
            }
        }
    }
    words.join(" ")
}

/// Writes a table into the page; the tables of other architectures stay as they are.
pub(super) fn write(page: &Path, arch: Arch, table: &str) -> Result<()> {
    let older = std::fs::read_to_string(page).unwrap_or_default();
    let date = text_of(std::process::Command::new("date").args(["-u", "+%Y-%m-%d"]))?;
    let text = renewed(
        &older,
        arch,
        &format!("{}\n\n{table}", tried(arch, date.trim())),
    );
    std::fs::write(page, text)?;
    Ok(())
}

fn tried(arch: Arch, date: &str) -> String {
    let command = match arch {
        Arch::X86_64 => "cargo xtask vm".to_owned(),
        arch => format!("cargo xtask vm --arch {}", arch.name()),
    };
    format!("`{command}` wrote this table on {date}.")
}

/// The page with a new section of an architecture.
fn renewed(older: &str, arch: Arch, new: &str) -> String {
    let mut page = HEAD.to_owned();
    for one in Arch::ALL {
        let section = if one == arch {
            Some(new)
        } else {
            section(older, one)
        };
        if let Some(section) = section {
            page.push_str(&format!("## {}\n\n{}\n\n", one.name(), section.trim()));
        }
    }
    page.push_str(NOTES);
    page
}

/// The section of an architecture in a page.
fn section(page: &str, arch: Arch) -> Option<&str> {
    let (_, rest) = page.split_once(&format!("\n## {}\n", arch.name()))?;
    Some(
        rest.split_once("\n## ")
            .map_or(rest, |(section, _)| section),
    )
}

#[cfg(test)]
mod tests {
    use super::{Arch, renewed, section, sums};

    #[test]
    fn numbers_of_runs_are_added_up() {
        assert_eq!(
            sums(&["5 made, 1 lost", "7 made, 2 lost"]),
            "12 made, 3 lost"
        );
        assert_eq!(sums(&[]), "-");
    }

    #[test]
    fn a_run_for_one_architecture_keeps_the_table_of_the_other() {
        let page = renewed("", Arch::X86_64, "one\n");
        assert_eq!(section(&page, Arch::Aarch64), None);
        let page = renewed(&page, Arch::Aarch64, "two\n");
        let page = renewed(&page, Arch::X86_64, "three\n");
        let expected = "\n## x86_64\n\nthree\n\n## aarch64\n\ntwo\n\n## ";
        assert!(page.contains(expected), "{page}");
        assert_eq!(page, renewed(&page, Arch::Aarch64, "two"));
    }
}
