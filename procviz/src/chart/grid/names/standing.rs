//! What stands out, and therefore has its name at its dot.

use crate::{
    chart::{
        largest::{Largest, Measure},
        margin,
    },
    model::{Process, Snapshot, TaskId},
};

/// Something that stands out: a process or a group.
pub(super) struct Standing {
    /// The tasks that can show it, the best first.
    pub(super) dots: Vec<TaskId>,
    pub(super) who: String,
    pub(super) figure: Option<String>,
    pub(super) is_group: bool,
}

/// Zombies that are younger than this are often reaped at once, ns.
const YOUNG_NS: u64 = 1_000_000_000;
/// Upper limit for the zombies that are named.
const MOST_ZOMBIES: usize = 3;

/// Some processes that have been zombies for a while.
fn zombies(snapshot: &Snapshot) -> impl Iterator<Item = &Process> {
    let is_old = |process: &&Process| {
        let ended = process.exit.as_ref().map(|record| record.time_ns);
        let now_ns = snapshot.stamp.boot_ns;
        match ended {
            Some(ended_ns) => now_ns.saturating_sub(ended_ns) >= YOUNG_NS,
            // It was there before procviz, or for more than an interval.
            None => process
                .end
                .is_some_and(|end| end.tick == 0 || end.tick < snapshot.tick),
        }
    };
    let is_shown = |process: &&Process| {
        let main = snapshot.main_thread(process);
        main.is_some_and(|main| !main.hidden)
    };
    let zombies = snapshot.processes.iter();
    let zombies = zombies.filter(|process| process.end.is_some_and(|end| end.zombie));
    let shown = zombies.filter(is_shown);
    shown.filter(is_old).take(MOST_ZOMBIES)
}

/// The subjects of findings first, then zombies, then the largest.
pub(super) fn standing_out(snapshot: &Snapshot, largest: &[Largest]) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    let findings = snapshot.findings.iter();
    let findings = findings.filter(|finding| finding.rank as usize <= margin::SHOWN);
    let findings = findings.map(|finding| Standing {
        dots: finding.dots().collect(),
        who: finding.who(),
        figure: finding.figure(),
        is_group: finding.is_group(),
    });
    let zombies = zombies(snapshot).map(|zombie| Standing {
        dots: vec![zombie.id],
        who: format!(
            "{} {}",
            snapshot.name_of(zombie).text().picture(),
            zombie.id.tid
        ),
        figure: Some("zombie".to_owned()),
        is_group: false,
    });
    let entries = || largest.iter().flat_map(|of| &of.entries);
    // Where something stands out, the name of what is small would only look like it.
    let is_quiet = snapshot.findings.is_empty() && entries().all(|entry| entry.is_small);
    let named = entries().filter(|entry| is_quiet || !entry.is_small);
    let largest = named.map(|entry| Standing {
        dots: vec![entry.about],
        who: entry.who.clone(),
        // The name of a run says how much memory each has, and how fast each grows.
        figure: match entry.measure {
            Measure::Memory | Measure::Growth if entry.count > 1 => None,
            _ => Some(entry.figure.clone()),
        },
        is_group: entry.count > 1,
    });
    for standing in findings.chain(zombies).chain(largest) {
        let is_known = |known: &&mut Standing| {
            let is_one = known.is_group && standing.is_group && known.who == standing.who;
            is_one || standing.dots.iter().any(|dot| known.dots.contains(dot))
        };
        match all.iter_mut().find(is_known) {
            Some(known) => {
                // The first figure of a subject is the one that matters most.
                known.figure = known.figure.take().or(standing.figure);
            }
            None => all.push(standing),
        }
    }
    all
}
