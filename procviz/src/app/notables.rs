//! `procviz notables`: a line as something begins to stand out, and as it ends.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use super::{
    Failure,
    config::Schedule,
    session::{Plan, Session},
    stdout::{Out, Reader, say},
};
use crate::{
    cli::NotablesArgs,
    export::{json, time},
    model::{Comm, Notable, Rule, Snapshot, TaskId, Untrusted, duration_text},
};

/// What makes a notable the same one in the next snapshot.
type Key = (Rule, Option<TaskId>, Option<Comm>);

pub(super) fn run(args: &NotablesArgs) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, 1.0)?;
    let (mut session, ()) = Session::start(
        Plan::plain(&schedule, &args.sampling, &args.filter, &args.run),
        |_| Ok(()),
    )?;
    let mut out = Out::new();
    let mut open: BTreeMap<Key, Notable> = BTreeMap::new();
    let mut count = 0;
    while let Some(next) = session.next()? {
        if !next.is_shown {
            continue;
        }
        let snapshot = session.snapshot();
        let now: BTreeMap<Key, &Notable> = snapshot
            .notables
            .iter()
            .map(|notable| (key(notable), notable))
            .collect();
        let begun = now.iter().filter(|(key, _)| !open.contains_key(key));
        let ended = open.iter().filter(|(key, _)| !now.contains_key(key));
        let lines: Vec<(Change, &Notable)> = begun
            .map(|(_, notable)| (Change::Begins, *notable))
            .chain(ended.map(|(_, notable)| (Change::Ends, notable)))
            .collect();
        count += lines
            .iter()
            .filter(|(change, _)| *change == Change::Begins)
            .count();
        if !lines.is_empty() {
            let reader = out.write(|out| {
                lines.iter().try_for_each(|(change, notable)| {
                    if args.json {
                        json::notable(out, snapshot, notable, change.word())
                    } else {
                        line(out, snapshot, notable, *change)
                    }
                })
            })?;
            if reader == Reader::Left && args.run.is_empty() {
                return Ok(0);
            }
        }
        open = now
            .into_iter()
            .map(|(key, notable)| (key, notable.clone()))
            .collect();
        if next.is_last {
            break;
        }
    }
    let snapshot = session.snapshot();
    let short = if snapshot.not_judged.is_empty() {
        String::new()
    } else {
        format!(" (too short for: {})", snapshot.not_judged.join(", "))
    };
    say(&format!(
        "procviz: {count} notables in {}{short}, {} events lost",
        duration_text(snapshot.watched_ns()),
        snapshot.losses.events()
    ));
    Ok(session.status())
}

fn key(notable: &Notable) -> Key {
    (notable.rule, notable.about, notable.comm)
}

#[derive(Clone, Copy, PartialEq)]
enum Change {
    Begins,
    Ends,
}

impl Change {
    fn word(self) -> &'static str {
        match self {
            Self::Begins => "begins",
            Self::Ends => "ends",
        }
    }
}

fn line(
    out: &mut impl Write,
    snapshot: &Snapshot,
    notable: &Notable,
    change: Change,
) -> io::Result<()> {
    let name = notable
        .comm
        .map_or_else(|| "procviz".to_owned(), |comm| comm.text().terminal());
    let pid = notable
        .about
        .map_or_else(String::new, |about| format!(" {}", about.tid));
    writeln!(
        out,
        "{} {:<6} {:<8} {name}{pid}: {}",
        time::local_clock(&snapshot.host, snapshot.stamp.boot_ns),
        change.word(),
        notable.rule.word(),
        Untrusted::new(notable.text.as_bytes()).terminal()
    )
}
