//! Computes the size, shape and colour of a dot.

use super::GridOptions;
use crate::{
    chart::palette::Palette,
    model::{Activity, Scope, State, TaskView},
    scene::{Color, Item, Mark, Shape},
};

/// Smallest radius at which the colour of a dot is visible, in pixels.
const SMALLEST: f32 = 1.7;
/// Pixels per point.
const POINT: f32 = 96.0 / 72.0;
/// Area of the smallest dot in the 2011 version, in square points.
const CLASSIC_LEAST: f32 = 20.0;

/// Diameter of the largest dot in pixels, from its area in square points.
pub(super) fn largest_diameter(point_size: f32) -> f32 {
    point_size.sqrt() * POINT
}

/// Converts resident sets to radii for one picture.
pub(super) struct Sizes {
    cell: f32,
    /// Radius of the largest dot, in pixels.
    most: f32,
    /// Largest resident set, in bytes.
    largest: u64,
    /// Area of the smallest dot, as a part of the area of the largest dot.
    least: f64,
    /// Whether only the group leader shows the memory that its threads share.
    shared: bool,
    classic: bool,
}

impl Sizes {
    pub(super) fn new(options: &GridOptions, largest: u64, cell: f32) -> Self {
        let least = if options.classic {
            f64::from((CLASSIC_LEAST / options.point_size).min(1.0))
        } else {
            // A third of the largest radius still shows the colour.
            0.11
        };
        Self {
            cell,
            most: (cell * 0.46).min(largest_diameter(options.point_size) / 2.0),
            largest: largest.max(1),
            least,
            shared: options.scope == Scope::Threads && !options.classic,
            classic: options.classic,
        }
    }

    /// Height of a row of dots, in pixels.
    pub(super) fn cell(&self) -> f32 {
        self.cell
    }

    /// Radius of the largest dot, in pixels.
    pub(super) fn most(&self) -> f32 {
        self.most
    }

    /// The largest dot fills its cell.
    pub(super) fn fill_the_cell(&mut self) {
        self.most = self.cell * 0.46;
    }

    /// The radius of a dot, in pixels. Its area is RSS.
    fn radius(&self, task: &TaskView<'_>, activity: Activity) -> f32 {
        let shares = self.shared && !task.is_leader();
        let rss = if shares {
            0
        } else {
            task.largest_rss().unwrap_or(0)
        };
        let area = (rss as f64 / self.largest as f64).max(self.least);
        if self.classic {
            return self.most * swollen(area, self.least, task.rss_delta().unwrap_or(0));
        }
        let r = self.most * (area.sqrt() as f32);
        // In a crowded picture, the smallest dot must still show its colour.
        let floor = if activity == Activity::Idle {
            SMALLEST
        } else {
            SMALLEST * 1.3
        };
        r.max(floor.min(self.most))
    }
}

/// In the 2011 version a dot is larger for one refresh if RSS grew, and smaller if RSS shrank.
/// `area` and `least` are parts of the area of the largest dot, the result is one of its radius.
fn swollen(area: f64, least: f64, delta: i64) -> f32 {
    let swollen = match delta {
        0 => area,
        1.. => (area * 1.25).max(area + least * 0.5),
        _ => (area * 0.75).max(area * 0.5),
    };
    swollen.min(1.25).sqrt() as f32
}

/// How the memory of a process has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halo {
    Grew,
    Shrank,
}

impl Halo {
    pub(super) const ALL: [Self; 2] = [Self::Grew, Self::Shrank];
    /// Smaller changes have no halo: bytes, and part of the resident set.
    const LEAST: (u64, u64) = (512 << 10, 33);

    /// The halo of a task in the interval.
    pub(super) fn of(task: &TaskView<'_>) -> Option<Self> {
        let delta = task.rss_delta().filter(|_| task.is_leader())?;
        let (least, part) = Self::LEAST;
        let rss = task.process.rss?;
        if task.exited() || delta.unsigned_abs() < least.max(rss / part) {
            return None;
        }
        Some(if delta > 0 { Self::Grew } else { Self::Shrank })
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Grew => "grew",
            Self::Shrank => "shrank",
        }
    }

    /// Radius of the line, for a mark with this radius, in pixels.
    pub(super) fn radius(self, r: f32) -> f32 {
        match self {
            Self::Grew => r + 2.0,
            Self::Shrank => r * 0.5,
        }
    }

    /// The line around or within a mark, which shows in each of its colours.
    pub(super) fn line(self, mark: &Mark, palette: &Palette) -> Item {
        Item::Ring {
            at: (mark.x, mark.y),
            r: self.radius(mark.r),
            width: 1.2,
            color: match self {
                Self::Grew => palette.ink,
                Self::Shrank => palette.background,
            },
        }
    }
}

/// The dot of a task.
pub(super) fn mark(
    task: &TaskView<'_>,
    (x, y): (f32, f32),
    sizes: &Sizes,
    palette: &Palette,
) -> Mark {
    let activity = task.activity();
    let mut color = palette.of_task(task);
    let mut r = sizes.radius(task, activity);
    if task.crashed() && !sizes.classic {
        r = r.max(sizes.most * 0.75);
    }
    let (mut shape, spot) = second_channel(activity, r, palette);
    match task.state() {
        State::Blocked => {
            shape = Shape::Square;
            if activity == Activity::Idle {
                // Not as quiet as a task that sleeps.
                color = palette.faint;
            }
        }
        State::Zombie => {
            shape = Shape::Ring;
            if activity != Activity::Exited {
                color = palette.faint;
            }
            r = r.max(sizes.cell * 0.2);
        }
        State::Stopped | State::Traced => shape = Shape::Triangle,
        _ => {}
    }
    Mark {
        id: task.id(),
        x,
        y,
        r,
        shape,
        color,
        spot: spot.filter(|_| shape == Shape::Disc),
    }
}

/// Marks io and exited without colour: a spot for io, a diamond for exited.
pub(super) fn second_channel(
    activity: Activity,
    r: f32,
    palette: &Palette,
) -> (Shape, Option<Color>) {
    match activity {
        Activity::Exited => (Shape::Diamond, None),
        // A smaller dot has no room for a spot.
        Activity::Io | Activity::CpuIo if r >= 2.4 => (Shape::Disc, Some(palette.background)),
        _ => (Shape::Disc, None),
    }
}
