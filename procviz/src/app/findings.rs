//! Runs `procviz findings`: prints a line when a finding begins, and when it ends.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use crate::{
    cli::FindingsArgs,
    export::{json, time},
    model::{Host, Snapshot, TaskId, Untrusted, duration_text, figure_text, many_text, unnamed},
    recording::Mark,
    replay::{Player, moment::Span},
    runtime::{
        Failure,
        config::Schedule,
        stderr::summary,
        stdout::{Out, Reader},
        text::noun,
    },
    session::{Plan, Session, open, rules, selection::Selection},
    source::Users,
    tracker::{ActiveFindings, Change, Changed},
};

pub(super) fn run(args: &FindingsArgs) -> Result<u8, Failure> {
    let schedule = Schedule::new(&args.sampling, 1.0)?;
    let rules = rules::settings(&args.rules)?;
    if let Some(path) = args.sampling.from.as_deref()
        && schedule.samples.is_none()
        && schedule.duration.is_none()
        && args.run.is_empty()
        && args.rules.is_empty()
        && let Some(status) = found(path, args, &schedule)?
    {
        return Ok(status);
    }
    let (mut session, ()) = Session::start(
        Plan {
            rules,
            ..Plan::plain(&schedule, &args.sampling, &args.filter, &args.run)
        },
        |_| Ok(()),
    )?;
    let mut out = Out::new();
    let mut active_findings = ActiveFindings::default();
    let mut count = 0;
    while let Some(next) = session.next()? {
        if !next.is_shown {
            continue;
        }
        let snapshot = session.snapshot();
        let mut lines = active_findings.update(snapshot);
        let begun = |changed: &&Changed| changed.change == Change::Begins;
        count += lines.iter().filter(begun).count();
        if args.sampling.range.at.is_some() {
            // At a moment, it is not known when a finding began.
            let begun = lines.iter_mut();
            let begun = begun.filter(|line| line.change == Change::Begins);
            begun.for_each(|line| line.change = Change::Holds);
        }
        let is_recorded = args.sampling.from.is_some();
        let names = |uid| session.users.name(uid);
        if !lines.is_empty()
            && print(&mut out, &lines, snapshot, &names, (args.json, is_recorded))? == Reader::Left
            && args.run.is_empty()
        {
            return Ok(0);
        }
        if next.is_last {
            break;
        }
    }
    let ended = active_findings.finish();
    if !ended.is_empty() {
        let names = |uid| session.users.name(uid);
        let form = (args.json, args.sampling.from.is_some());
        print(&mut out, &ended, session.snapshot(), &names, form)?;
    }
    print_summary(count, session.snapshot());
    Ok(session.status())
}

/// Prints how many findings there were, what was too short to judge, and what was lost.
fn print_summary(count: usize, snapshot: &Snapshot) {
    let short = match &snapshot.not_judged[..] {
        [] => String::new(),
        rules => format!(" (too short for: {})", rules.join(", ")),
    };
    summary(format!(
        "{count} {} in {}{short}, {} {} lost",
        noun(count as u64, "finding", "findings"),
        duration_text(snapshot.watched_ns()),
        snapshot.losses.events(),
        noun(snapshot.losses.events(), "event", "events")
    ));
}

/// Prints a line for each change. Returns whether standard output is still read.
fn print(
    out: &mut Out,
    lines: &[Changed],
    snapshot: &Snapshot,
    names: &dyn Fn(u32) -> Arc<str>,
    (is_json, is_recorded): (bool, bool),
) -> io::Result<Reader> {
    out.write(|out| {
        lines.iter().try_for_each(|changed| {
            if is_json {
                let when = json::When {
                    time_ns: changed.time_ns,
                    change: changed.change.word(),
                    lasted_ns: changed.lasted_ns,
                };
                json::finding(out, &snapshot.host, &changed.finding, when, names)
            } else {
                line(out, &snapshot.host, changed, is_recorded)
            }
        })
    })
}

/// Marks with the same key are about the same finding: rule, task, name, whether it is a
/// group, the user of a group, and the status of deaths.
type Key = (
    String,
    Option<TaskId>,
    Option<Vec<u8>>,
    bool,
    Option<u32>,
    Option<u32>,
);

/// Prints the findings from the marks of a recording, without reading all samples.
/// `None` if a file has no marks, or if a filter could change the findings.
fn found(path: &Path, args: &FindingsArgs, schedule: &Schedule) -> Result<Option<u8>, Failure> {
    if path == Path::new("-") {
        return Ok(None);
    }
    open::confine_reader(&[]);
    let mut player = Player::open(path, &args.sampling.range, schedule)?;
    let users = Users::of_recording(&player.facts().users);
    let selection = Selection::in_recording(&args.filter, player.facts(), &users)?;
    let is_everybody = selection.filter.is_plain() && selection.roots.is_none();
    if !player.has_marks() || !is_everybody {
        return Ok(None);
    }
    let Ok((span, at)) = player.browse() else {
        // There are no samples; the caller reads the recording again and reports this.
        return Ok(None);
    };
    // A finding that holds at a moment has begun before this moment.
    let is_moment = args.sampling.range.at.is_some();
    let (begin, end) = if is_moment { (at, at) } else { span };
    let mut out = Out::new();
    let names = |uid| users.name(uid);
    let print_mark = |out: &mut Out, host: &Host, mark: &Mark, change| {
        write(out, (args.json, &names), host, mark, change)
    };
    // When the findings that hold have begun, wall clock in ns since 1970.
    let mut open: BTreeMap<Key, i128> = BTreeMap::new();
    let mut count = 0;
    let mut held: Vec<(Key, Host, Mark)> = Vec::new();
    for (wall_ns, host, mark) in player.marks()? {
        let about = mark.about.filter(|_| !mark.is_group);
        let uid = mark.uid.filter(|_| mark.is_group || mark.status.is_some());
        let key = (
            mark.rule.clone(),
            about,
            mark.comm.clone(),
            mark.is_group,
            uid,
            mark.status,
        );
        let Some((change, lasted_ns)) = change_of(&key, &mark, wall_ns, &mut open) else {
            continue;
        };
        // Older files do not have it.
        let lasted_ns = mark.lasted_ns.or(lasted_ns);
        if wall_ns > end {
            break;
        }
        if wall_ns < begin {
            // Findings that still hold at the beginning are printed, too.
            held.retain(|(other, ..)| *other != key);
            if change == Change::Begins {
                held.push((key, host, mark));
            }
            continue;
        }
        for (_, host, mark) in held.drain(..) {
            count += 1;
            print_mark(&mut out, &host, &mark, (Change::Begins, None))?;
        }
        count += u64::from(change == Change::Begins);
        if print_mark(&mut out, &host, &mark, (change, lasted_ns))? == Reader::Left {
            return Ok(Some(0));
        }
    }
    for (_, host, mark) in held {
        count += 1;
        print_mark(&mut out, &host, &mark, (Change::Begins, None))?;
    }
    print_count(count, (!is_moment).then_some((begin, end)));
    Ok(Some(player.status_of((begin, end))))
}

/// Prints the number of findings in a period (wall clock, ns since 1970), or at a moment.
fn print_count(count: u64, period: Option<Span>) {
    let findings = noun(count, "finding", "findings");
    let when = match period {
        None => "at that time".to_owned(),
        Some((begin, end)) => {
            let span = u64::try_from(end - begin).unwrap_or_default();
            format!("in {}", duration_text(span))
        }
    };
    summary(format!("{count} {findings} {when}, as recorded"));
}

/// The change that a mark reports, with the duration in ns of a finding that ends.
/// `None`: the mark repeats what is known. `open` keeps when each finding that holds
/// began, wall clock in ns since 1970.
fn change_of(
    key: &Key,
    mark: &Mark,
    wall_ns: i128,
    open: &mut BTreeMap<Key, i128>,
) -> Option<(Change, Option<u64>)> {
    match (mark.change, open.get(key).copied()) {
        (Change::Ends, Some(begun)) => {
            open.remove(key);
            Some((Change::Ends, u64::try_from(wall_ns - begun).ok()))
        }
        // A finding that holds without a begin has begun before the recording.
        (Change::Begins | Change::Holds, None) => {
            open.insert(key.clone(), wall_ns);
            Some((Change::Begins, None))
        }
        _ => None,
    }
}

fn write(
    out: &mut Out,
    (is_json, names): (bool, &dyn Fn(u32) -> Arc<str>),
    host: &Host,
    mark: &Mark,
    (change, lasted_ns): (Change, Option<u64>),
) -> Result<Reader, Failure> {
    let reader = out.write(|out| {
        if is_json {
            let when = json::When {
                time_ns: mark.time_ns,
                change: change.word(),
                lasted_ns,
            };
            json::mark(out, host, mark, when, names)
        } else {
            let comm = mark.comm.as_deref();
            let line = Line {
                time: time::local(host, mark.time_ns),
                change,
                lasted_ns,
                peak: figure_text(&mark.rule, &mark.unit, mark.value),
                rule: &mark.rule,
                name: comm
                    .map(|name| shown(Untrusted::new(name).name(), mark.is_group, mark.count)),
                about: mark.about.filter(|_| mark.is_named),
                text: &mark.text,
            };
            line.write(out)
        }
    })?;
    Ok(reader)
}

/// The name of one process, or of all with one name.
fn shown(name: String, is_group: bool, count: u64) -> String {
    match is_group {
        true => many_text(count, &name),
        false => name,
    }
}

/// One line of the output for people.
struct Line<'a> {
    time: String,
    change: Change,
    /// For a finding that ends: how long it held, ns.
    lasted_ns: Option<u64>,
    /// The largest value, if it says something without the text.
    peak: Option<String>,
    rule: &'a str,
    name: Option<String>,
    /// The process that `name` belongs to, if it belongs to a single process.
    about: Option<TaskId>,
    text: &'a str,
}

impl Line<'_> {
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let pid = self
            .about
            .map_or_else(String::new, |about| format!(" {}", about.tid));
        let lasted = self.lasted_ns.map_or_else(String::new, |ns| {
            let peak = self.peak.as_ref();
            let peak = peak.map_or_else(String::new, |peak| format!(", peak {peak}"));
            format!("; lasted {}{peak}", duration_text(ns))
        });
        writeln!(
            out,
            "{} {:<6} {:<8} {}{pid}: {}{lasted}",
            self.time,
            self.change.word(),
            Untrusted::new(self.rule.as_bytes()).terminal(),
            self.name.as_deref().unwrap_or(unnamed(self.rule)),
            Untrusted::new(self.text.as_bytes()).message()
        )
    }
}

fn line(out: &mut impl Write, host: &Host, changed: &Changed, is_recorded: bool) -> io::Result<()> {
    let finding = &changed.finding;
    let line = Line {
        // For a recording, the day matters, too.
        time: if is_recorded {
            time::local(host, changed.time_ns)
        } else {
            time::local_clock(host, changed.time_ns)
        },
        change: changed.change,
        lasted_ns: changed.lasted_ns,
        peak: finding.figure(),
        rule: finding.rule.word(),
        name: finding
            .comm
            .map(|comm| shown(comm.text().name(), finding.is_group, finding.count)),
        about: finding.about.filter(|_| finding.is_named()),
        text: &finding.text,
    };
    line.write(out)
}
