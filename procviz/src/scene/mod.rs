//! Holds what a chart drew, in pixels: marks with the task each stands for,
//! text, lines. Painters turn it into files; it is also the index of what is
//! under a pointer. It knows nothing of tasks beyond their ids.

mod font;
#[cfg(feature = "window")]
mod magnify;
mod record;
mod text_dump;

pub use font::{Font, FontError};
#[cfg(feature = "window")]
pub(crate) use magnify::Magnifier;
pub use record::Recorder;
pub(crate) use record::stroke;
pub use text_dump::dump;

use crate::model::TaskId;

/// A colour: red, green, blue, opacity, each 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color(pub u8, pub u8, pub u8, pub u8);

/// The shape of a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A filled circle.
    Disc,
    /// A circle's line.
    Ring,
    /// A filled square on its side.
    Square,
    /// A filled square on its corner.
    Diamond,
    /// A filled triangle.
    Triangle,
}

/// A task in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Which task.
    pub id: TaskId,
    /// Centre, pixels from the left.
    pub x: f32,
    /// Centre, pixels from the top.
    pub y: f32,
    /// Half its width, pixels.
    pub r: f32,
    /// Its shape.
    pub shape: Shape,
    /// Its colour.
    pub color: Color,
    /// A second channel: a spot in the middle, in this colour.
    pub spot: Option<Color>,
}

/// Where a text stands relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// A line of text; the point is on its base line.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Pixels from the left.
    pub x: f32,
    /// Base line, pixels from the top.
    pub y: f32,
    /// Height of the font, pixels.
    pub size: f32,
    /// What the point means.
    pub anchor: Anchor,
    /// Colour.
    pub color: Color,
    /// What it says; free of control characters.
    pub text: String,
}

/// Something that stands for no task.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Connected straight lines.
    Line {
        /// Corners.
        points: Vec<(f32, f32)>,
        /// Pixels.
        width: f32,
        /// Colour.
        color: Color,
    },
    /// A filled rectangle.
    Rect {
        /// Left, top, width, height, pixels.
        at: (f32, f32, f32, f32),
        /// Colour.
        color: Color,
    },
    /// A circle's line.
    Ring {
        /// Centre.
        at: (f32, f32),
        /// Pixels.
        r: f32,
        /// Pixels.
        width: f32,
        /// Colour.
        color: Color,
    },
    /// Text.
    Text(Text),
}

/// A picture, before any painter has seen it.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Pixels.
    pub width: f32,
    /// Pixels.
    pub height: f32,
    /// Behind everything.
    pub background: Color,
    /// What it is, for titles and text chunks.
    pub title: String,
    /// Tasks, in the order in which they are drawn.
    pub marks: Vec<Mark>,
    /// All else; drawn over the marks.
    pub items: Vec<Item>,
    /// Where the findings are told: left, top, right, bottom, pixels.
    pub panel: Vec<(f32, f32, f32, f32)>,
}

impl Scene {
    /// An empty picture.
    pub fn new(width: f32, height: f32, background: Color) -> Self {
        Self {
            width,
            height,
            background,
            title: String::new(),
            marks: Vec::new(),
            items: Vec::new(),
            panel: Vec::new(),
        }
    }

    /// The topmost task at a point.
    pub fn at(&self, x: f32, y: f32) -> Option<TaskId> {
        let near = |mark: &&Mark| (mark.x - x).hypot(mark.y - y) <= mark.r.max(2.0);
        self.marks.iter().rev().find(near).map(|mark| mark.id)
    }
}
