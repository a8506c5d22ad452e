//! `procviz doctor`: what procviz needs, whether it is there, what its absence
//! costs, and the command that mends it.

use std::io::Write;

use crate::{
    runtime::{Failure, stdout::Out},
    source::{
        confine, host,
        kernel::{Kernel, Need, Support},
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
                writeln!(out, "      without it: no kernel events; short-lived tasks are not seen, `exits` cannot run, and a sample costs as much as there are tasks")?;
                writeln!(out, "      mend it: {}", need.mend())?;
            }
        }
        match &load {
            Some(Ok(_)) => writeln!(out, "ok    the eBPF programs load and attach")?,
            Some(Err(error)) => {
                writeln!(out, "no    the eBPF programs load and attach")?;
                writeln!(out, "      {error}")?;
                writeln!(out, "      without it: as above; mend it: report this with the output of `uname -r`")?;
            }
            None => writeln!(out, "--    the eBPF programs: not tried")?,
        }
        for extra in Extra::ALL {
            let is_there = has_extra(extra);
            writeln!(out, "{}  {}", mark(is_there), extra.name())?;
            if !is_there {
                writeln!(out, "      without it: {}\n      mend it: {}", extra.cost(), extra.mend())?;
            }
        }
        for (name, is_there, cost) in [
            ("seccomp (refuses calls that procviz has no use for)", confine::has_seccomp(), "somebody who takes procviz over can do what its user can"),
            ("Landlock (writes in the folder of the output alone)", confine::has_landlock(), "the threads that write may write elsewhere, too"),
        ] {
            writeln!(out, "{}  {name}", mark(is_there))?;
            if !is_there {
                writeln!(out, "      without it: {cost}\n      mend it: boot a kernel with CONFIG_SECCOMP_FILTER=y and CONFIG_SECURITY_LANDLOCK=y, and lsm=landlock,...")?;
            }
        }
        let level = if is_full { "full service: kernel events and /proc" } else { "reduced service: /proc alone" };
        writeln!(out, "{level} ({}, {} CPUs)", host.name, host.cpus)
    })?;
    Ok(if is_full { 0 } else { 4 })
}

fn mark(is_there: bool) -> &'static str {
    if is_there { "ok  " } else { "no  " }
}
