//! Runs `procviz findings`: prints a line when a finding begins, and when it ends.

use std::{collections::BTreeMap, io, path::Path};

use crate::{
    cli::FindingsArgs,
    export::{finding_lines::FindingLines, json, note_lines, users::Names},
    model::{Host, Snapshot, duration_text},
    recording::{Mark, MarkKey},
    replay::{Noted, Player, change_of, moment::Span},
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
    let mut form = Form::new(args);
    let mut active_findings = ActiveFindings::default();
    let mut count = 0;
    let mut notes = Noted::new(session.notes()?);
    let mut last_ns = i128::MIN;
    while let Some(next) = session.next()? {
        if !next.is_shown {
            continue;
        }
        let snapshot = session.snapshot();
        let host = &snapshot.host;
        let now_ns = host.boot_wall_ns + i128::from(snapshot.stamp.boot_ns);
        out.write(|out| note_lines::write(out, args.json, host, notes.before(now_ns)))?;
        last_ns = now_ns;
        let mut lines = active_findings.update(snapshot);
        let begun = |changed: &&Changed| changed.change == Change::Begins;
        count += lines.iter().filter(begun).count();
        if args.sampling.range.at.is_some() {
            // At a moment, it is not known when a finding began.
            let begun = lines.iter_mut();
            let begun = begun.filter(|line| line.change == Change::Begins);
            begun.for_each(|line| line.change = Change::Holds);
        }
        let names = |uid| session.users.name(uid);
        if form.print(&mut out, &lines, snapshot, &names)? == Reader::Left && args.run.is_empty() {
            return Ok(0);
        }
        if next.is_last {
            break;
        }
    }
    // Of a limited time, what was noted later is not wanted.
    let is_whole = schedule.samples.is_none() && schedule.duration.is_none();
    let rest = notes.before(if is_whole { i128::MAX } else { last_ns + 1 });
    out.write(|out| note_lines::write(out, args.json, &session.snapshot().host, rest))?;
    let ended = active_findings.finish();
    let names = |uid| session.users.name(uid);
    form.print(&mut out, &ended, session.snapshot(), &names)?;
    form.finish(&mut out, &names)?;
    print_summary(count, session.snapshot());
    Ok(session.status())
}

/// Prints how many findings there were, what was too short to judge, and what was lost.
fn print_summary(count: usize, snapshot: &Snapshot) {
    let short = match &snapshot.not_judged[..] {
        [] => String::new(),
        rules => {
            let rules: Vec<_> = rules.iter().map(|(rule, _)| *rule).collect();
            format!(" (too short for: {})", rules.join(", "))
        }
    };
    summary(format!(
        "{count} {} in {}{short}, {} {} lost",
        noun(count as u64, "finding", "findings"),
        duration_text(snapshot.watched_ns()),
        snapshot.losses.events(),
        noun(snapshot.losses.events(), "event", "events")
    ));
}

/// How findings are printed.
struct Form {
    is_json: bool,
    lines: FindingLines,
}

impl Form {
    fn new(args: &FindingsArgs) -> Self {
        Self {
            is_json: args.json,
            // For a recording, the day matters, too.
            lines: FindingLines::new(args.sampling.from.is_some()),
        }
    }

    /// Prints the changes of a snapshot. Returns whether standard output is still read.
    fn print(
        &mut self,
        out: &mut Out,
        lines: &[Changed],
        snapshot: &Snapshot,
        names: Names<'_>,
    ) -> io::Result<Reader> {
        let host = &snapshot.host;
        let now_ns = host
            .boot_wall_ns
            .saturating_add(i128::from(snapshot.stamp.boot_ns));
        out.write(|out| {
            if !self.is_json {
                _ = self.lines.pass(out, now_ns, names)?;
            }
            lines.iter().try_for_each(|changed| match self.is_json {
                true => {
                    let when = json::When {
                        time_ns: changed.time_ns,
                        change: changed.change.word(),
                        lasted_ns: changed.lasted_ns,
                    };
                    json::finding(out, host, &changed.finding, when, names)
                }
                false => self.lines.write(out, host, &Mark::of(changed), names),
            })
        })
    }

    /// Prints a mark of a recording. Returns whether standard output is still read.
    fn mark(
        &mut self,
        out: &mut Out,
        (host, mark): (&Host, &Mark),
        names: Names<'_>,
    ) -> io::Result<Reader> {
        out.write(|out| match self.is_json {
            true => {
                let when = json::When {
                    time_ns: mark.time_ns,
                    change: mark.change.word(),
                    lasted_ns: mark.lasted_ns,
                };
                json::mark(out, host, mark, when, names)
            }
            false => self.lines.write(out, host, mark, names),
        })
    }

    /// Prints what is left: nothing follows.
    fn finish(&mut self, out: &mut Out, names: Names<'_>) -> io::Result<Reader> {
        out.write(|out| self.lines.finish(out, names))
    }
}

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
    let notes = player.wanted_notes()?;
    let Ok((span, at)) = player.browse() else {
        // There are no samples; the caller reads the recording again and reports this.
        return Ok(None);
    };
    // Some users become known later than the recording begins.
    let users = Users::of_recording(&player.all_users());
    // A finding that holds at a moment has begun before this moment.
    let is_moment = args.sampling.range.at.is_some();
    let (begin, end) = if is_moment { (at, at) } else { span };
    let mut out = Out::new();
    let names = |uid| users.name(uid);
    let mut form = Form::new(args);
    // When the findings that hold have begun, wall clock in ns since 1970.
    let mut open: BTreeMap<MarkKey, i128> = BTreeMap::new();
    let mut count = 0;
    let mut held: Vec<(MarkKey, Host, Mark)> = Vec::new();
    let mut notes = Noted::new(notes);
    for (wall_ns, host, mut mark) in player.marks()? {
        let key = mark.key();
        let Some((change, lasted_ns)) = change_of(&key, &mark, wall_ns, &mut open) else {
            continue;
        };
        mark.change = change;
        // Older files do not have it.
        mark.lasted_ns = mark.lasted_ns.or(lasted_ns);
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
            form.mark(&mut out, (&host, &mark), &names)?;
        }
        out.write(|out| note_lines::write(out, args.json, &host, notes.before(wall_ns)))?;
        count += u64::from(change == Change::Begins);
        if form.mark(&mut out, (&host, &mark), &names)? == Reader::Left {
            return Ok(Some(0));
        }
    }
    for (_, host, mut mark) in held {
        if is_moment {
            mark.change = Change::Holds;
        }
        count += 1;
        form.mark(&mut out, (&host, &mark), &names)?;
    }
    out.write(|out| {
        note_lines::write(
            out,
            args.json,
            &player.facts().machine(),
            notes.before(i128::MAX),
        )
    })?;
    form.finish(&mut out, &names)?;
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
