//! Runs `procviz dump`: prints snapshots as data.

use crate::{
    cli::DumpArgs,
    export::{
        csv::{Reads, Text},
        json, rows,
    },
    model::Scope,
    recorder::RecordingOptions,
    runtime::{
        Failure,
        config::Schedule,
        output::PRIVATE,
        stdout::{Out, Reader},
    },
    session::{Plan, Session, rules},
};

pub(super) fn run(args: &DumpArgs) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, 1.0)?;
    let scope = if args.no_threads {
        Scope::Processes
    } else {
        Scope::Threads
    };
    let save = args.save.as_deref();
    let save = save
        .map(|path| RecordingOptions::all(path, (false, PRIVATE)))
        .transpose()?;
    let plan = Plan {
        save,
        // After a signal, the current line is completed, unless its reader has stopped.
        takes_work: true,
        rules: rules::settings(&args.rules)?,
        ..Plan::plain(&schedule, &args.sampling, &args.filter, &args.run)
    };
    let (mut session, ()) = Session::start(plan, |_| Ok(()))?;
    let scope = session.scope(scope);
    let mut out = Out::new();
    let mut is_first = true;
    let text = (Text::new(args.spreadsheet), Reads::stdout());
    while let Some(next) = session.next()? {
        if next.is_shown {
            let (snapshot, users) = (session.snapshot(), &session.users);
            let name = |uid| users.name(uid);
            let reader = out.write(|out| {
                if args.csv {
                    rows::snapshot(
                        out,
                        snapshot,
                        scope,
                        &name,
                        std::mem::take(&mut is_first),
                        text,
                    )
                } else {
                    json::snapshot(out, snapshot, scope, &name)
                }
            })?;
            if reader == Reader::Left && args.run.is_empty() {
                return Ok(0);
            }
        }
        if next.is_last {
            break;
        }
    }
    Ok(session.status())
}
