//! The keys of the table of processes.

use super::{Effect, Key, Stage, View};
use crate::model::TaskId;

impl View {
    /// Handles the keys of the table; `None`: the key is for the chart.
    pub(super) fn table_key(&mut self, key: Key, stage: &Stage<'_>) -> Option<Vec<Effect>> {
        if key == Key::Char('T') {
            self.table.is_open = !self.table.is_open;
            self.table.goal = self.selected;
            return Some(vec![Effect::Chart, Effect::Redraw]);
        }
        // Without room for it, the keys are for the chart.
        if !self.table.is_open || stage.hits.table.room.is_none() {
            return None;
        }
        let page = stage.hits.table.rows.len().max(1) as isize;
        let order = &mut self.table.order;
        match key {
            Key::Char(arrow @ ('<' | '>')) => {
                order.column = order.column.next(arrow == '>');
                order.is_reversed = false;
            }
            Key::Char('R') => order.is_reversed = !order.is_reversed,
            Key::Char('V') => order.is_tree = !order.is_tree,
            Key::Up | Key::Char('k') => self.select_row(stage, false),
            Key::Down | Key::Char('j') => self.select_row(stage, true),
            Key::PageUp => self.table.scroll(-page),
            Key::PageDown => self.table.scroll(page),
            Key::Home => self.table.scroll(isize::MIN),
            Key::End => self.table.scroll(isize::MAX),
            _ => return None,
        }
        Some(vec![Effect::Redraw])
    }

    /// Selects the process below (`true`) or above the selected one, or the first that is
    /// visible.
    fn select_row(&mut self, stage: &Stage<'_>, is_down: bool) {
        let table = &stage.hits.table;
        let place_of = |id: &TaskId| table.order.iter().position(|other| other == id);
        // A thread has the row of its process, which is the last one marked.
        let selected = self.selected.as_ref();
        let place = selected.and_then(|id| place_of(id).or_else(|| place_of(table.marked.last()?)));
        let next = match place {
            Some(place) if is_down => table.order.get(place + 1),
            Some(place) => place
                .checked_sub(1)
                .and_then(|place| table.order.get(place)),
            None => table.rows.first().map(|(_, id)| id),
        };
        if let Some(id) = next {
            self.selected = Some(*id);
            self.hovered = None;
        }
        self.table.goal = self.selected;
    }
}
