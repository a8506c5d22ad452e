//! A timeline in character cells: a row per lane.

use super::{
    Timeline,
    bars::Bars,
    lanes::{Group, Placed, What},
};
use crate::{
    chart::Context,
    model::{Activity, Snapshot, Status, TaskId, duration_text},
    scene::Color,
};

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LifeSign {
    /// A share of a core, 0 to 1.
    Cpu(f32),
    Io,
    Waits,
    Blocked,
    /// Many short lives.
    Band,
    /// The end: clean, with another status, or by a signal that crashed or killed.
    Exited,
    Failed,
    Crashed,
    /// The end, and how is not known.
    Gone,
}

/// A cell of a life.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LifeCell {
    /// The task of the cell; `None`: it is about no single one.
    pub(crate) id: Option<TaskId>,
    pub(crate) sign: LifeSign,
    pub(crate) color: Color,
}

/// A lane.
#[derive(Clone, Debug)]
pub(crate) struct LifeRow {
    /// The group in its first lane; else what the lane has most of.
    pub(crate) label: String,
    pub(crate) is_group: bool,
    /// `None`: nothing lived there then.
    pub(crate) cells: Vec<Option<LifeCell>>,
}

/// The lanes of a screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct LifeRows {
    pub(crate) rows: Vec<LifeRow>,
    /// What has no row.
    pub(crate) rest: String,
    /// What the beginning and the end of a row are.
    pub(crate) begin: String,
    pub(crate) end: String,
    /// What the heights of cells stand for: shares and words; empty: the signs of lives.
    pub(crate) scale: Vec<(f32, String)>,
}

impl Timeline {
    /// The lanes in this many columns; with more than this many rows, short lives are bands.
    pub(crate) fn rows(
        &mut self,
        snapshot: &Snapshot,
        context: &Context<'_>,
        (columns, rows): (usize, usize),
    ) -> LifeRows {
        self.period = self.shown_period(snapshot);
        if let Some(heat) = self.options.heat {
            let when = (self.period, snapshot.host.cpus);
            let room = (columns, rows.saturating_sub(1));
            return self.heat.rows(heat, when, room, (context, &self.palette));
        }
        let area = (0.0, 0.0, columns.max(1) as f32, rows as f32);
        let (families, idle) = self.families(context);
        let lanes = self.lanes(&families, (area, 1.0), |lanes| lanes.count() <= rows);
        let bars = Bars {
            area,
            period: self.period,
            lane: 1.0,
            largest: 1,
            context,
            palette: &self.palette,
        };
        let rows = lanes
            .groups
            .iter()
            .flat_map(|group| (0..group.lanes).map(|lane| bars.row(group, lane, columns.max(1))));
        let mut rows: Vec<LifeRow> = rows.collect();
        for (from_ns, until_ns) in &self.lives.gaps {
            // Cells that are wholly in a gap: nothing is known of them.
            let (from, until) = (bars.x(*from_ns).ceil(), bars.x(*until_ns).floor());
            for row in &mut rows {
                let cells = row.cells.iter_mut().skip(from.max(0.0) as usize);
                let count = (until - from).max(0.0) as usize;
                cells.take(count).for_each(|cell| *cell = None);
            }
        }
        let bands = lanes.bands(self.period);
        self.bands = bands;
        LifeRows {
            rows,
            rest: self.rest(idle, 0),
            begin: format!(
                "{} before",
                duration_text(self.period.1.saturating_sub(self.period.0))
            ),
            end: "now".to_owned(),
            scale: Vec::new(),
        }
    }
}

impl Bars<'_> {
    fn row(&self, group: &Group<'_>, lane: usize, columns: usize) -> LifeRow {
        let mut cells = vec![None; columns];
        let here = || group.placed.iter().filter(|placed| placed.lane == lane);
        for placed in here() {
            self.cells(placed, &mut cells);
        }
        let is_group = lane == 0;
        let label = match (is_group, here().next()) {
            (true, _) => group.name.clone(),
            (false, Some(first)) => match (&first.what, here().count()) {
                (What::Life(life), 1) => life.who(),
                (What::Life(_), many) => {
                    crate::model::many_text(many as u64, &first.name().text().picture())
                }
                (What::Band(band), _) => band.words(self.period),
            },
            (false, None) => String::new(),
        };
        LifeRow {
            label,
            is_group,
            cells,
        }
    }

    fn cells(&self, placed: &Placed<'_>, cells: &mut [Option<LifeCell>]) {
        let (left, right) = (self.x(placed.from_ns), self.x(placed.until_ns));
        let last = cells.len().saturating_sub(1);
        let first = (left as usize).min(last);
        let end = (right as usize).clamp(first, last);
        let (id, palette) = (Some(placed.first()), self.palette);
        let What::Life(life) = &placed.what else {
            for cell in &mut cells[first..=end] {
                *cell = Some(LifeCell {
                    id,
                    sign: LifeSign::Band,
                    color: palette.ran,
                });
            }
            return;
        };
        let columns = self.columns(life, left, right.max(left + 1.0));
        for (cell, column) in cells[first..=end].iter_mut().zip(&columns) {
            let shade = self.shade(column);
            let share = shade.share();
            let (sign, color) = match (shade.is_blocked, shade.waits, shade.io) {
                (true, ..) => (LifeSign::Blocked, palette.ink),
                (false, true, _) => (LifeSign::Waits, palette.faint),
                (false, false, true) => (LifeSign::Io, palette.full(Activity::Io)),
                _ if share > 0.0 => (
                    LifeSign::Cpu(share as f32),
                    palette.shade(Activity::Cpu, share, true),
                ),
                _ => (LifeSign::Cpu(0.0), palette.idle),
            };
            *cell = Some(LifeCell { id, sign, color });
        }
        if life.end.is_none() && life.seen_ns >= self.period.1 {
            return;
        }
        let (sign, color) = match life.end.and_then(|end| end.status) {
            Some(status) if status.is_crash() => {
                (LifeSign::Crashed, palette.full(Activity::Exited))
            }
            Some(Status(0)) => (LifeSign::Exited, palette.faint),
            None => (LifeSign::Gone, palette.faint),
            Some(_) => (LifeSign::Failed, palette.ink),
        };
        if let Some(cell) = cells.get_mut(end) {
            *cell = Some(LifeCell { id, sign, color });
        }
    }
}
