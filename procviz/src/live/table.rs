//! The table of processes of a live view.

use super::{Live, scenes::context};
use crate::{
    chart::Table,
    model::{Process, Scope, TaskId, Thread},
    runtime::drawing,
    view::ShownTable,
};

impl Live {
    /// What is visible of the table, for a room of so many characters and rows.
    pub(super) fn shown_table(&mut self, room: (usize, usize)) -> ShownTable {
        let tracker = &self.session.tracker;
        let process_of = |id: TaskId| {
            let task = tracker.task(Scope::Threads, id);
            // Who is gone was shown as a process.
            task.map_or(id, |task| task.process.id)
        };
        let shown = self.view.shown();
        // The selected task is the one that keys go on from.
        let selected = self.view.selected;
        let others = shown.into_iter().filter(|id| Some(*id) != selected);
        let marked = others.chain(selected).map(process_of).collect();
        let goal = self.view.table.goal.map(process_of);
        let snapshot = self.session.snapshot();
        let users = &self.session.users;
        let user = |uid| drawing::name(users, uid);
        let context = context(&user, snapshot, &self.font, self.arguments, (0.0, 0.0));
        let filter = tracker.filter();
        let shows = |process: &Process, thread: &Thread| filter.shows_exited(thread, process);
        let order = self.view.table.order;
        let table = Table::new(snapshot, (&self.dead, &shows), order, &context);
        let asked = (marked, goal);
        self.view.table.show(&table, asked, room, &context)
    }
}
