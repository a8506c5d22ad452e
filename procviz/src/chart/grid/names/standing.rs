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
    pub(super) id: TaskId,
    pub(super) who: String,
    pub(super) figure: Option<String>,
    pub(super) is_group: bool,
}

/// The subjects of findings first, then the largest.
pub(super) fn standing_out(snapshot: &Snapshot, largest: &[Largest]) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    let findings = snapshot.findings.iter();
    let findings = findings.filter(|finding| finding.rank as usize <= margin::SHOWN);
    let findings = findings.filter_map(|finding| {
        Some(Standing {
            id: finding.dot?,
            // At the dot of one process, other commands would be said of it.
            who: match (finding.other_names, finding.comm) {
                (1.., Some(comm)) => comm.text().name(),
                _ => finding.who(),
            },
            figure: finding.figure(),
            is_group: finding.is_group,
        })
    });
    let largest = largest.iter().flat_map(|of| &of.entries);
    let largest = largest.map(|entry| Standing {
        id: entry.about,
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
            known.id == standing.id || is_one
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
