//! Draws the chart of a live view.

use std::sync::Arc;

use super::Live;
use crate::{
    chart::{Arguments, Bubble, Context, Grid, Lines},
    export::time,
    model::Snapshot,
    runtime::drawing,
    scene::{Font, Scene},
    view::ChartKind,
};

impl Live {
    /// Rebuilds the charts that the user's choice of scope, grouping or order changes.
    pub(super) fn change_chart(&mut self) {
        let kinds = [
            ChartKind::Grid,
            ChartKind::Bubble,
            ChartKind::Lines,
            ChartKind::Timeline,
        ];
        let [grid, bubble, lines, timeline] = kinds.map(|kind| self.view.scope_of(kind));
        let grouping = self.view.grouping;
        let is_regrouped = self.charts.grid.grouping != grouping;
        let charts = &mut self.charts.grid;
        let wanted = (grid, grouping, self.view.sorting);
        if (charts.scope, charts.grouping, charts.sorting) != wanted {
            (charts.scope, charts.grouping, charts.sorting) = wanted;
            self.grid = Grid::new(self.charts.grid.clone()).stable();
        }
        if self.charts.bubble.scope != bubble || self.charts.bubble.grouping != grouping {
            self.charts.bubble.scope = bubble;
            self.charts.bubble.grouping = grouping;
            self.bubble = Bubble::new(self.charts.bubble.clone());
            self.bubble.observe(self.session.snapshot());
        }
        if self.charts.timeline.scope != timeline {
            self.charts.timeline.scope = timeline;
            self.timeline.change_scope(timeline);
            self.timeline.observe(self.session.snapshot());
            self.rebuild_charts();
        }
        if self.view.table.is_open && !self.looks_back {
            // The table lists who exited in the last minute.
            self.looks_back = true;
            self.rebuild_charts();
        }
        self.looks_back = self.view.table.is_open;
        self.timeline.show_heat(self.heat());
        if is_regrouped {
            self.charts.timeline.grouping = grouping;
            self.timeline.group_by(grouping);
        }
        if self.charts.lines.scope != lines {
            self.charts.lines.scope = lines;
            self.lines = Lines::new(self.charts.lines.clone());
            self.rebuild_charts();
        }
    }

    /// The chart as a scene of this width and height, pixels.
    pub(super) fn scene(&mut self, size: (f32, f32)) -> Scene {
        let snapshot = self.session.snapshot();
        let users = &self.session.users;
        let user = |uid| drawing::name(users, uid);
        let context = Context {
            selection: self.selection.clone(),
            ..context(&user, snapshot, &self.font, self.arguments, size)
        };
        match self.view.chart {
            ChartKind::Grid => self.grid.draw(snapshot, &context),
            ChartKind::Bubble => self.bubble.draw(snapshot, &context),
            ChartKind::Timeline => self.timeline.draw(snapshot, &context),
            ChartKind::Lines => {
                self.lines.in_3d(self.view.lines_in_3d);
                self.lines.look_from(self.view.angle);
                self.lines.draw(snapshot, &context)
            }
        }
    }
}

/// What charts need besides the snapshot.
pub(super) fn context<'a>(
    user: &'a dyn Fn(Option<u32>) -> Arc<str>,
    snapshot: &Snapshot,
    font: &'a Font,
    arguments: Arguments,
    size: (f32, f32),
) -> Context<'a> {
    Context {
        font,
        user,
        time: time::local(&snapshot.host, snapshot.stamp.boot_ns),
        is_live: true,
        selection: Vec::new(),
        size,
        arguments,
    }
}
