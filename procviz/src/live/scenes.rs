//! Draws the chart of a live view, and saves it as a picture.

use std::sync::Arc;

use super::Live;
use crate::{
    chart::{Arguments, Bubble, Context, Grid, Lines},
    export::time,
    model::Snapshot,
    paint,
    runtime::{drawing, output::Job, text::escaped},
    scene::{Font, Scene},
    view::ChartKind,
};

impl Live {
    /// Rebuilds the charts that the user's choice of scope, grouping or order changes.
    pub(super) fn change_chart(&mut self) {
        let kinds = [ChartKind::Grid, ChartKind::Bubble, ChartKind::Lines];
        let [grid, bubble, lines] = kinds.map(|kind| self.view.scope_of(kind));
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
        let heat = self.charts.timeline.heat.unwrap_or_default();
        self.timeline
            .show_heat(self.view.shows_heat.then_some(heat));
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

    /// Saves the picture that `-o` would draw, into a new file.
    pub(super) fn save(&mut self) {
        let target = match &self.saved {
            Ok((target, _)) => target.clone(),
            Err(why) => {
                self.view.message = Some(format!("not saved: {why}"));
                return;
            }
        };
        let snapshot = self.session.snapshot();
        let name = target.name(
            1,
            &time::for_file_name(&snapshot.host, snapshot.stamp.boot_ns),
        );
        // Drawing another size must not move the dots on the screen.
        let on_screen = self.grid.clone();
        let scene = self.scene((1600.0, 900.0));
        self.grid = on_screen;
        let outcome = target.check_name(&name).and_then(|()| {
            let mut raster = paint::Raster::new(self.font.clone());
            let pixels = raster.paint(&scene, 1.0)?;
            let notes = drawing::notes(&scene, self.session.snapshot());
            let bytes = paint::encode(pixels, &notes)?;
            match &self.saved {
                Ok((_, writer)) => writer.write(name.clone(), Job::File(bytes)),
                Err(why) => Err(anyhow::anyhow!("{why}")),
            }
        });
        self.view.message = Some(match outcome {
            Ok(()) => format!("saved as {}", escaped(target.path_of(&name))),
            Err(error) => format!("not saved: {error:#}"),
        });
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
