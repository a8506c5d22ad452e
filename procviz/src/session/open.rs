//! Opens the best source that this machine and these privileges allow.

use std::os::fd::AsFd;

use crate::{
    model::Host,
    runtime::{
        Failure, limits,
        output::{OutFolder, become_owner},
        stdout::say,
    },
    source::{
        Keep, Sampler, confine, keep_only,
        kernel::{Kernel, Need, Support},
        prepare_for_overload,
    },
};

/// Why there are no kernel events, in one line with the cost and the cure.
pub(crate) fn why_not(missing: &[Need]) -> String {
    let names: Vec<_> = missing.iter().map(|need| need.name()).collect();
    let mend = missing.first().map_or("", |need| need.mend());
    format!("no {}: {mend}", names.join(", "))
}

/// Loads the programs, or says why not.
///
/// # Errors
///
/// The reason, in one line.
pub(crate) fn kernel() -> Result<Kernel, String> {
    let support = Support::probe();
    if !support.missing().is_empty() {
        return Err(why_not(support.missing()));
    }
    if let Some(why) = limits::too_few_for_events() {
        return Err(why);
    }
    Kernel::load().map_err(|error| {
        format!(
            "{:#}; `procviz doctor` tells more",
            anyhow::Error::from(error)
        )
    })
}

/// A sampler with kernel events, or one from `/proc` alone and a line that says so.
///
/// From then on procviz is confined; `command` is the process that it may signal.
pub(crate) fn sampler(
    host: &Host,
    require_ebpf: bool,
    command: Option<u32>,
) -> Result<Sampler, Failure> {
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
    confine_watcher(command);
    Ok(sampler)
}

/// Gives away all that watching does not take.
pub(crate) fn confine_watcher(command: Option<u32>) {
    prepare_for_overload(match command {
        Some(_) => Keep::ReadingAndSignals,
        None => Keep::Reading,
    });
    say_if(confine::refuse_calls(command));
}

/// Gives away all that tables of `/proc`, or of a folder of its shape, do not take.
pub(crate) fn confine_tables(is_real: bool, output: Option<&OutFolder>) {
    let is_owners = output.is_none_or(|folder| become_owner(folder) == Keep::Nothing);
    let keep = match (is_real, is_owners) {
        (true, true) => Keep::Reading,
        (true, false) => Keep::ReadingAndPlacing,
        (false, true) => Keep::ReadingFiles,
        (false, false) => Keep::ReadingAndWritingFiles,
    };
    if !is_real {
        let writes: Vec<_> = output.map(AsFd::as_fd).into_iter().collect();
        say_if(confine::write_only_in(&writes));
    } else if output.is_none() {
        // Refused, it stays root without capabilities.
        _ = confine::leave_root();
    }
    keep_only(keep);
    say_if(confine::refuse_calls(None));
}

/// Gives away all that reading a recording does not take, before it is opened:
/// nothing is written but in these folders.
pub(crate) fn confine_reader(writes: &[OutFolder]) {
    // Threads that write inherit this: who calls for root owns what is his, and
    // identities cannot be taken later on.
    let is_owners = match writes {
        [] => true,
        [first, rest @ ..] => {
            let owner = first.owner();
            rest.iter().all(|folder| folder.owner() == owner)
                && become_owner(first) == Keep::Nothing
        }
    };
    keep_only(match is_owners {
        true => Keep::ReadingFiles,
        false => Keep::ReadingAndWritingFiles,
    });
    let writes: Vec<_> = writes.iter().map(AsFd::as_fd).collect();
    say_if(confine::write_only_in(&writes));
    say_if(confine::refuse_calls(None));
}

/// Says where procviz could not confine itself: it goes on, as somebody may need it now.
fn say_if<T>(confined: Result<T, confine::Refused>) {
    if let Err(error) = confined {
        say(&format!("procviz: it is not confined: {error}"));
    }
}
