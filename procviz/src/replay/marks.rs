//! Reads findings as they were recorded, without playing the samples.

use super::{Player, archive::failed};
use crate::{
    model::Host,
    recording::Mark,
    runtime::{
        Failure,
        warning::{Warning, warn},
    },
};

impl Player {
    /// Whether all files hold marks of findings.
    pub(crate) fn has_marks(&self) -> bool {
        self.archive.iter().all(|recorded| recorded.facts.has_marks)
    }

    /// The marks of all files with their wall clock times (ns since 1970), in order.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub(crate) fn marks(&mut self) -> Result<Vec<(i128, Host, Mark)>, Failure> {
        let mut all = Vec::new();
        for recorded in &self.archive {
            let Some(map) = &recorded.map else { continue };
            let marks = map.marks(&mut recorded.open()?);
            let (marks, damaged) = marks.map_err(|error| failed(&recorded.name, &error.into()))?;
            for at in damaged {
                warn(Warning::DamagedFindings {
                    name: &recorded.name,
                    offset: at,
                });
                self.status = 3;
            }
            let host = recorded.facts.machine();
            all.extend(marks.into_iter().map(|mark| {
                let wall_ns = recorded.facts.wall_ns(mark.time_ns);
                (wall_ns, host.clone(), mark)
            }));
        }
        all.sort_by_key(|(wall_ns, ..)| *wall_ns);
        Ok(all)
    }
}
