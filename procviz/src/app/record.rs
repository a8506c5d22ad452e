//! `procviz record`: samples into a file.

use super::{
    Failure,
    config::Schedule,
    recorder::Keeping,
    session::{Plan, Session, WantArgs},
};
use crate::cli::{FilterArgs, RecordArgs};

pub(super) fn run(args: &RecordArgs) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, 1.0)?;
    let mode = mode(&args.mode)?;
    let keeping = Keeping {
        path: args.output.clone(),
        force: args.force,
        mode,
        redacts: args.redact.is_some(),
    };
    // A recording has everybody: other filters are for who reads it.
    let filter = FilterArgs {
        trees: args.trees.clone(),
        ..FilterArgs::default()
    };
    let plan = Plan {
        want_args: if args.redact.is_some() {
            WantArgs::No
        } else {
            WantArgs::Yes
        },
        save: Some(keeping),
        ..Plan::plain(&schedule, &args.sampling, &filter, &args.run)
    };
    let (mut session, ()) = Session::start(plan, |_| Ok(()))?;
    while let Some(next) = session.next()? {
        if next.is_last {
            break;
        }
    }
    Ok(session.status())
}

/// Permissions, octal, that let their owner read and write.
fn mode(text: &str) -> Result<u32, Failure> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o666 && mode & 0o600 == 0o600 && mode & 0o111 == 0)
        .ok_or_else(|| {
            Failure::usage(format!(
                "`--mode {text}` is not allowed: it takes octal permissions from 600 to 666"
            ))
        })
}
