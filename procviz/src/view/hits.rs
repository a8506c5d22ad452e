//! What lies where on the screen, in pixels or cells.

use crate::model::TaskId;

/// A task's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    /// Who.
    pub(crate) id: TaskId,
    /// Centre.
    pub(crate) x: f32,
    /// Centre.
    pub(crate) y: f32,
    /// Half its width.
    pub(crate) r: f32,
}

/// What a pointer is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A task.
    Task(TaskId),
    /// A line of the panel: the finding's place in the list.
    Finding(usize),
}

/// The index of a picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hits {
    /// Tasks, in the order in which they are drawn.
    pub(crate) tasks: Vec<Spot>,
    /// Lines of the panel: left, top, right, bottom.
    pub(crate) findings: Vec<(f32, f32, f32, f32)>,
    /// The time bar of a recording, likewise.
    pub(crate) bar: Option<(f32, f32, f32, f32)>,
}

/// Pixels around a dot that count as the dot.
#[cfg(feature = "window")]
const NEAR: f32 = 3.0;
/// How much more it costs to go aside than ahead.
const ASIDE: f32 = 3.0;

impl Hits {
    /// Of a scene's marks; the panel's lines are where the chart says.
    #[cfg(feature = "window")]
    pub(crate) fn of_scene(scene: &crate::scene::Scene) -> Self {
        let none = TaskId::default();
        let marks = scene.marks.iter().filter(|mark| mark.id != none);
        Self {
            tasks: marks
                .map(|mark| Spot {
                    id: mark.id,
                    x: mark.x,
                    y: mark.y,
                    r: mark.r + NEAR,
                })
                .collect(),
            findings: scene.panel.clone(),
            bar: None,
        }
    }

    /// What is at a place: the nearest of the tasks there, or a line of the panel.
    pub(crate) fn at(&self, x: f32, y: f32) -> Option<Target> {
        let near = self.tasks.iter().filter_map(|spot| {
            let far = (spot.x - x).hypot(spot.y - y);
            (far <= spot.r).then_some((far / spot.r, spot.id))
        });
        // Of several as near, the last drawn is on top.
        let nearest = near.fold(None, |best: Option<(f32, TaskId)>, (far, id)| match best {
            Some((least, _)) if least < far => best,
            _ => Some((far, id)),
        });
        nearest.map(|(_, id)| Target::Task(id)).or_else(|| {
            let is_in = |&&(left, top, right, bottom): &&(f32, f32, f32, f32)| {
                (left..right).contains(&x) && (top..bottom).contains(&y)
            };
            let line = self.findings.iter().position(|place| is_in(&place))?;
            Some(Target::Finding(line))
        })
    }

    /// Where the nearest task to a place is.
    #[cfg(feature = "window")]
    pub(crate) fn nearest(&self, (x, y): (f32, f32)) -> Option<(f32, f32)> {
        let far = |spot: &&Spot| (spot.x - x).hypot(spot.y - y);
        let nearest = self
            .tasks
            .iter()
            .min_by(|one, two| far(one).total_cmp(&far(two)));
        nearest.map(|spot| (spot.x, spot.y))
    }

    /// The middle of all tasks.
    #[cfg(feature = "window")]
    pub(crate) fn middle(&self) -> (f32, f32) {
        let between = |of: fn(&Spot) -> f32| {
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
        (between(|spot| spot.x), between(|spot| spot.y))
    }

    /// Where a task is.
    pub(crate) fn spot(&self, id: TaskId) -> Option<&Spot> {
        self.tasks.iter().find(|spot| spot.id == id)
    }

    /// The next task from another's place in a direction, `(1, 0)` being right.
    pub(crate) fn next(&self, from: TaskId, (dx, dy): (f32, f32)) -> Option<TaskId> {
        let from = *self.spot(from)?;
        let cost = |spot: &Spot| {
            let (x, y) = (spot.x - from.x, spot.y - from.y);
            let ahead = x * dx + y * dy;
            let aside = (x * dy - y * dx).abs();
            (ahead > 0.25 * from.r.min(1.0)).then_some(ahead + ASIDE * aside)
        };
        self.tasks
            .iter()
            .filter(|spot| spot.id != from.id)
            .filter_map(|spot| Some((cost(spot)?, spot.id)))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, id)| id)
    }

    /// The first task from the top left.
    pub(crate) fn first(&self) -> Option<TaskId> {
        let key = |spot: &&Spot| (spot.y, spot.x);
        self.tasks
            .iter()
            .min_by(|a, b| {
                let (a, b) = (key(a), key(b));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            })
            .map(|spot| spot.id)
    }
}
