//! Writes names and last values at the ends of the lines.

use rustc_hash::FxHashMap;

use super::{
    Course, END, LABEL,
    panel::Panel,
    rows::{ROW, spread},
    steps::Figure,
};
use crate::{
    chart::{Context, labels::Labels, lines::name, palette::Palette},
    model::TaskId,
    scene::{Anchor, Color, Item, Scene, Text},
};

/// Room between the end of the lines and the names at the right, in pixels.
const LEADER: f32 = 22.0;
/// Upper limit for the names of tasks that exited, in a panel.
const MOST_EXITED: usize = 12;
/// Upper limit for the width of such a name, in pixels.
const WIDEST: f32 = 200.0;

/// What names are written with.
pub(super) struct Names<'a> {
    pub(super) panel: &'a Panel,
    /// Radius of the marks that have a number.
    pub(super) rings: &'a FxHashMap<TaskId, f32>,
    pub(super) palette: &'a Palette,
    pub(super) context: &'a Context<'a>,
    /// Where the names at the right end, in pixels.
    pub(super) right: f32,
}

impl Names<'_> {
    /// Writes the names of the lines, of which the last is the most important: at the right
    /// those of tasks that live, beside the ends of their lines those of the others.
    pub(super) fn write(&self, scene: &mut Scene, courses: &[Course<'_>]) {
        self.living(scene, courses);
        self.exited(scene, courses);
    }

    fn living(&self, scene: &mut Scene, courses: &[Course<'_>]) {
        let (panel, context) = (self.panel, self.context);
        let room = ((panel.bottom - panel.top) / ROW).floor().max(1.0) as usize;
        let living = courses.iter().rev().filter(|of| !of.trail.is_over);
        let ends = living.filter_map(|course| Some((course, course.end(panel)?)));
        let mut ends: Vec<_> = ends.take(room).collect();
        ends.sort_by(|(a, ((_, of_a), _)), (b, ((_, of_b), _))| {
            of_a.total_cmp(of_b).then(a.id.cmp(&b.id))
        });
        let wanted: Vec<f32> = ends.iter().map(|(_, ((_, y), _))| *y).collect();
        let rows = spread(&wanted, (panel.top, panel.bottom));
        let left = panel.right + LEADER;
        for ((course, ((x, y), value)), row) in ends.into_iter().zip(rows) {
            scene.items.push(Item::Line {
                points: vec![(x + self.reach(course.id) + 2.0, y), (left - 4.0, row)],
                width: 1.0,
                color: self.palette.idle,
            });
            let figure = format!("  {}", panel.figure.words(value));
            let room = self.right - left - context.font.width(&figure, LABEL);
            let whole = name(course.id, course.trail, context);
            let name = match context.font.width(&whole, LABEL) <= room {
                true => whole,
                // Without the user, there can be room for name and pid.
                false => {
                    let comm = course.trail.who.comm.text().picture();
                    format!("{comm} {}", course.id.tid)
                }
            };
            let name = context.font.fit(&name, LABEL, room.max(20.0));
            let text = format!("{name}{figure}");
            self.text(scene, (left, row + 4.0), self.palette.ink, text);
        }
    }

    fn exited(&self, scene: &mut Scene, courses: &[Course<'_>]) {
        let (panel, context) = (self.panel, self.context);
        let bounds = (panel.left, panel.top - 4.0, panel.right, panel.bottom + 2.0);
        let ends = || {
            let courses = courses.iter().rev();
            courses.filter_map(|course| Some((course, course.end(panel)?)))
        };
        let marks = ends().map(|(_, ((x, y), _))| (x, y, END)).collect();
        let mut labels = Labels::new(bounds, marks, Vec::new());
        let exited = ends().filter(|(course, _)| course.trail.is_over);
        for (course, ((x, y), value)) in exited.take(MOST_EXITED) {
            let figure = panel.figure.words(value);
            let whole = name(course.id, course.trail, context);
            let name = context.font.fit(&whole, LABEL, WIDEST);
            let text = format!("{name}  {figure}, exited");
            let size = (context.font.width(&text, LABEL), LABEL + 2.0);
            let end = (x, y, self.reach(course.id));
            if let Some(((x, y), _)) = labels.place(end, size, None) {
                self.text(scene, (x, y + LABEL), self.palette.alarm, text);
            }
        }
    }

    /// Radius of the mark at the end of a line, with its number.
    fn reach(&self, id: TaskId) -> f32 {
        let ring = self.rings.get(&id).copied();
        ring.filter(|_| self.panel.figure == Figure::Cpu)
            .unwrap_or(END)
    }

    fn text(&self, scene: &mut Scene, (x, y): (f32, f32), color: Color, text: String) {
        scene.items.push(Item::Text(Text {
            x,
            y,
            size: LABEL,
            anchor: Anchor::Start,
            color,
            text,
        }));
    }
}
