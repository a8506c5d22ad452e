//! Builds the popups: what a live view shows about the tasks that the user looks at.

use std::time::{Duration, Instant};

use super::Live;
use crate::{
    export::time,
    model::{Process, TaskId},
    runtime::drawing,
    view::{ChartKind, Popup, Subject, popup},
};

/// Time between two reads of the details that are not in the snapshot.
const DETAILS: Duration = Duration::from_secs(1);

impl Live {
    /// The popups of the tasks that the user looks at, in order.
    pub(super) fn popups(&mut self) -> Vec<(TaskId, Popup)> {
        let shown = self.view.shown();
        self.last_popups.retain(|id, _| shown.contains(id));
        self.ask_for_details(shown.last().copied());
        for id in &shown {
            if let Some(popup) = self.popup(*id) {
                self.last_popups.insert(*id, popup);
            } else if let Some(popup) = self.last_popups.get_mut(id) {
                popup.is_over = true;
            }
        }
        shown
            .into_iter()
            .filter_map(|id| Some((id, self.last_popups.get(&id)?.clone())))
            .collect()
    }

    pub(super) fn popup(&self, id: TaskId) -> Option<Popup> {
        let tracker = &self.session.tracker;
        let Some(task) = tracker.task(self.view.scope(), id) else {
            return self.popup_of_life(id);
        };
        let snapshot = tracker.snapshot();
        let details = self
            .detailed
            .as_ref()
            .filter(|(detailed, ..)| *detailed == id)
            .map_or(&[][..], |(_, lines, _)| lines.as_slice());
        let late = ["details: no answer from /proc".to_owned()];
        let is_late = self.details.overdue() == Some(id);
        let subject = Subject {
            user: drawing::name(&self.session.users, task.thread.uid),
            parent: self.name_of(task.process.ppid),
            started: time::local(&snapshot.host, id.start_ns),
            interval_ns: snapshot.stamp.interval_ns,
            details: if is_late { &late } else { details },
        };
        Some(popup(&task, &subject))
    }

    /// A timeline and the table show processes that the snapshot has forgotten.
    fn popup_of_life(&self, id: TaskId) -> Option<Popup> {
        let user = |uid| drawing::name(&self.session.users, uid);
        let lines = match self.view.chart {
            ChartKind::Timeline if !self.view.shows_heat => self.timeline.about(id, &user)?,
            // A popup that was open when the task exited says more.
            _ if self.view.table.is_open && !self.last_popups.contains_key(&id) => {
                self.timeline.about_life(id, &user)?
            }
            _ => return None,
        };
        let mut lines = lines.into_iter();
        Some(Popup {
            title: lines.next()?,
            lines: lines.collect(),
            is_over: true,
        })
    }

    pub(super) fn name_of(&self, pid: u32) -> Option<String> {
        let snapshot = self.session.snapshot();
        let is_it = |process: &&Process| process.id.tid == pid && process.end.is_none();
        let process = snapshot.processes.iter().find(is_it)?;
        Some(snapshot.name_of(process).text().picture())
    }

    pub(super) fn ask_for_details(&mut self, id: Option<TaskId>) {
        if self.replay.is_some() {
            // The tasks of a recording are not those of this machine.
            return;
        }
        if let Some((id, lines)) = self.details.take() {
            self.detailed = Some((id, lines, Instant::now()));
        }
        let Some(id) = id else { return };
        let is_fresh = self
            .detailed
            .as_ref()
            .is_some_and(|(detailed, _, came)| *detailed == id && came.elapsed() < DETAILS);
        if !is_fresh {
            self.details.ask(id);
        }
    }
}
