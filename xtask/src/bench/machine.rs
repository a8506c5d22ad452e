//! Says on which machine was measured: figures of two machines cannot be compared without that.

use anyhow::Result;
use procviz::source::{host, kernel_release};

use super::switch;

/// CPUs, kernel and the cost of a context switch, in one line.
pub(super) fn facts() -> Result<String> {
    let cpus = host()?.cpus;
    let kernel = kernel_release();
    let switch_ns = switch::without()?;
    Ok(format!(
        "{cpus} CPUs, Linux {kernel}, a context switch takes {switch_ns:.0} ns"
    ))
}
