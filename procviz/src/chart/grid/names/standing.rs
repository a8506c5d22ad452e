//! What stands out, and therefore has its name at its dot.

use crate::{
    chart::{
        largest::{Largest, Measure},
        margin,
    },
    model::{Snapshot, TaskId},
};

/// Something that stands out: a process or a group.
pub(super) struct Standing {
    /// The tasks that can show it, the best first.
    pub(super) dots: Vec<TaskId>,
    pub(super) who: String,
    pub(super) figure: Option<String>,
    pub(super) is_group: bool,
}

/// The subjects of findings first, then the largest.
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
    let entries = || largest.iter().flat_map(|of| &of.entries);
    let large = entries().filter(|entry| !entry.is_small);
    // What is small has its name if there is room, but not its figure if it has a larger one.
    let small = entries().filter(|entry| entry.is_small);
    let largest = large.chain(small).map(|entry| Standing {
        dots: vec![entry.about],
        who: entry.who.clone(),
        // The name of a run says how much memory each has, and how fast each grows.
        figure: match entry.measure {
            Measure::Memory | Measure::Growth if entry.count > 1 => None,
            _ => Some(entry.figure.clone()),
        },
        is_group: entry.count > 1,
    });
    for standing in findings.chain(largest) {
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
