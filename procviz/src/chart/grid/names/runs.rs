//! Neighbours in the grid that are alike, and what is said of them.

use rustc_hash::FxHashMap;

use super::{News, Placed};
use crate::model::{Comm, Process, Scope, Snapshot, bytes_text, count_text, many_text, rate_text};

/// From this number on, neighbours that are alike are named together.
const RUN: usize = 5;

/// What makes tasks alike: the group of the grid, the name, and the cgroup; the parent if the
/// cgroup is not known, or if the process has exited.
pub(super) type Likeness<'a> = (u32, Comm, Result<&'a str, u32>);

/// Neighbours that are alike: indices into the dots.
pub(super) struct Run<'a> {
    pub(super) from: usize,
    pub(super) until: usize,
    pub(super) likeness: Likeness<'a>,
}

/// Tasks by their likeness.
pub(super) type Members<'a> = FxHashMap<Likeness<'a>, Vec<Placed<'a>>>;

fn likeness<'a>(placed: &Placed<'a>, snapshot: &Snapshot) -> Likeness<'a> {
    let process = placed.process;
    // The cgroup of a short life is often not known.
    let cgroup = process.cgroup.as_deref().filter(|_| process.end.is_none());
    let place = cgroup.ok_or(process.ppid);
    (placed.group, snapshot.name_of(process), place)
}

/// Runs of neighbours that are alike, the longest first, and for each likeness of a run all
/// tasks, also those that are not neighbours.
pub(super) fn runs<'a>(placed: &[Placed<'a>], snapshot: &Snapshot) -> (Vec<Run<'a>>, Members<'a>) {
    let mut runs = Vec::new();
    let mut from = 0;
    let mut stretches: Vec<(Likeness<'a>, &[Placed<'a>])> = Vec::new();
    let is_one =
        |a: &Placed<'_>, b: &Placed<'_>| std::ptr::eq(a.process, b.process) && a.group == b.group;
    // The tasks of one process are alike.
    for process in placed.chunk_by(is_one) {
        let likeness = likeness(&process[0], snapshot);
        let until = from + process.len();
        match stretches.last_mut() {
            Some((last, stretch)) if *last == likeness => {
                *stretch = &placed[from - stretch.len()..until];
            }
            _ => stretches.push((likeness, process)),
        }
        from = until;
    }
    let mut from = 0;
    for (likeness, stretch) in &stretches {
        let until = from + stretch.len();
        // Threads of the kernel have nothing in common but their parent.
        if stretch.len() >= RUN && !stretch[0].process.kthread {
            let likeness = *likeness;
            runs.push(Run {
                from,
                until,
                likeness,
            });
        }
        from = until;
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.until - run.from));
    let members = runs.iter().map(|run| (run.likeness, Vec::new()));
    let mut members: Members<'a> = members.collect();
    if !members.is_empty() {
        for (likeness, stretch) in stretches {
            if let Some(members) = members.get_mut(&likeness) {
                members.extend_from_slice(stretch);
            }
        }
    }
    (runs, members)
}

/// What is said of tasks that are alike: `30 × worker (4 new), 20 MiB each, +0.7 MiB/s each`.
/// `who` is the group that stands out, if it does, and `figure` what it does together.
pub(super) fn text(
    alike: &[Placed<'_>],
    (snapshot, scope): (&Snapshot, Scope),
    news: &News,
    (who, figure): (Option<&str>, &str),
) -> String {
    let Some(first) = alike.first() else {
        return String::new();
    };
    // The group that stands out belongs to one user; a run can hold others.
    let is_of_one_user = alike.iter().all(|task| task.thread.uid == first.thread.uid);
    let (who, figure) = match is_of_one_user {
        true => (who, figure),
        false => (None, ""),
    };
    // The helper that looks up names is a child of procviz.
    let own_pid = snapshot.host.own_pid;
    let is_own = |task: &Placed<'_>| {
        let is_helper = own_pid == Some(task.process.ppid);
        snapshot.is_own(task.process) || is_helper
    };
    if own_pid.is_some() && who.is_none() && alike.iter().all(is_own) {
        return "procviz itself".to_owned();
    }
    let name = snapshot.name_of(first.process).text().picture();
    let is_one = alike.iter().all(|task| task.process.id == first.process.id);
    if is_one && who.is_none() && scope == Scope::Threads {
        let ended = alike
            .iter()
            .filter(|task| task.thread.end.is_some())
            .count();
        let pid = first.process.id.tid;
        let threads = threads(alike.len() - ended, ended);
        return format!("{name} {pid}, {threads}{figure}");
    }
    let processes = processes(alike);
    let count = processes.len();
    let (mut alive, ended): (Vec<&Process>, Vec<&Process>) = processes
        .into_iter()
        .partition(|process| process.end.is_none());
    if who.is_some() {
        // The group does not count a parent that only waits.
        if let Some(most) = alive.iter().filter_map(|process| process.held()).max() {
            alive.retain(|process| process.held().is_none_or(|held| held >= most / 20));
        }
    }
    let mut text = match (count, alive.first().or(ended.first())) {
        _ if let Some(who) = who => who.to_owned(),
        (1, Some(process)) => format!("{name} {}", process.id.tid),
        _ => many_text(count as u64, &name),
    };
    let new = alive.iter().filter(|process| news.has(process)).count();
    text.push_str(&match (new, alive.len()) {
        // The group that stands out can have other members.
        _ if who.is_some() => String::new(),
        (0, _) => String::new(),
        (new, all) if new == all => " (new)".to_owned(),
        (new, _) => format!(" ({} new)", count_text(new as u64)),
    });
    text.push_str(figure);
    let each = if count > 1 { " each" } else { "" };
    let number = alive.len() as u64;
    let add = |sum: u64, process: &&Process| Some(sum.saturating_add(process.held()?));
    let held = alive.iter().try_fold(0, add);
    if let Some(held) = held.and_then(|held| held.checked_div(number)) {
        text.push_str(&format!(", {}{each}", bytes_text(held)));
    }
    let seconds = snapshot.stamp.interval_ns as f64 / 1e9;
    let grew = |process: &&Process| match process.private_change {
        (tick, delta) if tick == snapshot.tick => delta,
        _ => Some(0),
    };
    let add = |sum: i64, process: &&Process| Some(sum.saturating_add(grew(process)?));
    let grew = alive.iter().try_fold(0, add);
    if let Some(grew) = grew.filter(|grew| *grew > 0 && number > 0 && seconds > 0.0) {
        let speed = grew as f64 / number as f64 / seconds;
        if speed >= 10_000.0 && figure.is_empty() {
            text.push_str(&format!(", +{}{each}", rate_text(speed)));
        }
    }
    match (number, ended.len() as u64) {
        (_, 0) => {}
        // The group that stands out can have members that are alive elsewhere.
        (0, ended) if who.is_some() => {
            text.push_str(&format!(", {} of them exited", count_text(ended)));
        }
        (0, _) => text.push_str(", exited"),
        (_, ended) => text.push_str(&format!(", {} of them exited", count_text(ended))),
    }
    text
}

/// Each process once.
fn processes<'a>(alike: &[Placed<'a>]) -> Vec<&'a Process> {
    let leaders = alike.iter();
    let leaders = leaders.filter(|task| task.thread.id == task.process.id);
    let leaders: Vec<&Process> = leaders.map(|task| task.process).collect();
    if !leaders.is_empty() {
        return leaders;
    }
    // Only other threads are shown.
    let mut processes: Vec<&Process> = alike.iter().map(|task| task.process).collect();
    processes.sort_unstable_by_key(|process| process.id);
    processes.dedup_by_key(|process| process.id);
    processes
}

fn threads(alive: usize, ended: usize) -> String {
    let word = if alive == 1 { "thread" } else { "threads" };
    let alive = format!("{} {word}", count_text(alive as u64));
    match ended {
        0 => alive,
        ended => format!("{alive}, {} exited", count_text(ended as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::golden::{found, host};
    use crate::model::{End, Sample, Sources, State};
    use crate::tracker::Tracker;

    /// A run in a grid by command can hold processes of several users: the name of the group
    /// of one of them would be false for it.
    #[test]
    fn a_group_of_one_user_does_not_name_a_run_of_several() {
        let mut tracker = Tracker::new(host(), Sources::EbpfAndProc);
        let mut sample = Sample::new(Sources::EbpfAndProc);
        let of = |tid, uid| {
            let mut task = found(tid, tid, State::Sleeping);
            task.uid = Some(uid);
            task
        };
        sample.found = vec![of(5, 10), of(6, 10), of(7, 11)];
        sample.complete = true;
        tracker.update(&sample);
        let snapshot = tracker.snapshot();
        let processes = snapshot.processes.iter();
        let placed: Vec<Placed<'_>> = processes
            .map(|process| Placed {
                thread: snapshot.main_thread(process).unwrap(),
                process,
                slot: 0,
                mark: 0,
                group: 0,
            })
            .collect();
        let news = News::new(snapshot);
        let named = |alike: &[Placed<'_>]| {
            let standing = (Some("2 × group"), ", 5 MiB/s");
            text(alike, (snapshot, Scope::Processes), &news, standing)
        };
        assert!(named(&placed[..2]).starts_with("2 × group, 5 MiB/s"));
        let of_both = named(&placed);
        assert!(of_both.starts_with("3 × "), "{of_both}");
        assert!(!of_both.contains("5 MiB/s"), "{of_both}");
    }

    /// The crashes of one service are alike, whether they lived long enough for procviz to
    /// read their cgroup or not.
    #[test]
    fn short_lives_of_one_parent_are_alike() {
        let mut tracker = Tracker::new(host(), Sources::EbpfAndProc);
        let mut sample = Sample::new(Sources::EbpfAndProc);
        sample.found = vec![found(1, 1, State::Sleeping)];
        sample.complete = true;
        tracker.update(&sample);
        let snapshot = tracker.snapshot();
        let known = snapshot.processes.iter().next().unwrap();
        let thread = snapshot.main_thread(known).unwrap();
        let with = |cgroup: Option<&str>, end: Option<End>| Process {
            cgroup: cgroup.map(Into::into),
            end,
            ..known.clone()
        };
        let is_alike = |one: &Process, other: &Process| {
            let placed = |process| Placed {
                thread,
                process,
                slot: 0,
                mark: 0,
                group: 0,
            };
            likeness(&placed(one), snapshot) == likeness(&placed(other), snapshot)
        };
        let end = End {
            tick: 1,
            status: None,
            zombie: false,
        };
        let (short, long) = (with(None, Some(end)), with(Some("/a"), Some(end)));
        assert!(is_alike(&short, &long));
        assert!(!is_alike(&with(Some("/a"), None), &with(Some("/b"), None)));
    }
}
