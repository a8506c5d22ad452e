//! Groups of processes with different names: those that descend from one process, and those
//! in one cgroup. They are judged by what no finding about a process or name explains.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    Limits, Member, RULES,
    sums::{LEAST, Sums},
};
use crate::{
    model::{Comm, Finding, Process, TaskId, Together, count_text},
    tracker::rules::{family::Family, world::World},
};

/// An ancestor whose child has more than this part of its sum says no more than the child.
const NEARLY_ALL: f64 = 0.8;
/// Upper limit for the findings about families, and about cgroups, of one rule.
const MOST: usize = 4;
/// Number of commands that the text names.
const NAMED: usize = 3;

/// Adds findings about what is left of the figures at a place of [`Member::values`].
pub(super) fn judge<'a>(
    members: &[Member<'a>],
    limits: &Limits<'a>,
    at: usize,
    findings: &mut Vec<Finding>,
) {
    let mut rest = unexplained(members, at, findings);
    // Sums of parts are no larger than the sum of all that rises.
    let mut all = Sums::default();
    let rises = rest.iter().filter(|member| member.values[at] > 0.0);
    rises.for_each(|member| all.add(member, at));
    if !limits.is_much(&all, at) {
        return;
    }
    let family = Family::new(limits.world.snapshot);
    for _ in 0..MOST {
        let Some((ancestor, sums)) = largest_family(&rest, limits, at, &family) else {
            break;
        };
        let is_in = |member: &Member<'a>| family.descends(member.process, ancestor);
        let Some(finding) = limits.finding(&sums, at) else {
            break;
        };
        let (comm, uid) = limits.world.group(ancestor);
        let inside = rest.iter().copied().filter(|member| is_in(member));
        let text = with_names(finding.text, inside, at) + note(members, &rest, at, &is_in);
        findings.push(Finding {
            about: Some(ancestor.id),
            comm: Some(comm),
            uid,
            together: Some(Together::Tree),
            text,
            ..finding
        });
        rest.retain(|member| !is_in(member));
    }
    for mut finding in cgroups(&rest, limits, at) {
        let cgroup = finding.cgroup.clone();
        let is_in = |member: &Member<'_>| member.process.cgroup == cgroup;
        finding.text.push_str(note(members, &rest, at, &is_in));
        findings.push(finding);
    }
}

/// What to add if processes of the group are not in its sum.
fn note<'a>(
    members: &[Member<'a>],
    rest: &[&Member<'a>],
    at: usize,
    is_in: &dyn Fn(&Member<'a>) -> bool,
) -> &'static str {
    let left: FxHashSet<TaskId> = rest.iter().map(|member| member.process.id).collect();
    let mut missing = members.iter().filter(|member| {
        member.values[at] >= LEAST[at] && !left.contains(&member.process.id) && is_in(member)
    });
    match missing.next() {
        Some(_) => ", without those that have a finding of their own",
        None => "",
    }
}

/// The processes that do much or little, and have no finding of this rule, nor has their name.
fn unexplained<'m, 'a>(
    members: &'m [Member<'a>],
    at: usize,
    findings: &[Finding],
) -> Vec<&'m Member<'a>> {
    let of_rule = || findings.iter().filter(|finding| finding.rule == RULES[at]);
    let alone: FxHashSet<TaskId> = of_rule()
        .filter(|finding| finding.together.is_none())
        .filter_map(|finding| finding.about)
        .collect();
    let names: FxHashSet<(Comm, Option<u32>)> = of_rule()
        .filter(|finding| finding.together == Some(Together::Command))
        .filter_map(|finding| Some((finding.comm?, finding.uid)))
        .collect();
    let is_left = |member: &&Member<'_>| {
        let is_some = member.values[at].abs() >= LEAST[at];
        is_some && !alone.contains(&member.process.id) && !names.contains(&member.name)
    };
    members.iter().filter(is_left).collect()
}

/// The ancestor whose descendants do most: the nearest one that has nearly all of it.
fn largest_family<'a>(
    members: &[&Member<'a>],
    limits: &Limits<'a>,
    at: usize,
    family: &Family<'a>,
) -> Option<(&'a Process, Sums)> {
    let mut sums: FxHashMap<TaskId, (&'a Process, Sums)> = FxHashMap::default();
    for member in members {
        let line = family.line(member.process);
        for ancestor in line.filter(|of| !limits.world.is_hidden(of)) {
            let entry = sums.entry(ancestor.id);
            let (_, sums) = entry.or_insert_with(|| (ancestor, Sums::default()));
            sums.add(member, at);
        }
    }
    let is_much = |(_, sums): &(&Process, Sums)| limits.finding(sums, at).is_some();
    let most = sums
        .values()
        .filter(|of| is_much(of))
        .max_by(|(a, of_a), (b, of_b)| of_a.sum().total_cmp(&of_b.sum()).then(b.id.cmp(&a.id)))?;
    let (top, least) = (most.0, most.1.sum() * NEARLY_ALL);
    let near = sums
        .values()
        .filter(|of| of.1.sum() >= least && is_much(of) && family.descends(of.0, top))
        .min_by_key(|(process, sums)| {
            // Idle ancestors have as many: the nearest is the deepest.
            let depth = family.line(process).count();
            (sums.count, std::cmp::Reverse(depth), process.id)
        })?;
    let id = near.0.id;
    sums.remove(&id)
}

/// The findings about cgroups, the largest first.
fn cgroups(members: &[&Member<'_>], limits: &Limits<'_>, at: usize) -> Vec<Finding> {
    let mut groups: FxHashMap<&str, Vec<&Member<'_>>> = FxHashMap::default();
    for member in members {
        let path = member.process.cgroup.as_deref();
        // The root is no group: it has what nobody has put elsewhere.
        if let Some(path) = path.filter(|path| !path.trim_matches('/').is_empty()) {
            groups.entry(path).or_default().push(member);
        }
    }
    let mut found: Vec<Finding> = Vec::new();
    for members in groups.values() {
        let mut sums = Sums::default();
        members.iter().for_each(|member| sums.add(member, at));
        let Some(finding) = limits.finding(&sums, at) else {
            continue;
        };
        let uid = members[0].name.1;
        let is_one_user = members.iter().all(|member| member.name.1 == uid);
        found.push(Finding {
            cgroup: members[0].process.cgroup.clone(),
            uid: uid.filter(|_| is_one_user),
            together: Some(Together::Cgroup),
            text: with_names(finding.text, members.iter().copied(), at),
            ..finding
        });
    }
    found.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.cgroup.cmp(&b.cgroup)));
    found.truncate(MOST);
    found
}

/// The text with the names of those who do most.
fn with_names<'m, 'a: 'm>(
    text: String,
    members: impl Iterator<Item = &'m Member<'a>>,
    at: usize,
) -> String {
    let mut names: FxHashMap<Comm, Sums> = FxHashMap::default();
    for member in members.filter(|member| member.values[at] >= LEAST[at]) {
        names.entry(member.name.0).or_default().add(member, at);
    }
    let mut names: Vec<(Comm, f64)> = names
        .into_iter()
        .map(|(comm, sums)| (comm, sums.sum()))
        .collect();
    names.sort_by(|(a, of_a), (b, of_b)| of_b.total_cmp(of_a).then(a.bytes().cmp(b.bytes())));
    let first = names.iter().take(NAMED).map(|(comm, _)| comm.text().name());
    let first: Vec<String> = first.collect();
    let more = match names.len() - first.len() {
        0 => String::new(),
        1 => " and 1 other command".to_owned(),
        more => format!(" and {} other commands", count_text(more as u64)),
    };
    format!("{text}: {}{more}", first.join(", "))
}

/// Whether a process belongs to the group of a finding.
pub(in crate::tracker::rules) fn has<'a>(
    finding: &Finding,
    process: &'a Process,
    world: World<'_>,
    family: &Family<'a>,
) -> bool {
    match finding.together {
        Some(Together::Cgroup) => process.cgroup == finding.cgroup,
        Some(Together::Tree) => {
            let ancestor = finding.about.and_then(|about| world.process(about));
            ancestor.is_some_and(|ancestor| family.descends(process, ancestor))
        }
        _ => {
            let (comm, uid) = world.group(process);
            (Some(comm), uid) == (finding.comm, finding.uid)
        }
    }
}
