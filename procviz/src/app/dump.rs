//! `procviz dump`: snapshots as JSON, one a line.

use super::{
    Failure,
    config::Schedule,
    open,
    stdout::{Out, Reader},
    watch::{Said, Watch},
};
use crate::{
    cli::DumpArgs,
    export::json,
    model::Scope,
    source::{Keep, Users, back_to_normal, host},
    tracker::Tracker,
};

pub(super) fn run(args: &DumpArgs) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling)?;
    let scope = if args.no_threads {
        Scope::Processes
    } else {
        Scope::Threads
    };
    let host = host()?;
    let sampler = open::sampler(&host, schedule.require_ebpf, Keep::Reading)?;
    let mut tracker = Tracker::new(host.clone(), sampler.sources());
    let watch = Watch::start(sampler, &schedule)?;
    back_to_normal();
    let mut out = Out::new();
    let mut users = Users::read();
    while let Some(said) = watch.next() {
        let (mut sample, is_last) = match said {
            Said::Failed(error) => return Err(error.into()),
            Said::Sample { sample, is_last } => (sample, is_last),
        };
        tracker.update(&sample);
        sample.clear();
        sample.machine.deaths = None;
        watch.give_back(sample);
        // The opening census has no interval to speak of.
        if tracker.snapshot().tick > 1 {
            let snapshot = tracker.snapshot();
            users.look_up(snapshot.threads.iter().filter_map(|thread| thread.uid));
            let reader =
                out.write(|out| json::snapshot(out, snapshot, scope, &|uid| users.name(uid)))?;
            if reader == Reader::Left {
                break;
            }
        }
        if is_last {
            break;
        }
    }
    Ok(0)
}
