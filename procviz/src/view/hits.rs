//! Maps positions on the screen to tasks and findings, in pixels or cells.

use super::{
    boxes::Bounds,
    table_hits::{TableHits, is_in},
};
use crate::{chart::Column, model::TaskId};

/// The position of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TaskPosition {
    /// Id of the task.
    pub(crate) id: TaskId,
    /// Centre, from the left.
    pub(crate) x: f32,
    /// Centre, from the top.
    pub(crate) y: f32,
    /// Half the width.
    pub(crate) r: f32,
}

/// The object under the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A task.
    Task(TaskId),
    /// A finding in the panel, by its index in the list.
    Finding(usize),
    /// A row of the table.
    Row(TaskId),
    /// The heading of a column of the table.
    Column(Column),
}

/// The positions of the objects in a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hits {
    /// Tasks, in drawing order.
    pub(crate) tasks: Vec<TaskPosition>,
    /// Boxes of the findings in the panel: left, top, right, bottom.
    pub(crate) findings: Vec<(f32, f32, f32, f32)>,
    /// Box of the time bar of a recording: left, top, right, bottom.
    pub(crate) bar: Option<(f32, f32, f32, f32)>,
    pub(crate) table: TableHits,
}

/// Width of the border around a dot that counts as the dot, in pixels.
#[cfg(feature = "window")]
const NEAR: f32 = 3.0;
/// Cost of a sideways distance, relative to a distance ahead.
const ASIDE: f32 = 3.0;

impl Hits {
    /// Takes the positions from the marks and from the panel of a scene.
    #[cfg(feature = "window")]
    pub(crate) fn of_scene(scene: &crate::scene::Scene) -> Self {
        let none = TaskId::default();
        let marks = scene.marks.iter().filter(|mark| mark.id != none);
        Self {
            tasks: marks
                .map(|mark| TaskPosition {
                    id: mark.id,
                    x: mark.x,
                    y: mark.y,
                    r: mark.r + NEAR,
                })
                .collect(),
            findings: scene.panel.clone(),
            bar: None,
            table: TableHits::default(),
        }
    }

    /// The object at a position: the nearest task there, or a finding in the panel.
    pub(crate) fn at(&self, x: f32, y: f32) -> Option<Target> {
        if self.table.contains(x, y) {
            let row = self.table.row((x, y)).map(Target::Row);
            return row.or_else(|| self.table.column((x, y)).map(Target::Column));
        }
        let near = self.tasks.iter().filter_map(|position| {
            let far = (position.x - x).hypot(position.y - y);
            (far <= position.r).then_some((far / position.r, position.id))
        });
        // Of several tasks at the same distance, the last drawn is on top.
        let nearest = near.fold(None, |best: Option<(f32, TaskId)>, (far, id)| match best {
            Some((least, _)) if least < far => best,
            _ => Some((far, id)),
        });
        nearest.map(|(_, id)| Target::Task(id)).or_else(|| {
            let is_here = |place: &Bounds| is_in(*place, (x, y));
            let line = self.findings.iter().position(is_here)?;
            Some(Target::Finding(line))
        })
    }

    /// The place on the time bar at a position, from 0 to 1; `None`: it is not on the bar.
    pub(crate) fn on_bar(&self, (x, y): (f32, f32)) -> Option<f32> {
        let bar = self.bar.filter(|bar| is_in(*bar, (x, y)))?;
        let (left, _, right, _) = bar;
        (right > left).then(|| (x - left) / (right - left))
    }

    /// The position of the task that is nearest to a position.
    #[cfg(feature = "window")]
    pub(crate) fn nearest(&self, (x, y): (f32, f32)) -> Option<(f32, f32)> {
        let far = |position: &&TaskPosition| (position.x - x).hypot(position.y - y);
        let nearest = self
            .tasks
            .iter()
            .min_by(|one, two| far(one).total_cmp(&far(two)));
        nearest.map(|position| (position.x, position.y))
    }

    /// The middle of the area of all tasks.
    #[cfg(feature = "window")]
    pub(crate) fn middle(&self) -> (f32, f32) {
        let between = |of: fn(&TaskPosition) -> f32| {
            let (least, most) = self
                .tasks
                .iter()
                .map(of)
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(least, most), at| {
                    (least.min(at), most.max(at))
                });
            if least <= most {
                f32::midpoint(least, most)
            } else {
                0.0
            }
        };
        (
            between(|position| position.x),
            between(|position| position.y),
        )
    }

    /// The position of a task.
    pub(crate) fn position(&self, id: TaskId) -> Option<&TaskPosition> {
        self.tasks.iter().find(|position| position.id == id)
    }

    /// The next task from the position of task `from` in a direction; `(1, 0)` is right.
    pub(crate) fn next(&self, from: TaskId, (dx, dy): (f32, f32)) -> Option<TaskId> {
        let from = *self.position(from)?;
        let cost = |position: &TaskPosition| {
            let (x, y) = (position.x - from.x, position.y - from.y);
            let ahead = x * dx + y * dy;
            let aside = (x * dy - y * dx).abs();
            (ahead > 0.25 * from.r.min(1.0)).then_some(ahead + ASIDE * aside)
        };
        self.tasks
            .iter()
            .filter(|position| position.id != from.id)
            .filter_map(|position| Some((cost(position)?, position.id)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, id)| id)
    }

    /// The first task from the top left.
    pub(crate) fn first(&self) -> Option<TaskId> {
        let key = |position: &&TaskPosition| (position.y, position.x);
        self.tasks
            .iter()
            .min_by(|a, b| {
                let (a, b) = (key(a), key(b));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            })
            .map(|position| position.id)
    }
}
