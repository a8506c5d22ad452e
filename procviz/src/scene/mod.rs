//! Holds the drawing of a chart, in pixels: marks with their task ids, texts and
//! lines. Painters convert a scene to files. The scene is also the index for the task
//! under the pointer. Of tasks, a scene contains only the ids.

mod font;
#[cfg(feature = "window")]
mod magnify;
mod record;
mod text_dump;

pub use font::{Font, FontError};
#[cfg(feature = "window")]
pub(crate) use magnify::Magnifier;
pub use record::Recorder;
pub(crate) use record::steps;
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
    /// The outline of a circle.
    Ring,
    /// A filled square that stands on a side.
    Square,
    /// A filled square that stands on a corner.
    Diamond,
    /// A filled triangle.
    Triangle,
}

/// The mark of a task in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Id of the task.
    pub id: TaskId,
    /// Centre, pixels from the left.
    pub x: f32,
    /// Centre, pixels from the top.
    pub y: f32,
    /// Half the width, in pixels.
    pub r: f32,
    /// Shape of the mark.
    pub shape: Shape,
    /// Colour of the mark.
    pub color: Color,
    /// Colour of a spot in the middle, which distinguishes marks without relying on
    /// `color`; `None` for no spot.
    pub spot: Option<Color>,
}

/// The position of a text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins at the point.
    Start,
    /// The middle of the text is at the point.
    Middle,
    /// The text ends at the point.
    End,
}

/// A line of text. Its point is on the base line.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// Point, pixels from the left.
    pub x: f32,
    /// Base line, pixels from the top.
    pub y: f32,
    /// Height of the font, in pixels.
    pub size: f32,
    /// Position of the text relative to the point.
    pub anchor: Anchor,
    /// Colour.
    pub color: Color,
    /// The text, without control characters.
    pub text: String,
}

/// A drawn item that does not represent a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// Connected straight lines.
    Line {
        /// Ends and corners, in pixels.
        points: Vec<(f32, f32)>,
        /// Width of the line, in pixels.
        width: f32,
        /// Colour.
        color: Color,
    },
    /// A filled rectangle.
    Rect {
        /// Left, top, width, height, in pixels.
        at: (f32, f32, f32, f32),
        /// Colour.
        color: Color,
    },
    /// The outline of a circle.
    Ring {
        /// Centre, in pixels.
        at: (f32, f32),
        /// Radius, in pixels.
        r: f32,
        /// Width of the line, in pixels.
        width: f32,
        /// Colour.
        color: Color,
    },
    /// Text.
    Text(Text),
}

/// A picture before painting.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Width, in pixels.
    pub width: f32,
    /// Height, in pixels.
    pub height: f32,
    /// Background colour.
    pub background: Color,
    /// Title of the picture, for SVG and HTML titles and PNG text chunks.
    pub title: String,
    /// Marks of tasks, in drawing order.
    pub marks: Vec<Mark>,
    /// All other items. They are drawn over the marks.
    pub items: Vec<Item>,
    /// Boxes of the findings in the margin: left, top, right, bottom, in pixels.
    pub panel: Vec<(f32, f32, f32, f32)>,
}

impl Scene {
    /// Makes an empty picture.
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

    /// Adds a line of text, whose point is at `(x, y)`.
    pub fn text(
        &mut self,
        (x, y): (f32, f32),
        (size, anchor, color): (f32, Anchor, Color),
        text: String,
    ) {
        self.items.push(Item::Text(Text {
            x,
            y,
            size,
            anchor,
            color,
            text,
        }));
    }

    /// The topmost task at a point.
    pub fn at(&self, x: f32, y: f32) -> Option<TaskId> {
        let near = |mark: &&Mark| (mark.x - x).hypot(mark.y - y) <= mark.r.max(2.0);
        self.marks.iter().rev().find(near).map(|mark| mark.id)
    }
}
