//! Opens the best source that this machine and these privileges allow.

use super::{Failure, stdout::say};
use crate::{
    model::Host,
    source::{
        Keep, Sampler,
        kernel::{Kernel, Need, Support},
        prepare_for_trouble,
    },
};

/// Why there are no kernel events, in one line with the cost and the cure.
pub(super) fn why_not(missing: &[Need]) -> String {
    let names: Vec<_> = missing.iter().map(|need| need.name()).collect();
    let mend = missing.first().map_or("", |need| need.mend());
    format!("no {}: {mend}", names.join(", "))
}

/// Loads the programs, or says why not.
///
/// # Errors
///
/// The reason, in one line.
pub(super) fn kernel() -> Result<Kernel, String> {
    let support = Support::probe();
    if !support.missing().is_empty() {
        return Err(why_not(support.missing()));
    }
    Kernel::load().map_err(|error| {
        format!(
            "{:#}; `procviz doctor` tells more",
            anyhow::Error::from(error)
        )
    })
}

/// A sampler with kernel events, or one from `/proc` alone and a line that says so.
pub(super) fn sampler(host: &Host, require_ebpf: bool, keep: Keep) -> Result<Sampler, Failure> {
    let sampler = match kernel() {
        Ok(kernel) => Sampler::with_events(host, kernel)?,
        Err(why) if require_ebpf => {
            return Err(Failure::privilege(format!(
                "kernel events are required, but there are none: {why}"
            )));
        }
        Err(why) => {
            say(&format!(
                "procviz: from /proc alone (short-lived tasks are not seen, CPU comes in steps of {} ms): {why}",
                host.tick_ns / 1_000_000
            ));
            Sampler::proc_only(host)?
        }
    };
    prepare_for_trouble(keep);
    Ok(sampler)
}
