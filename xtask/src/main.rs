//! Runs the development tasks of procviz.
//!
//! - `cargo xtask ebpf` builds the eBPF object. With `--check` it builds a new object and
//!   compares it with the committed one; with `--log` it builds an object that logs.
//! - `cargo xtask bench` measures what procviz costs.
//! - `cargo xtask docs` draws the README's pictures and writes the man page and the
//!   completions.
//! - `cargo xtask culprits` runs the tests of pictures beside a build, and those of healthy
//!   loads for a minute each.
//! - `cargo xtask vm` runs the core suite of the tests on other kernels.
//! - `cargo xtask dist` makes the release files. With `--check` it unpacks and runs them.
//!   `vm` and `dist` are for x86_64; `--arch aarch64` is for another architecture.

mod arch;
mod bench;
mod culprits;
mod dist;
mod docs;
mod ebpf;
mod licences;
mod provenance;
mod screens;
mod vm;

use anyhow::{Result, bail};

use self::arch::Arch;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ebpf"] => ebpf::renew(),
        ["ebpf", "--check"] => ebpf::check(),
        ["ebpf", "--log"] => ebpf::with_log(),
        ["dist", rest @ ..] => match Arch::split(rest)? {
            (arch, []) => dist::run(arch),
            (arch, ["--check"]) => dist::check(arch),
            _ => bail!("usage: cargo xtask dist [--arch aarch64] [--check]"),
        },
        ["docs"] => docs::run(),
        ["docs", "--incident"] => docs::incident(),
        ["docs", "--texts"] => docs::write_texts(),
        ["docs", "--check"] => docs::check(),
        ["vm", rest @ ..] => {
            let (arch, kernels) = Arch::split(rest)?;
            vm::run(arch, kernels)
        }
        ["culprits"] => culprits::run(),
        ["scene", kind] => docs::act(kind),
        ["bench", parts @ ..] => bench::run(parts),
        ["bench-here", parts @ ..] => bench::run_here(parts),
        ["week", folder] => bench::make_week(folder),
        ["load", load @ ..] => bench::run_load(load),
        _ => bail!(
            "usage: cargo xtask ebpf [--check|--log] | dist [--arch ARCH] [--check] | culprits | vm [--arch ARCH] [--ci|KERNEL...] | docs [--incident|--texts|--check] | bench [draw] [switch] [storm] [sample] [scale] [record] [recorded] [week] [live] [starved]"
        ),
    }
}
