//! Runs `procviz doctor`: shows what procviz needs, whether the machine has it, what its
//! absence costs, and how to fix it.

use std::io::Write;

use crate::{
    runtime::{Failure, stdout::Out},
    source::{
        confine, host,
        kernel::{Kernel, Need, Support, release_is_enough},
        kernel_release,
        privileges::{Extra, has_extra},
    },
};

pub(super) fn run() -> Result<u8, Failure> {
    let support = Support::probe();
    let is_able = support.missing().is_empty();
    let load = is_able.then(Kernel::load);
    let host = host()?;
    let is_full = load.as_ref().is_some_and(Result::is_ok);
    Out::new().write(|out| {
        for need in Need::ALL {
            let is_missing = support.missing().contains(&need);
            writeln!(out, "{}  {}", mark(!is_missing), need.name())?;
            if is_missing {
                writeln!(out, "      without it: no kernel events; short-lived tasks are not seen, `exits` cannot run, and the cost of a sample grows with the number of tasks")?;
                writeln!(out, "      how to fix it: {}", need.fix())?;
            }
        }
        match &load {
            Some(Ok(kernel)) => {
                writeln!(out, "ok    the eBPF programs load and attach")?;
                for (error, cost) in kernel.refused() {
                    writeln!(out, "no    {error}\n      without it: {cost}")?;
                }
            }
            Some(Err(error)) => {
                writeln!(out, "no    the eBPF programs load and attach")?;
                writeln!(out, "      {error}")?;
                let fix = match release_is_enough(&kernel_release()) {
                    true => "report this error with the output of `uname -r`",
                    false => "boot Linux 6.1 or newer",
                };
                writeln!(out, "      without it: as above; how to fix it: {fix}")?;
            }
            None => writeln!(out, "--    the eBPF programs load and attach: not tried")?,
        }
        for extra in Extra::ALL {
            let is_there = has_extra(extra);
            writeln!(out, "{}  {}", mark(is_there), extra.name())?;
            if !is_there {
                writeln!(out, "      without it: {}\n      how to fix it: {}", extra.cost(), extra.fix())?;
            }
        }
        for (name, is_there, cost) in [
            ("seccomp (refuses system calls that procviz does not need)", confine::has_seccomp(), "an attacker who takes over procviz can do all that its user can do"),
            ("Landlock (allows writes only in the folder of the output)", confine::has_landlock(), "the threads that write files can write in other folders, too"),
        ] {
            writeln!(out, "{}  {name}", mark(is_there))?;
            if !is_there {
                writeln!(out, "      without it: {cost}\n      how to fix it: boot a kernel with CONFIG_SECCOMP_FILTER=y and CONFIG_SECURITY_LANDLOCK=y, and lsm=landlock,...")?;
            }
        }
        let level = match (is_full, has_extra(Extra::Machine)) {
            (true, true) => "full service: kernel events and /proc",
            (true, false) => "reduced service: kernel events, and no figures of the machine",
            (false, true) => "reduced service: only /proc",
            (false, false) => "reduced service: only /proc, and no figures of the machine",
        };
        writeln!(out, "{level} (host {}, CPUs: {})", host.name, host.cpus)
    })?;
    Ok(if is_full { 0 } else { 4 })
}

fn mark(is_there: bool) -> &'static str {
    if is_there { "ok  " } else { "no  " }
}
